"""A rule as a sentence that people fill in: for whom, and what they get."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.condition_forms import PREFIX, ConditionFormSet, write_conditions
from flags.domain.audience import RuleAudience, RuleKind
from flags.domain.bucketing import TOTAL_BP
from flags.domain.conditions import Condition
from flags.domain.definition import Split
from flags.models import Environment, Flag, Rule, Segment, Site
from flags.sentences import say_gift

#: In place of a variant: each gets a share. No variant's name has a star.
SHARES = "*"


class RuleForm(forms.Form):
    """Which rule a person means: where, for whom, which variant or shares. It writes nothing itself."""

    environment = forms.ModelChoiceField(
        Environment.objects.all(), to_field_name="key", label=_("Environment"), widget=forms.HiddenInput
    )
    audience = forms.ChoiceField(label=_("For whom"))
    variant = forms.ChoiceField(label=_("What they get"))

    def __init__(self, data: Mapping[str, Any], *, flag: Flag, split: Split = ()) -> None:
        super().__init__(data)
        segments = [(f"{RuleKind.SEGMENT}:{one.pk}", one.name) for one in Segment.objects.order_by("name")]
        sites = [(f"{RuleKind.SITE}:{one.pk}", one.name) for one in Site.objects.order_by("name")]
        self.fields["audience"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            (RuleKind.EVERYONE, _("everyone")),
            (RuleKind.CONDITIONS, _("those for whom conditions hold")),
            (_("Segments"), segments),
            (_("Sites"), sites),
        ]
        self._variants = order_variants(flag, split)
        self.fields["variant"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            *((name, say_gift(name, ())) for name in self._variants),
            (SHARES, _("a share of them each")),
        ]
        for number, name in enumerate(self._variants):
            self.fields[f"share-{number}"] = forms.DecimalField(
                label=say_gift(name, ()), min_value=0, max_value=100, decimal_places=2, required=False, localize=True
            )
        self.lines = ConditionFormSet(data, prefix=PREFIX)

    @property
    def shares(self) -> list[forms.BoundField]:
        """The fields of the shares, in %."""
        return [self[f"share-{number}"] for number in range(len(self._variants))]

    @property
    def audience_words(self) -> str:
        """What was chosen under "for whom", in words."""
        for value, words in self.fields["audience"].choices:  # type: ignore[attr-defined]  # a ChoiceField
            found = dict(words) if isinstance(words, list | tuple) else {value: words}
            if self.data.get("audience") in found:
                return str(found[self.data["audience"]])
        return ""

    def clean(self) -> dict[str, Any]:
        """Add `audience` as a value, and the `split` in place of the star."""
        data = self.cleaned_data
        data["split"] = ()
        if data.get("variant") == SHARES:
            data["variant"], data["split"] = "", self._read_split()
        if "audience" in data:
            data["audience"] = self._read_audience(data["audience"])
        return data

    def _read_split(self) -> Split:
        given = [self.cleaned_data.get(f"share-{number}") or Decimal() for number in range(len(self._variants))]
        split = tuple((name, int(share * 100)) for name, share in zip(self._variants, given, strict=True))
        if sum(weight for _name, weight in split) != TOTAL_BP:
            self.add_error("variant", _("Together the shares must be 100 %."))
        return split

    def _read_audience(self, chosen: str) -> RuleAudience:
        kind, _colon, pk = chosen.partition(":")
        if kind == RuleKind.SEGMENT:
            return RuleAudience.for_segment(int(pk))
        if kind == RuleKind.SITE:
            return RuleAudience.for_site(int(pk))
        return RuleAudience.where(self._read_conditions()) if kind == RuleKind.CONDITIONS else RuleAudience.everyone()

    def _read_conditions(self) -> tuple[Condition, ...]:
        if not self.lines.is_valid():
            self.add_error(None, _("Some conditions are not clear yet."))
            return ()
        if not self.lines.conditions:
            self.add_error("audience", _("Say at least one condition."))
        return self.lines.conditions


def order_variants(flag: Flag, split: Split = ()) -> list[str]:
    """Return a flag's variants as a split is laid: as it was, else the off variant last.

    So a larger share of the others only ever takes people from off.
    """
    kept = [name for name, _weight in split]
    others = [name for name in flag.variants if name not in kept]
    return [*kept, *sorted(others, key=lambda name: name == flag.off_variant)]


def write_rule(flag: Flag, *, environment_key: str, rule: Rule | None = None) -> dict[str, str]:
    """Return a rule as the form's data; without one, what a new rule most often is: on for everyone."""
    variants = order_variants(flag, rule.pieces if rule else ())
    data = {"environment": environment_key, "audience": str(RuleKind.EVERYONE), "variant": variants[0]}
    if rule is None:
        return data | write_conditions(())
    pk = rule.segment_id or rule.site_id
    data["audience"] = f"{rule.kind}:{pk}" if pk else rule.kind
    data["variant"] = rule.variant or SHARES
    weights = dict(rule.pieces)
    shares = {f"share-{n}": str(Decimal(weights.get(name, 0)) / 100) for n, name in enumerate(variants)}
    return data | (shares if rule.split else {}) | write_conditions(rule.asked)
