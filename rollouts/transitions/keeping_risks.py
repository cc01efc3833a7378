"""The register of risks: written down, rated, taken on, mitigated, accepted, closed. Nothing of it is ever deleted."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from core.actors import Actor, ActorKind
from core.domain.lifecycle import check_move
from core.errors import InvalidInput, NotAllowed, Refusal
from core.history import recorded
from core.models import User
from core.reasons import write_reason
from core.roles import Capability, can
from core.versions import check_version
from flags.models import Flag
from rollouts.domain.risks import EDGES, HIGHEST, LOWEST, RiskCategory, RiskLevel, RiskState, level_of, raise_likelihood
from rollouts.models import Release, Risk, RiskFlag, RiskRelease
from rollouts.models.risks import LONGEST_TITLE

MAX_WORDS_CHARACTERS = 5_000


@dataclass(frozen=True)
class RiskWords:
    """What is said of a risk, its rating apart. Linked to no release and no flag it is one of every rollout."""

    title: str
    category: str
    description: str = ""
    mitigation: str = ""
    owner_id: int | None = None
    review_on: date | None = None
    release_ids: Collection[int] = ()
    flag_ids: Collection[int] = ()


@transaction.atomic
def create_risk(
    *,
    words: RiskWords,
    likelihood: int,
    impact: int,
    actor: Actor,
    reason: str,
    now: datetime,
    built_in: str = "",
) -> Risk:
    """Write a risk down, open and rated."""
    check_rating(likelihood=likelihood, impact=impact)
    _check_words(words, owner_before=None)
    risk = Risk(likelihood=likelihood, impact=impact, built_in=built_in)
    _fill(risk, words)
    with recorded(actor=actor, reason=reason, now=now):
        risk.save()
        _link(risk, words)
    return risk


@transaction.atomic
def edit_risk(
    *, risk_id: int, words: RiskWords, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> Risk:
    """Change what is said of an open risk; its rating is changed by `rate_risk`."""
    risk = get_locked_risk(risk_id, seen=seen)
    check_open(risk)
    _check_words(words, owner_before=risk.owner_id)
    with recorded(actor=actor, reason=reason, now=now):
        _fill(risk, words)
        risk.save()
        _link(risk, words)
    return risk


@transaction.atomic
def rate_risk(
    *,
    risk_id: int,
    likelihood: int,
    impact: int,
    actor: Actor,
    reason: str,
    now: datetime,
    review_on: date | None = None,
    seen: int | None = None,
) -> Risk:
    """Rate an open risk anew, also as it was; without a day for the next look the one that is set stays.

    A program takes none out of the high ones: those stop plans in every environment until a person looks at them.
    """
    risk = get_locked_risk(risk_id, seen=seen)
    check_open(risk)
    check_rating(likelihood=likelihood, impact=impact)
    is_high = level_of(likelihood=likelihood, impact=impact) is RiskLevel.HIGH
    if actor.kind is ActorKind.TOKEN and risk.level is RiskLevel.HIGH and not is_high:
        raise NotAllowed("risk_lowered_by_no_person")
    with recorded(actor=actor, reason=reason, now=now):
        risk.likelihood, risk.impact = likelihood, impact
        risk.review_on = review_on or risk.review_on
        risk.save()
    return risk


@transaction.atomic
def take_risk(*, risk_id: int, actor: Actor, now: datetime, seen: int | None = None) -> Risk:
    """Make the person who acts its owner."""
    risk = get_locked_risk(risk_id, seen=seen)
    check_open(risk)
    if actor.user_id is None:
        raise InvalidInput("person_unknown")
    with recorded(actor=actor, reason=write_reason("risk_taken"), now=now):
        risk.owner_id = actor.user_id
        risk.save()
    return risk


@transaction.atomic
def move_risk(
    *, risk_id: int, state: RiskState, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> Risk:
    """Say that a risk is mitigated, accepted, closed or open again; the first asks for words about how."""
    risk = get_locked_risk(risk_id, seen=seen)
    check_move(EDGES, start=RiskState(risk.state), end=state)
    if state is RiskState.MITIGATED and not risk.mitigation.strip():
        raise Refusal("risk_mitigation_missing")
    with recorded(actor=actor, reason=reason, now=now):
        risk.state = state
        risk.save()
    return risk


@transaction.atomic
def note_occurrence(*, risk_id: int, actor: Actor, reason: str, now: datetime) -> Risk:
    """Keep that a risk came true: it is likelier by one, at most the highest, and open again."""
    risk = get_locked_risk(risk_id)
    with recorded(actor=actor, reason=reason, now=now):
        risk.likelihood = raise_likelihood(risk.likelihood)
        risk.state = RiskState.OPEN
        risk.save()
    return risk


def get_locked_risk(risk_id: int, *, seen: int | None = None) -> Risk:
    """Return the locked risk; refuse an unknown one, and one that has changed since it was seen."""
    risk = Risk.objects.select_for_update(of=("self",)).filter(pk=risk_id).first()
    if risk is None:
        raise InvalidInput("risk_unknown", risk=risk_id)
    check_version(risk, seen)
    return risk


def check_open(risk: Risk) -> None:
    """Refuse to change what is settled: it is opened again first."""
    if not risk.is_open:
        raise Refusal("risk_settled", risk=risk.title)


def check_rating(*, likelihood: int, impact: int) -> None:
    """Refuse what is not on the scale."""
    if not (LOWEST <= likelihood <= HIGHEST and LOWEST <= impact <= HIGHEST):
        raise InvalidInput("risk_rating_wrong", least=LOWEST, most=HIGHEST)


def _check_words(words: RiskWords, *, owner_before: int | None) -> None:
    title = words.title.strip()
    if not title or len(title) > LONGEST_TITLE:
        raise InvalidInput("risk_untitled", limit=LONGEST_TITLE)
    if words.category not in set(RiskCategory):
        raise InvalidInput("risk_category_unknown")
    if max(len(words.description), len(words.mitigation)) > MAX_WORDS_CHARACTERS:
        raise InvalidInput("risk_words_too_long", limit=MAX_WORDS_CHARACTERS)
    if "\x00" in words.title + words.description + words.mitigation:
        raise InvalidInput("reason_unreadable")
    if words.owner_id is not None and words.owner_id != owner_before:
        owner = User.objects.filter(pk=words.owner_id, is_active=True).first()
        if owner is None or not can(owner, Capability.HANDLE_INCIDENTS):
            raise InvalidInput("owner_unfit")
    if Release.objects.filter(pk__in=words.release_ids).count() != len(set(words.release_ids)):
        raise InvalidInput("risk_links_wrong")
    if Flag.objects.filter(pk__in=words.flag_ids).count() != len(set(words.flag_ids)):
        raise InvalidInput("risk_links_wrong")


def _fill(risk: Risk, words: RiskWords) -> None:
    risk.title, risk.category = words.title.strip(), words.category
    risk.description, risk.mitigation = words.description.strip(), words.mitigation.strip()
    risk.owner_id, risk.review_on = words.owner_id, words.review_on


def _link(risk: Risk, words: RiskWords) -> None:
    """Bring a risk's links to what is wished, within the caller's recording."""
    releases, flags = set(words.release_ids), set(words.flag_ids)
    for release_row in risk.risk_releases.all():
        if release_row.release_id in releases:
            releases.discard(release_row.release_id)
        else:
            release_row.delete()
    for flag_row in risk.risk_flags.all():
        if flag_row.flag_id in flags:
            flags.discard(flag_row.flag_id)
        else:
            flag_row.delete()
    for release_id in sorted(releases):
        RiskRelease(risk=risk, release_id=release_id).save()
    for flag_id in sorted(flags):
        RiskFlag(risk=risk, flag_id=flag_id).save()
