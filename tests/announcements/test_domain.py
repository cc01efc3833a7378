"""The pure rules: states, places in words, what a confirmation asks for, what is suggested."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from announcements.default_words import DEFAULTS
from announcements.domain.confirming import TICKED_FROM, TYPED_FROM, Ask, ask_for, is_confirmed
from announcements.domain.kinds import Kind, suggest_for_incident, suggest_for_rollout
from announcements.domain.lifecycle import EDGES, SAID, Act, Status
from announcements.domain.message import Message, Reach, Text
from announcements.domain.placeholders import KNOWN, PLACE, fill, find_empty, find_unknown
from announcements.domain.running import LONGEST_SECONDS, MAX_ATTEMPTS, delay_after
from announcements.labels import KINDS, PLACEHOLDERS, RUN_STATES, STATUSES
from announcements.models import LONGEST_BODY, LONGEST_TITLE
from incidents.domain.lifecycle import Status as IncidentStatus
from incidents.domain.words import WordStatus
from rollouts.domain.lifecycle import Status as RolloutStatus


def test_edges__every_state__is_there_and_what_is_withdrawn_stays_so() -> None:
    assert set(EDGES) == set(Status) == {Status(code) for code in STATUSES}
    assert EDGES[Status.WITHDRAWN] == frozenset()
    assert all(Status.DRAFT not in EDGES[state] for state in SAID)


def test_fill__line_without_a_value__is_left_out_with_the_gap_it_leaves() -> None:
    text = "Version {release}\n\nAppelez le {hotline}.\n\nMerci"

    assert fill(text, {"release": "1.3"}) == "Version 1.3\n\nMerci"
    assert fill(text, {"release": "1.3", "hotline": "01 02"}) == "Version 1.3\n\nAppelez le 01 02.\n\nMerci"
    assert find_empty(text, {"release": "1.3"}) == ["hotline"]


def test_fill__value_with_braces__is_not_filled_again() -> None:
    assert fill("{release_name}", {"release_name": "{hotline}", "hotline": "01"}) == "{hotline}"


@pytest.mark.parametrize(
    ("text", "unknown"),
    [("{release}", []), ("{relase}", ["relase"]), ("{}", [""]), ("{ release }", [" release "]), ("a { b", [])],
)
def test_find_unknown__names__only_what_stands_for_nothing(text: str, unknown: list[str]) -> None:
    assert find_unknown(text) == unknown


@given(st.text(alphabet="{}ab\nrelease ", max_size=60))
def test_fill__any_text_with_known_places__leaves_none_open(text: str) -> None:
    if not find_unknown(text):
        assert not PLACE.search(fill(text, dict.fromkeys(KNOWN, "x")))


def test_default_words__every_kind__is_whole_fits_and_names_known_places() -> None:
    assert set(DEFAULTS) == set(Kind) == {Kind(code) for code in KINDS}
    for words in DEFAULTS.values():
        texts = (words.title_fr, words.body_fr, words.title_en, words.body_en)
        assert all(texts)
        assert find_unknown(*texts) == []
        assert max(len(words.title_fr), len(words.title_en)) <= LONGEST_TITLE
        assert max(len(words.body_fr), len(words.body_en)) <= LONGEST_BODY
        assert PLACE.findall(words.title_fr + words.body_fr) == PLACE.findall(words.title_en + words.body_en)
    assert set(PLACEHOLDERS) == set(KNOWN)


@pytest.mark.parametrize(
    ("readers", "ask"),
    [(0, Ask.NOTHING), (TICKED_FROM - 1, Ask.NOTHING), (TICKED_FROM, Ask.TICK), (TYPED_FROM, Ask.TYPE)],
)
def test_confirmation__more_readers__ask_more(readers: int, ask: Ask) -> None:
    assert ask_for(readers) is ask
    assert is_confirmed(readers, None) == (ask is Ask.NOTHING)
    assert is_confirmed(readers, readers)
    assert is_confirmed(readers, readers + 1) == (ask is Ask.NOTHING)


def test_delay__grows_to_its_longest_and_ends() -> None:
    delays = [delay_after(number) for number in range(1, MAX_ATTEMPTS)]

    seconds = [delay.total_seconds() for delay in delays if delay is not None]
    assert seconds == sorted(seconds)
    assert seconds[-1] == LONGEST_SECONDS
    assert delay_after(MAX_ATTEMPTS) is None
    assert len(RUN_STATES) == 4


@pytest.mark.parametrize(
    ("status", "is_taken_back", "kind"),
    [
        (RolloutStatus.DRAFT, False, Kind.RELEASE_PLANNED),
        (RolloutStatus.RUNNING, False, Kind.PHASE_BEGINS),
        (RolloutStatus.HELD, False, Kind.ROLLOUT_HELD),
        (RolloutStatus.HELD, True, Kind.ROLLBACK_DONE),
        (RolloutStatus.ROLLED_BACK, True, Kind.ROLLBACK_DONE),
        (RolloutStatus.COMPLETED, False, Kind.ALL_CLEAR),
    ],
)
def test_suggestion__of_a_rollout__is_what_it_is_at(status: RolloutStatus, is_taken_back: bool, kind: Kind) -> None:
    assert suggest_for_rollout(status, is_taken_back=is_taken_back) is kind


@pytest.mark.parametrize(
    ("status", "last", "kind"),
    [
        (IncidentStatus.OPEN, None, Kind.INCIDENT_INVESTIGATING),
        (IncidentStatus.OPEN, WordStatus.IDENTIFIED, Kind.INCIDENT_IDENTIFIED),
        (IncidentStatus.OPEN, WordStatus.RESOLVED, Kind.INCIDENT_INVESTIGATING),
        (IncidentStatus.MITIGATED, WordStatus.IDENTIFIED, Kind.INCIDENT_MONITORING),
        (IncidentStatus.RESOLVED, None, Kind.INCIDENT_RESOLVED),
    ],
)
def test_suggestion__of_an_incident__goes_on_from_the_last_word(
    status: IncidentStatus, last: WordStatus | None, kind: Kind
) -> None:
    assert suggest_for_incident(status, last=last) is kind


def test_message__language_without_words__is_said_in_the_other_one_and_says_so() -> None:
    message = Message(
        announcement_id=1,
        number=1,
        kind=Kind.FREE,
        act=Act.CORRECTION,
        environment_id=1,
        environment_key="prod",
        texts={"fr": Text("Titre", "Texte"), "en": Text("Title", "")},
        notes={"fr": "La date", "en": ""},
        outlets=["people"],
        reach=Reach(),
    )

    said = message.say("en")

    assert (said.text.title, said.note, said.language) == ("Titre", "La date", "fr")
