"""The rows that writes lock first, and whether they are still what a person saw."""

from collections.abc import Mapping

from django.db import connection

from core.errors import InvalidInput, Refusal
from core.versions import check_version
from flags.models import Flag, FlagState, Segment
from flags.queries import get_state_version, list_state_versions

#: An advisory lock's key: no row says yet that a flag or an environment is being made.
MAKING_LOCK = 7_140_204


def lock_making() -> None:
    """Let nobody else make a flag or an environment meanwhile: each flag has a state in each environment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MAKING_LOCK])


def get_locked_state(*, flag_id: int, environment_id: int, seen_version: int | None = None) -> FlagState:
    """Return the locked state of a flag in an environment.

    Refuses what does not exist, and a state or rules that changed after a person's page was drawn.
    """
    try:
        state = FlagState.objects.select_for_update(of=("self",)).get(flag_id=flag_id, environment_id=environment_id)
    except FlagState.DoesNotExist:
        raise InvalidInput("flag_unknown", flag=flag_id, environment=environment_id) from None
    if seen_version is not None and seen_version != get_state_version(state):
        raise Refusal("changed_meanwhile")
    return state


def get_locked_states(*, flag_id: int, seen_versions: Mapping[int, int]) -> dict[int, FlagState]:
    """Return the locked states of a flag, by environment: those of the versions that a person saw there.

    Refuses an environment there is not, and any state or rules that changed after the page was drawn.
    """
    rows = FlagState.objects.select_for_update(of=("self",)).select_related("environment")
    rows = rows.filter(flag_id=flag_id, environment__in=seen_versions)
    states = {state.environment_id: state for state in rows.order_by("pk")}
    if states.keys() != seen_versions.keys():
        raise InvalidInput("flag_unknown", flag=flag_id)
    versions = list_state_versions([state.pk for state in states.values()])
    if any(versions[state.pk] != seen_versions[pk] for pk, state in states.items()):
        raise Refusal("changed_meanwhile")
    return states


def get_locked_flag(flag_id: int, *, seen_version: int | None = None) -> Flag:
    """Return the locked flag; refuse one that does not exist or changed after a person's page was drawn."""
    flag = Flag.objects.select_for_update(of=("self",)).filter(pk=flag_id).first()
    if flag is None:
        raise InvalidInput("flag_unknown", flag=flag_id)
    check_version(flag, seen_version)
    return flag


def get_locked_segment(segment_id: int, *, seen_version: int | None = None) -> Segment:
    """Return the locked segment; refuse one that does not exist or changed after a person's page was drawn."""
    segment = Segment.objects.select_for_update(of=("self",)).filter(pk=segment_id).first()
    if segment is None:
        raise InvalidInput("segment_unknown")
    check_version(segment, seen_version)
    return segment


def check_in_use(flag: Flag) -> None:
    """Refuse an archived flag: no client sees it, so nothing is to be switched."""
    if flag.archived_at is not None:
        raise Refusal("flag_archived", flag=flag.key)
