"""What a channel wants, when it is read, what it is sent at once, and what an answer means: pure rules."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.domain.answers import MOST_WAIT, Verdict, judge, read_retry_after
from notifications.domain.chats import CARD_BYTES, write_mattermost, write_slack, write_teams
from notifications.domain.messages import Message
from notifications.domain.parcels import FLOOD, MOST_IN_ONE, Waiting, pack
from notifications.domain.topics import TOPICS
from notifications.domain.wishes import Drills, Hours, Scope, Wishes, opens_at, scope_of, wants

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=PARIS)  # a Wednesday


@pytest.mark.parametrize(
    ("wishes", "is_wanted"),
    [
        (Wishes(), True),
        (Wishes(environments=frozenset({"prod"})), True),
        (Wishes(environments=frozenset({"staging"})), False),
        (Wishes(kinds=frozenset({"incident_opened"})), True),
        (Wishes(kinds=frozenset({"step_done"})), False),
        (Wishes(sites=frozenset({"lyon"})), True),
        (Wishes(sites=frozenset({"paris"})), False),
        (Wishes(least_tier="minor"), True),
        (Wishes(least_tier="important"), True),
        (Wishes(least_tier="critical"), False),
        (Wishes(drills=Drills.TOO), True),
        (Wishes(drills=Drills.ONLY), False),
    ],
)
def test_wants__each_wish__narrows_by_what_the_event_is_about(wishes: Wishes, is_wanted: bool) -> None:
    scope = Scope("incident_opened", environment="prod", tier="important", sites=frozenset({"lyon", "brest"}))

    assert wants(wishes, scope) is is_wanted


def test_wants__event_of_no_place_and_tier__concerns_every_channel() -> None:
    narrow = Wishes(environments=frozenset({"prod"}), sites=frozenset({"lyon"}), least_tier="critical")

    assert wants(narrow, Scope("source_silent"))


@pytest.mark.parametrize(("drills", "is_wanted"), [(Drills.NO, False), (Drills.TOO, True), (Drills.ONLY, True)])
def test_wants__rehearsal__only_where_it_is_asked_for(drills: Drills, is_wanted: bool) -> None:
    assert wants(Wishes(drills=drills), Scope("rollout_held", is_rehearsal=True)) is is_wanted


def test_scope__of_what_events_hold__reads_sites_of_either_name() -> None:
    assert scope_of("k", {"site_keys": ["a"], "environment": "prod", "tier": "minor"}).sites == {"a"}
    assert scope_of("k", {"sites": ["b"], "is_rehearsal": True}) == Scope(
        "k", sites=frozenset({"b"}), is_rehearsal=True
    )
    assert scope_of("k", {"sites": "everywhere"}).sites == frozenset()


@pytest.mark.parametrize(
    ("hours", "opens"),
    [
        (Hours(), NOON),
        (Hours(time(9), time(18), zone=PARIS), NOON),
        (Hours(time(14), time(18), zone=PARIS), NOON.replace(hour=14)),
        (Hours(time(8), time(10), zone=PARIS), NOON.replace(hour=8) + timedelta(days=1)),
        (Hours(time(22), time(6), zone=PARIS), NOON.replace(hour=22)),
        (Hours(time(22), time(13), zone=PARIS), NOON),
        (Hours(time(9), time(18), days=frozenset({0}), zone=PARIS), NOON.replace(day=30, hour=9)),
        (Hours(days=frozenset({5, 6}), zone=PARIS), NOON.replace(day=28, hour=0)),
        (Hours(days=frozenset({2}), zone=PARIS), NOON),
    ],
)
def test_opens_at__hours_and_days__is_the_next_moment_within_them(hours: Hours, opens: datetime) -> None:
    assert opens_at(hours, now=NOON) == opens


@given(
    begin=st.times(),
    end=st.times(),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    now=st.integers(0, 700 * 86_400).map(lambda seconds: NOON.astimezone(UTC) + timedelta(seconds=seconds)),
)
def test_opens_at__whatever_the_hours__is_never_past_and_within_eight_days(
    begin: time, end: time, days: frozenset[int], now: datetime
) -> None:
    opens = opens_at(Hours(begin.replace(fold=0), end.replace(fold=0), days=days, zone=PARIS), now=now)

    assert now <= opens <= now + timedelta(days=8)


def _wait(pk: int, kind: str = "news", thread: str = "", *, is_urgent: bool = False) -> Waiting:
    return Waiting(pk=pk, kind=kind, thread=thread, is_urgent=is_urgent)


def test_pack__urgent_one__goes_first_but_not_before_an_older_one_about_the_same() -> None:
    waiting = [_wait(1, thread="/a/"), _wait(2, thread="/b/"), _wait(3, thread="/b/", is_urgent=True)]

    assert pack(waiting, gathers=True).sent == (2,)
    assert pack([waiting[0], waiting[2]], gathers=True).sent == (3,)


def test_pack__flood__goes_as_one_and_in_order() -> None:
    waiting = [_wait(number, thread=f"/{number}/") for number in range(1, MOST_IN_ONE + 5)]

    assert pack(waiting[: FLOOD - 1], gathers=True).sent == (1,)
    assert pack(waiting, gathers=True).sent == tuple(range(1, MOST_IN_ONE + 1))
    assert pack(waiting, gathers=False).sent == (1,)


def test_pack__outdated__is_replaced_by_the_newest_about_the_same_thing_alone() -> None:
    waiting = [
        _wait(1, "incident_half", "/incidents/1/"),
        _wait(2, "incident_half", "/incidents/2/"),
        _wait(3, "incident_opened", "/incidents/1/"),
        _wait(4, "incident_missed", "/incidents/1/"),
    ]

    parcel = pack(waiting, gathers=True)

    assert parcel.replaced == {1: 4}
    assert parcel.sent == (2,)
    assert pack(waiting, gathers=False).replaced == {}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["news", *sorted(TOPICS)]), st.sampled_from(["", "/a/", "/b/", "/c/"]), st.booleans()
        ),
        min_size=1,
        max_size=60,
    ),
    st.booleans(),
)
def test_pack__until_nothing_waits__every_message_is_sent_or_replaced_once_and_threads_keep_their_order(
    given_ones: list[tuple[str, str, bool]], gathers: bool
) -> None:
    left = [_wait(pk, kind, thread, is_urgent=urgent) for pk, (kind, thread, urgent) in enumerate(given_ones)]
    threads = {one.pk: one.thread for one in left}
    sent: list[int] = []
    replaced: dict[int, int] = {}
    while left:
        parcel = pack(left, gathers=gathers)
        sent += parcel.sent
        replaced |= parcel.replaced
        gone = {*parcel.sent, *parcel.replaced}
        assert gone
        left = [one for one in left if one.pk not in gone]

    assert sorted([*sent, *replaced]) == list(range(len(given_ones)))
    assert all(newer in sent or newer in replaced for newer in replaced.values())
    for thread in ("/a/", "/b/", "/c/"):
        of_thread = [pk for pk in sent if threads[pk] == thread]
        assert of_thread == sorted(of_thread)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.TAKEN),
        (202, Verdict.TAKEN),
        (301, Verdict.CLOSED),
        (400, Verdict.REFUSED),
        (404, Verdict.CLOSED),
        (408, Verdict.LATER),
        (410, Verdict.CLOSED),
        (413, Verdict.REFUSED),
        (429, Verdict.LATER),
        (500, Verdict.LATER),
        (503, Verdict.LATER),
    ],
)
def test_judge__status__says_what_becomes_of_message_and_channel(status: int, verdict: Verdict) -> None:
    assert judge(status) is verdict


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("99999999999999999999", MOST_WAIT),
        ("Wed, 25 Nov 2026 11:02:00 GMT", timedelta(minutes=2)),
        ("Wed, 25 Nov 2020 11:02:00 GMT", timedelta()),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("٣", None),
    ],
)
def test_retry_after__seconds_or_date__is_honoured_within_a_day(text: str, wait: timedelta | None) -> None:
    assert read_retry_after(text, now=NOON) == wait


@given(st.text(max_size=6_000), st.text(max_size=6_000))
def test_chats__whatever_people_typed__stays_below_what_each_takes(subject: str, body: str) -> None:
    message = Message(
        subject, body, next=body, facts=[(subject, body)] * 20, url="https://p.example/", open_words="Open"
    )

    slack = write_slack(message)
    assert len(slack["blocks"][0]["text"]["text"]) <= 150
    assert all(len(one["text"]["text"]) <= 3_000 for one in slack["blocks"] if "text" in one)
    assert "@" not in write_mattermost(message)["text"].replace("@\u200b", "")
    assert len(str(write_teams(message))) <= 2 * CARD_BYTES
