"""What a guardrail with other settings would have done with a rollout's recorded past; writes nothing."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from core import clock
from core.errors import InvalidInput
from core.fields import FIRST_DAY, LAST_DAY
from core.shell import check_readable
from flags.models import Environment
from health.domain import critical_lane
from health.domain.guardrail import SHARE_LANES
from health.domain.replay import Line, Settings
from health.guardrail_queries import get_guardrail
from health.models import Guardrail, GuardrailScope
from rollouts.models import Rollout
from rollouts.queries import list_rollouts
from rollouts.replay_labels import UNRECORDED, say_firing, say_head, say_limit, say_line, say_real
from rollouts.replaying import LANES, MODES, Answer, ReplayWish, make_critical_settings, replay_rollout
from rollouts.shell import say_moment

MOST_BP, LONGEST_MINUTES = 100_000, 100_000


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Run a guardrail with other settings over the recorded past of a rollout: when would it have fired?"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rollout", type=int, required=True, metavar="ID", help="the rollout's number")
        parser.add_argument("--lane", choices=LANES, default=LANES[0])
        parser.add_argument("--limit", type=percent, metavar="PERCENT", help="else as it is set now")
        parser.add_argument("--mode", choices=[str(mode.value) for mode in MODES], help="else as it is set now")
        parser.add_argument("--scope", choices=GuardrailScope.values, help="else as it is set now")
        parser.add_argument("--cool-down", type=minutes, metavar="MINUTES", help="between two holds")
        parser.add_argument("--not-tightened", action="store_true", help="the whole limit under heightened support too")
        parser.add_argument("--flag", action="append", default=[], metavar="KEY", help="this flag; may be repeated")
        parser.add_argument("--since", type=moment, metavar="MOMENT", help="as 2026-11-27T10:00, local time")
        parser.add_argument("--until", type=moment, metavar="MOMENT")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        check_readable(options)
        rollout = list_rollouts().filter(pk=options["rollout"]).first()
        if rollout is None:
            raise InvalidInput("rollout_unknown", rollout=options["rollout"])
        wish = ReplayWish(
            settings=_read_settings(options, rollout.environment),
            flag_keys=list(dict.fromkeys(options["flag"])),
            since=options["since"],
            until=options["until"],
        )
        answer = replay_rollout(rollout, wish, now=clock.now())
        if options["json"]:
            self.stdout.write(json.dumps(as_data(rollout, answer), indent=2))
            return
        self._tell(rollout, answer)

    def _tell(self, rollout: Rollout, answer: Answer) -> None:
        replay, settings = answer.replay, answer.replay.settings
        limit = say_limit(settings.lane, settings.limit_bp)
        from_limit = f" from {limit} on" if limit else ""
        self.stdout.write(
            f"{rollout.pk}  {rollout}  {settings.lane}, {settings.mode}{from_limit}"
            f"  {say_moment(replay.since)} to {say_moment(replay.until)}"
        )
        if replay.forgotten_before:
            self.stdout.write(f"only since {say_moment(replay.forgotten_before)}: older samples were forgotten")
        if settings.lane in UNRECORDED:
            self.stdout.write(str(UNRECORDED[settings.lane]))
        if not replay.flag_keys:
            self.stdout.write("nothing was on for anybody: there is nothing to replay")
        for key in replay.flag_keys:
            self.stdout.write(say_firing(replay.firings.get(key), flag=key, limit=limit))
            self.stdout.write(f"  {say_real(answer.find_real(key))}")
        if replay.lines:
            self.stdout.write("")
        for line in replay.lines:
            marks = f"{'  [really so]' if line.is_real else ''}{'  [assumed]' if line.is_assumed else ''}"
            site = f" ({line.site_key})" if line.site_key else ""
            head = f"{say_moment(line.at)}  {line.flag_key}{site}  {say_head(line)}{marks}"
            self.stdout.write(head)
            self.stdout.write(f"  {say_line(line)}")


def percent(text: str) -> int:
    """Return a limit in basis points."""
    try:
        found = round(float(text) * 100)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"'{text}' is no limit: write percent, as 3 or 2.5") from None
    if not 0 <= found <= MOST_BP:
        raise ArgumentTypeError(f"'{text}' is no limit: write percent, as 3 or 2.5")
    return found


def minutes(text: str) -> timedelta:
    """Return a span given in minutes."""
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= LONGEST_MINUTES and len(text) < 9):
        raise ArgumentTypeError(f"'{text}' is no span: write minutes")
    return timedelta(minutes=int(text))


def moment(text: str) -> datetime:
    """Return a moment; without an offset in the portal's time zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is no moment: write 2026-11-27T10:00") from None
    if not FIRST_DAY <= found.date() <= LAST_DAY:
        raise ArgumentTypeError("a day between 2000 and 2100")
    return found if found.tzinfo else timezone.make_aware(found)


def _read_settings(options: dict[str, Any], environment: Environment) -> Settings:
    """Return what is asked for; what is not said is as it is set now."""
    if options["lane"] == critical_lane.LANE:
        return make_critical_settings()
    flag_key = options["flag"][0] if len(options["flag"]) == 1 else None
    now_set = get_guardrail(environment_key=environment.key, lane=options["lane"], flag_key=flag_key)
    mode = now_set.mode if now_set.mode in MODES else MODES[0]
    return Settings(
        lane=options["lane"],
        mode=str(options["mode"] or mode),
        limit_bp=_read_limit(options, now_set),
        scope=str(options["scope"] or now_set.scope),
        cool_down=now_set.cool_down if options["cool_down"] is None else options["cool_down"],
        is_tightened=not options["not_tightened"],
    )


def _read_limit(options: dict[str, Any], now_set: Guardrail) -> int:
    if options["lane"] not in SHARE_LANES:
        return 0
    return now_set.threshold_bp if options["limit"] is None else int(options["limit"])


def as_data(rollout: Rollout, answer: Answer) -> dict[str, object]:
    """Return the answer as JSON keeps it."""
    replay, settings = answer.replay, answer.replay.settings
    forgotten = replay.forgotten_before
    return {
        "rollout": rollout.pk,
        "lane": settings.lane,
        "mode": settings.mode,
        "limit_bp": settings.limit_bp,
        "scope": settings.scope,
        "cool_down_minutes": settings.cool_down // timedelta(minutes=1),
        "is_tightened": settings.is_tightened,
        "since": replay.since.isoformat(),
        "until": replay.until.isoformat(),
        "forgotten_before": forgotten.isoformat() if forgotten else None,
        "flags": list(replay.flag_keys),
        "looks": replay.looks,
        "lines": [_line_as_data(line) for line in replay.lines],
        "decisions": [
            {"at": one.at.isoformat(), "flag": one.flag_key, "act": one.act, "code": one.code, "n": one.n, "k": one.k}
            for one in answer.decisions
        ],
    }


def _line_as_data(line: Line) -> dict[str, object]:
    found = line.judgement
    numbers = {"code": found.code, "n": found.n, "k": found.k, **found.data} if found else {}
    return {
        "at": line.at.isoformat(),
        "flag": line.flag_key,
        "kind": str(line.kind),
        "act": str(line.act) if line.act else None,
        "site": line.site_key,
        "minutes": line.minutes,
        "until": line.until.isoformat() if line.until else None,
        "is_real": line.is_real,
        "is_assumed": line.is_assumed,
        "says": say_line(line),
        **numbers,
    }
