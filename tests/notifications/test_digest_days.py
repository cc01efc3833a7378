"""When a digest is due: pure, on the clocks of several places, across the nights they change."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from notifications.domain.digest import NIGHT_HOUR, DigestTimes, find_beginning, find_digest_day
from notifications.domain.mail_modes import DIGEST_KIND, IN_EVERY_DIGEST, URGENT, MailChoice, MailMode, choose_mode
from notifications.labels import GROUPS

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
PARIS = DigestTimes(zone=ZoneInfo("Europe/Paris"), hour=8, weekdays=EVERY_DAY)
LONG_AGO = date(2026, 1, 1)


def _walk(times: DigestTimes, *, start: datetime, hours: int, last_on: date | None = LONG_AGO) -> list[datetime]:
    """Return the moments at which a digest goes out, looked for each ten minutes."""
    sent = []
    for step in range(hours * 6):
        now = start + timedelta(minutes=10 * step)
        day = find_digest_day(times, last_on=last_on, now=now)
        if day is not None:
            sent.append(now)
            last_on = day
    return sent


@pytest.mark.parametrize("start", [datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Pacific/Auckland", "Indian/Reunion"])
@pytest.mark.parametrize("hour", [5, 8, 18])
def test_digest__nights_the_clock_changes__one_a_day_at_the_local_hour(start: datetime, zone: str, hour: int) -> None:
    times = DigestTimes(zone=ZoneInfo(zone), hour=hour, weekdays=EVERY_DAY)

    sent = [moment.astimezone(times.zone) for moment in _walk(times, start=start, hours=24 * 10)]

    # The first may be a catching up, where the walk begins after the hour.
    assert all((local.hour, local.minute) == (hour, 0) for local in sent[1:])
    days = [local.date() for local in sent]
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
    assert len(days) >= 9


def test_digest__weekend_not_chosen__none_on_it() -> None:
    times = replace(PARIS, weekdays=(1, 2, 3, 4, 5))

    sent = _walk(times, start=datetime(2026, 11, 2, tzinfo=UTC), hours=24 * 14)

    assert {moment.astimezone(times.zone).isoweekday() for moment in sent} == {1, 2, 3, 4, 5}
    assert len(sent) == 10


@pytest.mark.parametrize(("hour", "is_sent"), [(7, False), (8, True), (13, True), (19, True), (20, False), (23, False)])
def test_digest__portal_away_in_the_morning__is_sent_later_that_day_but_not_at_night(hour: int, is_sent: bool) -> None:
    now = datetime(2026, 11, 4, hour, 59, tzinfo=PARIS.zone)

    assert (find_digest_day(PARIS, last_on=LONG_AGO, now=now) == date(2026, 11, 4)) is is_sent


def test_digest__away_until_night__next_morning_once() -> None:
    sent = _walk(PARIS, start=datetime(2026, 11, 4, NIGHT_HOUR, tzinfo=PARIS.zone), hours=24)

    assert [moment.astimezone(PARIS.zone) for moment in sent] == [datetime(2026, 11, 5, 8, tzinfo=PARIS.zone)]


@pytest.mark.parametrize(
    "changed",
    [
        replace(PARIS, hour=18),
        replace(PARIS, zone=ZoneInfo("America/New_York")),
        replace(PARIS, zone=ZoneInfo("Pacific/Honolulu")),
        replace(PARIS, weekdays=(3,)),
    ],
)
def test_digest__settings_changed_after_it__no_second_one_for_that_day(changed: DigestTimes) -> None:
    start = datetime(2026, 11, 4, 8, tzinfo=PARIS.zone)

    sent = _walk(changed, start=start, hours=24, last_on=date(2026, 11, 4))

    assert all(moment.astimezone(changed.zone).date() > date(2026, 11, 4) for moment in sent)


def test_digest__settings_changed_before_it__comes_at_the_new_hour() -> None:
    later = replace(PARIS, hour=11)

    assert find_digest_day(later, last_on=date(2026, 11, 3), now=datetime(2026, 11, 4, 10, tzinfo=PARIS.zone)) is None
    assert find_digest_day(later, last_on=date(2026, 11, 3), now=datetime(2026, 11, 4, 11, tzinfo=PARIS.zone))


@pytest.mark.parametrize(("hour", "first"), [(3, 4), (8, 5), (15, 5), (23, 5)])
def test_digest__new_person__the_first_is_that_of_a_morning(hour: int, first: int) -> None:
    now = datetime(2026, 11, 4, hour, tzinfo=PARIS.zone)

    sent = _walk(PARIS, start=now, hours=36, last_on=find_beginning(PARIS, now=now))

    assert sent[0].astimezone(PARIS.zone) == datetime(2026, 11, first, 8, tzinfo=PARIS.zone)


@pytest.mark.parametrize("kind", sorted(URGENT))
@pytest.mark.parametrize("mode", list(MailMode))
def test_mode__urgent__cannot_be_chosen_away(kind: str, mode: MailMode) -> None:
    choice = MailChoice(modes=dict.fromkeys(GROUPS, mode))

    assert choose_mode(kind, group=_group(kind), choice=choice) is MailMode.AT_ONCE


@pytest.mark.parametrize("kind", sorted(IN_EVERY_DIGEST))
def test_mode__reminder__is_mailed_only_to_who_reads_no_digest(kind: str) -> None:
    assert choose_mode(kind, group=_group(kind), choice=MailChoice()) is MailMode.NEVER
    assert choose_mode(kind, group=_group(kind), choice=MailChoice(has_digest=False)) is MailMode.AT_ONCE


@pytest.mark.parametrize(
    ("choice", "mode"),
    [
        (MailChoice(), MailMode.AT_ONCE),
        (MailChoice(modes={"progress": MailMode.DIGEST}), MailMode.DIGEST),
        (MailChoice(modes={"progress": MailMode.NEVER}), MailMode.NEVER),
        (MailChoice(modes={"flags": MailMode.NEVER}), MailMode.AT_ONCE),
        (MailChoice(has_digest=False, modes={"progress": MailMode.DIGEST}), MailMode.AT_ONCE),
        (MailChoice(has_digest=False, modes={"progress": MailMode.NEVER}), MailMode.NEVER),
    ],
)
def test_mode__chosen__holds_and_nothing_waits_for_a_digest_that_never_comes(
    choice: MailChoice, mode: MailMode
) -> None:
    assert choose_mode("phase_started", group="progress", choice=choice) is mode


def test_urgent__every_kind__is_one_that_there_is() -> None:
    known = {kind for _words, kinds in GROUPS.values() for kind in kinds}

    assert (URGENT | IN_EVERY_DIGEST | {DIGEST_KIND}) <= known


def _group(kind: str) -> str:
    return next(group for group, (_words, kinds) in GROUPS.items() if kind in kinds)
