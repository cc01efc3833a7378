"""Whom a rule would reach, in numbers, before it is laid."""

from dataclasses import replace

from flags.definitions import define_flag, load_surroundings
from flags.domain.audience import RuleAudience
from flags.domain.definition import Split
from flags.domain.prospect import Preview, Subject, preview_rule
from flags.models import FlagState, Rule, SegmentMember, Till


def preview_change(
    state: FlagState, *, audience: RuleAudience, variant: str, split: Split, rule_id: int | None = None
) -> Preview:
    """Return what a rule behind the others would do, or a rule changed in its place: six queries.

    A new one switches the flag on, as adding it does.
    """
    rules = list(state.rules.order_by("position"))
    meant = Rule(
        kind=audience.kind,
        segment_id=audience.segment_id,
        site_id=audience.site_id,
        conditions=[one.as_json() for one in audience.conditions],
        variant=variant,
        split=[list(piece) for piece in split],
    )
    surroundings = load_surroundings()
    before = define_flag(state, rules, surroundings)
    index = next((number for number, rule in enumerate(rules) if rule.pk == rule_id), len(rules))
    rules[index : index + 1] = [meant]
    after = replace(define_flag(state, rules, surroundings), is_on=state.is_on or rule_id is None)
    return preview_rule(before, after, index=index, subjects=list_subjects())


def list_subjects() -> list[Subject]:
    """Return every till, and every person whom a segment names: two queries."""
    tills = Till.objects.values_list("site__key", "key")
    people = dict(SegmentMember.objects.order_by("targeting_key", "site").values_list("targeting_key", "site__key"))
    return [
        *(Subject(is_person=False, context={"site": site, "till": key}) for site, key in tills),
        *(
            Subject(is_person=True, context={"targetingKey": key} | ({"site": site} if site else {}))
            for key, site in people.items()
        ),
    ]
