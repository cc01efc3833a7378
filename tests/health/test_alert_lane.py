"""The alert lane: an alert that fires is evidence; that none fires is a pass only while somebody would say so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from health.domain.alert_lane import AlertFacts, SourceFacts, judge_alerts
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, Verdict
from health.labels import LANES, SENTENCES, say_judgement

NOW = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EXPOSURE = Exposure(
    flag_key="price_buttons",
    environment_key="prod",
    since=NOW - timedelta(hours=1),
    everyone=False,
    site_keys=frozenset({"lyon"}),
    subject="rollout:1",
    epoch=3,
)
NEWEST = replace(EXPOSURE, is_newest=True)
WATCHED = SourceFacts("alertmanager", NOW - MINUTE, watchdog_at=NOW - MINUTE)
UNWATCHED = SourceFacts("alertmanager", NOW - MINUTE)


def _alert(**given: object) -> AlertFacts:
    plain = AlertFacts(
        name="TillsFail",
        severity="critical",
        flag_key="price_buttons",
        site_key=None,
        started_at=NOW - 5 * MINUTE,
        ended_at=None,
        received_at=NOW - 4 * MINUTE,
    )
    return replace(plain, **given)  # type: ignore[arg-type]  # its own fields


def _judge(
    *alerts: AlertFacts, exposure: Exposure = EXPOSURE, sources: tuple[SourceFacts, ...] = (WATCHED,)
) -> Judgement:
    return judge_alerts(exposure, alerts, sources=sources, now=NOW)


def test_alert__that_names_the_flag__breaches_with_its_name() -> None:
    judgement = _judge(_alert(), _alert(name="Another", received_at=NOW - 9 * MINUTE, started_at=NOW - 9 * MINUTE))

    assert (judgement.verdict, judgement.code, judgement.k) == (Verdict.BREACH, "alert_firing", 2)
    assert judgement.data["alerts"] == ["Another", "TillsFail"]
    assert judgement.detected_at == NOW - 9 * MINUTE
    assert "TillsFail" in say_judgement(code=judgement.code, n=judgement.n, k=judgement.k, data=judgement.data)


@pytest.mark.parametrize(
    "alert",
    [
        _alert(ended_at=NOW),
        _alert(ended_at=NOW - MINUTE),
        _alert(severity="warning"),
        _alert(severity="info"),
        _alert(flag_key="another"),
        _alert(flag_key=None),
        _alert(flag_key=None, site_key="lyon"),
    ],
)
def test_alert__over_or_slight_or_of_something_else__is_no_breach(alert: AlertFacts) -> None:
    judgement = _judge(alert)

    assert (judgement.verdict, judgement.code) == (Verdict.PASS, "no_alert_firing")


def test_alert__whose_end_is_to_come__still_fires() -> None:
    assert _judge(_alert(ended_at=NOW + MINUTE)).verdict is Verdict.BREACH


def test_alert__slighter_than_asked_for__counts_where_it_is_asked_for() -> None:
    judgement = judge_alerts(EXPOSURE, [_alert(severity="warning")], sources=[], now=NOW, least_severity="warning")

    assert judgement.verdict is Verdict.BREACH


@pytest.mark.parametrize(
    ("exposure", "started_at", "breaches"),
    [
        (EXPOSURE, EXPOSURE.since, True),
        (EXPOSURE, EXPOSURE.since - timedelta(microseconds=1), False),
        (replace(EXPOSURE, seen_at=NOW - MINUTE), NOW - MINUTE, True),
        (replace(EXPOSURE, seen_at=NOW - MINUTE), NOW - 2 * MINUTE, False),
    ],
)
def test_alert__from_before_the_step_or_the_resuming__blames_nobody_and_passes_nothing(
    exposure: Exposure, started_at: datetime, breaches: bool
) -> None:
    judgement = _judge(_alert(started_at=started_at), exposure=exposure)

    wanted = (Verdict.BREACH, "alert_firing") if breaches else (Verdict.INCONCLUSIVE, "alert_still_firing")
    assert (judgement.verdict, judgement.code) == wanted


class TestUnattributed:
    """An alert that names no flag speaks against the flag activated last, and no other."""

    @pytest.mark.parametrize("site", [None, "lyon"])
    def test_of_everywhere_or_an_exposed_site__breaches_the_newest_only(self, site: str | None) -> None:
        alert = _alert(flag_key=None, site_key=site)

        assert _judge(alert, exposure=NEWEST).verdict is Verdict.BREACH
        assert _judge(alert, exposure=EXPOSURE).verdict is Verdict.PASS

    def test_of_a_site_that_does_not_see_it__is_no_evidence(self) -> None:
        assert _judge(_alert(flag_key=None, site_key="nantes"), exposure=NEWEST).verdict is Verdict.PASS

    def test_from_before_the_flag_came_to_that_site__is_no_evidence(self) -> None:
        exposure = replace(NEWEST, site_since={"lyon": NOW - MINUTE})

        assert _judge(_alert(flag_key=None, site_key="lyon"), exposure=exposure).verdict is Verdict.PASS

    def test_that_names_a_flag_nobody_knows__blames_no_other(self) -> None:
        assert _judge(_alert(flag_key="misspelt"), exposure=NEWEST).verdict is Verdict.PASS


class TestSilence:
    """Missing data is never healthy."""

    def test_nobody_ever_sent_anything__is_no_pass(self) -> None:
        judgement = _judge(sources=())

        assert (judgement.verdict, judgement.code, judgement.n) == (Verdict.INCONCLUSIVE, "no_alert_source", 0)

    @pytest.mark.parametrize(
        ("source", "is_alive"),
        [
            (replace(WATCHED, watchdog_at=NOW - timedelta(minutes=15)), True),
            (replace(WATCHED, watchdog_at=NOW - timedelta(minutes=15, seconds=1)), False),
            (replace(WATCHED, watchdog_ended=True), False),
            (replace(UNWATCHED, last_received_at=NOW - timedelta(hours=24)), True),
            (replace(UNWATCHED, last_received_at=NOW - timedelta(hours=24, seconds=1)), False),
        ],
    )
    def test_source__heard_of_lately_or_not__decides(self, source: SourceFacts, is_alive: bool) -> None:
        judgement = _judge(sources=(source,))

        wanted = (Verdict.PASS, "no_alert_firing") if is_alive else (Verdict.INCONCLUSIVE, "alert_source_silent")
        assert (judgement.verdict, judgement.code) == wanted

    def test_one_of_two_watchdogs_is_silent__is_no_pass(self) -> None:
        dead = SourceFacts("grafana", NOW - MINUTE, watchdog_at=NOW - timedelta(hours=1))

        assert _judge(sources=(WATCHED, dead)).code == "alert_source_silent"

    @pytest.mark.parametrize(("days", "code"), [(7, "alert_source_silent"), (8, "no_alert_firing")])
    def test_a_watchdog_not_heard_for_a_week__is_asked_for_no_more(self, days: int, code: str) -> None:
        gone = SourceFacts("grafana", NOW - timedelta(days=days), watchdog_at=NOW - timedelta(days=days))

        assert _judge(sources=(WATCHED, gone)).code == code
        assert _judge(sources=(gone,)).code == "alert_source_silent"

    def test_a_source_without_a_watchdog_beside_one_that_has_it__need_not_speak(self) -> None:
        sentry = SourceFacts("sentry", NOW - timedelta(days=30))

        assert _judge(sources=(sentry, WATCHED)).verdict is Verdict.PASS

    def test_a_breach__counts_though_the_source_went_silent_since(self) -> None:
        assert _judge(_alert(), sources=(replace(WATCHED, watchdog_ended=True),)).verdict is Verdict.BREACH

    @pytest.mark.parametrize(("minutes", "passes"), [(59, False), (60, True)])
    def test_a_message_that_left_alerts_out__is_no_pass_for_an_hour(self, minutes: int, passes: bool) -> None:
        judgement = _judge(sources=(replace(WATCHED, left_out_at=NOW - minutes * MINUTE),))

        assert judgement.code == ("no_alert_firing" if passes else "alerts_left_out")


@pytest.mark.parametrize("name", ["DatasourceNoData", "DatasourceError"])
def test_grafana__that_cannot_ask_its_data__is_neither_breach_nor_pass(name: str) -> None:
    own, everywhere = _alert(name=name), _alert(name=name, flag_key=None)

    assert _judge(own).code == "alert_without_data"
    assert _judge(everywhere, exposure=NEWEST).code == "alert_without_data"
    assert _judge(everywhere, exposure=EXPOSURE).code == "no_alert_firing"


def test_codes__each__has_its_sentence() -> None:
    codes = {
        "alert_firing",
        "alert_still_firing",
        "alert_without_data",
        "alerts_left_out",
        "no_alert_firing",
        "no_alert_source",
        "alert_source_silent",
    }

    assert codes <= SENTENCES.keys()
    assert "alert" in LANES
