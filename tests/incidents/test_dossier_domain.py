"""Who saw what, from when to when, told by a story alone."""

from datetime import UTC, datetime, timedelta

from incidents.domain.dossier import count_seconds, read_moment, write_moment
from incidents.domain.exposed import Seen, Shut, Told, trace_seen, trace_shut

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def _at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def _give(minutes: int, flag: str, audience: str, phase: str = "per_site") -> Told:
    return Told(_at(minutes), "step_done", {"flag": flag, "audience": audience, "phase": phase})


def test_seen__given_and_never_taken__lasts() -> None:
    assert trace_seen([_give(0, "a", "Lyon")]) == [Seen("a", "Lyon", "per_site", _at(0), None, "")]


def test_seen__flag_taken_back__ends_for_everybody_and_the_others_stay() -> None:
    story = [
        _give(0, "a", "Lyon"),
        _give(1, "b", "Lyon"),
        _give(2, "a", "Brest"),
        Told(_at(5), "flag_rolled_back", {"flags": ["a"]}),
    ]

    assert [(one.flag, one.audience, one.until, one.ended_by) for one in trace_seen(story)] == [
        ("a", "Lyon", _at(5), "flag_rolled_back"),
        ("b", "Lyon", None, ""),
        ("a", "Brest", _at(5), "flag_rolled_back"),
    ]


def test_seen__phase_site_or_step_taken_back__ends_that_part_only() -> None:
    given = [_give(0, "a", "testers", "internal"), _give(1, "a", "Lyon"), _give(2, "a", "Brest")]

    of_phase = trace_seen([*given, Told(_at(5), "phase_rolled_back", {"flags": ["a"], "phase": "per_site"})])
    of_site = trace_seen([*given, Told(_at(5), "site_rolled_back", {"flags": ["a"], "audience": "Lyon"})])
    of_step = trace_seen([*given, Told(_at(5), "steps_undone", {"flags": ["a"], "audience": "Brest"})])

    assert [one.until for one in of_phase] == [None, _at(5), _at(5)]
    assert [one.until for one in of_site] == [None, _at(5), None]
    assert [one.until for one in of_step] == [None, None, _at(5)]


def test_seen__given_again_after_a_new_attempt__is_two_times() -> None:
    story = [_give(0, "a", "Lyon"), Told(_at(5), "redrafted", {"flags": ["other"]}), _give(9, "a", "Lyon")]

    assert [(one.since, one.until) for one in trace_seen(story)] == [(_at(0), _at(5)), (_at(9), None)]


def test_seen__given_twice__began_once() -> None:
    assert len(trace_seen([_give(0, "a", "Lyon"), _give(1, "a", "Lyon")])) == 1


def test_shut__a_site__is_kept_off_until_it_is_given_back() -> None:
    story = [
        Told(_at(1), "site_rolled_back", {"flags": ["b", "a"], "audience": "Lyon"}),
        Told(_at(2), "site_rolled_back", {"flags": ["a"], "audience": "Brest"}),
        Told(_at(5), "site_given_back", {"sites": ["lyon"], "audience": "Lyon"}),
    ]

    assert trace_shut(story) == [Shut("Lyon", ("a", "b"), _at(1), _at(5)), Shut("Brest", ("a",), _at(2), None)]
    assert trace_shut([*story, Told(_at(9), "redrafted", {})])[1].until == _at(9)


def test_moments__written_and_read__are_whole_seconds_in_utc() -> None:
    moment = START + timedelta(microseconds=900)

    assert write_moment(moment) == "2026-11-24T08:00:00Z"
    assert read_moment("2026-11-24T08:00:00Z") == START
    assert write_moment(None) is None
    assert (count_seconds(START, _at(2)), count_seconds(None, START)) == (120, None)
