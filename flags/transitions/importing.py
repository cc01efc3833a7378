"""Flags from a file: all of it or nothing, and only what differs.

An environment's rules change only where asked for, never where a rollout drives the flag; kill switches and
rules that a rollout laid stay as they are.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from core.actors import Actor
from core.domain.difference import take_fingerprint
from core.domain.yaml_reading import Document
from core.domain.yaml_writing import write_documents
from core.errors import InvalidInput, Refusal
from core.filing import Import, at_line, check_once, read_file, run_import
from core.history import recorded
from flags.dependants import list_drivers
from flags.domain.audience import RuleAudience
from flags.domain.flag_file import (
    FORMAT,
    LASTING,
    AnyRule,
    EnvironmentFile,
    FlagFile,
    SegmentFile,
    SiteFile,
    WhereFile,
    read_conditions,
    settle,
    write_document,
)
from flags.domain.promotion import RuleContent, StandingRule, plan_promotion
from flags.flag_files import Places, describe_flags, get_environments
from flags.import_queries import Counter, FlagChange, Reach
from flags.models import Environment, Flag, FlagState, Segment, Site
from flags.promotion_queries import stand_rules
from flags.transitions.editing import create_flag, edit_flag
from flags.transitions.locking import check_in_use, lock_making
from flags.transitions.promoting import lay_lines
from flags.transitions.ruling import check_gift


@dataclass(frozen=True)
class _By:
    """Who writes, why and when."""

    actor: Actor
    reason: str
    now: datetime

    @property
    def words(self) -> dict[str, Any]:
        return {"actor": self.actor, "reason": self.reason, "now": self.now}


@dataclass(frozen=True)
class _Wish:
    """A document as it would be exported once it is imported, with the environments it is asked about."""

    document: Document
    content: FlagFile

    @property
    def key(self) -> str:
        return self.content.key


def import_flags(
    *,
    source: bytes | str,
    actor: Actor,
    reason: str,
    now: datetime,
    environment_keys: Collection[str] = (),
    seen: str | None = None,
    is_dry_run: bool = False,
) -> Import[FlagChange]:
    """Make or change the flags of a file, and in the environments named, on or off and people's rules.

    `seen` is the fingerprint of the import that a person looked at: refused where the file or a flag is
    another now. A dry run writes nothing.
    """
    by = _By(actor, reason, now)
    return run_import(lambda: _import(source, environment_keys, by=by, seen=seen), is_dry_run=is_dry_run)


def _import(source: bytes | str, keys: Collection[str], *, by: _By, seen: str | None) -> Import[FlagChange]:
    asked = {environment.key: environment for environment in (get_environments(keys) if keys else ())}
    wishes = [_read(document, content, asked) for document, content in read_file(source, FORMAT)]
    once: set[str] = set()
    for wish in wishes:
        check_once(wish.document, wish.key, once)
    lock_making()
    flags = {
        flag.key: flag for flag in Flag.objects.select_for_update(of=("self",)).filter(key__in=once).order_by("pk")
    }
    rows = FlagState.objects.select_for_update(of=("self",)).filter(flag__in=flags.values())
    list(rows.filter(environment__in=asked.values()).order_by("pk"))
    places: Places = {wish.key: tuple(wish.content.environments) for wish in wishes}
    before = {key: _write(one) for key, one in describe_flags(flags.values(), places).items()}
    texts = {wish.key: _write(wish.content) for wish in wishes}
    fingerprint = take_fingerprint([*asked, *texts.values(), *(before.get(key, "") for key in texts)])
    if seen is not None and seen != fingerprint:
        raise Refusal("changed_meanwhile")
    counter = Counter()
    changes = []
    for wish in wishes:
        if texts[wish.key] == before.get(wish.key):
            continue
        flag, reaches = _save(wish, flags.get(wish.key), asked, by=by, counter=counter)
        after = _write(describe_flags([flag], places)[wish.key])
        changes.append(FlagChange(wish.key, before.get(wish.key, ""), after, reaches))
    unchanged = [key for key in texts if texts[key] == before.get(key)]
    return Import(fingerprint, tuple(changes), tuple(unchanged))


def _read(document: Document, content: FlagFile, asked: Mapping[str, Environment]) -> _Wish:
    """Return what is wished of the portal: environments that nobody asked for are left out, whatever they say."""
    places = {key: one for key, one in content.environments.items() if key in asked}
    with at_line(document):
        return _Wish(document, settle(msgspec.structs.replace(content, environments=places)))


def _write(content: FlagFile) -> str:
    return write_documents([write_document(content)])


def _save(
    wish: _Wish, flag: Flag | None, asked: Mapping[str, Environment], *, by: _By, counter: Counter
) -> tuple[Flag, tuple[Reach, ...]]:
    content, document = wish.content, wish.document
    with at_line(document):
        if flag is None:
            flag = create_flag(key=content.key, **_list_lasting(content), **_list_words(document, content), **by.words)
        else:
            flag = _edit(document, flag, content, by=by)
    reaches = []
    for key, place in content.environments.items():
        state = FlagState.objects.select_related("flag", "environment").get(flag=flag, environment=asked[key])
        definition = counter.define(state)
        if _lay(document, state, place, by=by):
            reaches.append(counter.count(state, definition))
    return flag, tuple(reaches)


def _edit(document: Document, flag: Flag, content: FlagFile, *, by: _By) -> Flag:
    """Change what a flag says of itself, where that differs, and return it; what clients know of it stays."""
    check_in_use(flag)
    [stands] = describe_flags([flag], {flag.key: ()}).values()
    wanted = msgspec.structs.replace(content, environments={})
    for name in LASTING:
        old, new = (write_documents([{name: write_document(one)[name]}]) for one in (stands, wanted))
        if old != new:
            with at_line(document, name):
                raise Refusal("flag_file_lasting", flag=flag.key, field=name)
    if _write(stands) == _write(wanted):
        return flag
    return edit_flag(flag_id=flag.pk, **_list_words(document, content), **by.words)


def _list_lasting(content: FlagFile) -> dict[str, Any]:
    return {name: getattr(content, name) for name in LASTING}


def _list_words(document: Document, content: FlagFile) -> dict[str, Any]:
    """Return what may change of a flag, as the transitions take it."""
    names = ("name", "description", "criticality", "owner", "cashier_note_fr", "documentation_url", "is_permanent")
    return {name: getattr(content, name) for name in names} | {"expires_on": _read_day(document, content.expires_on)}


def _read_day(document: Document, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("file_day_unknown", line=document.line_of(("expires_on",)), day=text) from None


def _lay(document: Document, state: FlagState, place: EnvironmentFile, *, by: _By) -> bool:
    """Give an environment what a document says of it; True where something changed."""
    path = ("environments", state.environment.key)
    coming = []
    for number, rule in enumerate(place.rules):
        with at_line(document, *path, "rules", number):
            content = _resolve(state.flag, rule)
        coming.append(StandingRule(-1 - number, number, content, is_own=True))
    plan = plan_promotion(coming, stand_rules(state), was_on=state.is_on, is_on=place.is_on)
    if plan.is_empty:
        return False
    with at_line(document, *path):
        if drivers := list_drivers(flag_id=state.flag_id, environment_id=state.environment_id):
            labels = ", ".join(driver.label for driver in drivers)
            raise Refusal("flag_file_driven", rollouts=labels, environment=state.environment.key)
        with recorded(**by.words):
            lay_lines(state, plan, now=by.now)
    return True


def _resolve(flag: Flag, rule: AnyRule) -> RuleContent:
    """Return what a document's rule says, in rows; refuse a segment, a site or a variant that is not there."""
    if rule.variant and rule.split:
        raise InvalidInput("rule_gives_twice")
    split = check_gift(flag, variant=rule.variant, split=rule.pieces)
    return RuleContent(_find_audience(rule), rule.variant, split)


def _find_audience(rule: AnyRule) -> RuleAudience:
    if isinstance(rule, SegmentFile):
        segment = Segment.objects.filter(key=rule.segment).values_list("pk", flat=True).first()
        if segment is None:
            raise InvalidInput("segment_not_there", segment=rule.segment)
        return RuleAudience.for_segment(segment)
    if isinstance(rule, SiteFile):
        site = Site.objects.filter(key=rule.site).values_list("pk", flat=True).first()
        if site is None:
            raise InvalidInput("site_not_there", site=rule.site)
        return RuleAudience.for_site(site)
    return RuleAudience.where(read_conditions(rule)) if isinstance(rule, WhereFile) else RuleAudience.everyone()
