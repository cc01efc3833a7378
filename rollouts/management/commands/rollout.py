"""Rollouts from a shell: the transitions of the pages, with their history; an approval is none of them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core import clock
from core.errors import InvalidInput
from core.shell import add_why, check_readable, read_actor, read_why
from rollouts.actions import ACTIONS
from rollouts.domain.lifecycle import Status
from rollouts.drawing import draw_plan
from rollouts.models import Rollout, Trigger
from rollouts.queries import list_rollouts
from rollouts.shell import (
    day,
    day_seconds,
    describe_plan,
    describe_rollout,
    get_environment,
    hour,
    say_rollout,
)
from rollouts.transitions import acknowledge_flag, plan_rollout, resume_rollout, roll_back
from rollouts.transitions.approving import decide_plan
from rollouts.wishes import PlanWish, find_flag_ids, find_plan_request

#: Of the actions that take nothing but a reason: what each does.
TOLD = {
    "schedule": "let the scheduler begin at the first step",
    "pause": "stop before the next step; what is on stays on",
    "request_approval": "ask other people for their approval",
    "withdraw": "take a plan that waits for approval back to its draft",
    "start_now": "let a scheduled rollout begin today",
    "promote": "let the next phase begin today, before the running one's days have passed",
    "cancel": "give up a rollout that has not begun",
    "redraft": "make a new attempt of a rolled-back rollout",
}


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "List, show, plan and drive rollouts, or take them back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="rollouts, newest first")
        listing.add_argument("--env", default="", help="only those of this environment")
        listing.add_argument("--status", default="", choices=["", *map(str, Status)], help="only those in this state")
        listing.add_argument("--limit", type=int, default=50)
        _add_plan(actions.add_parser("plan", help="make a draft with its dated steps"))
        self._add_acting(actions, "show", "where it stands and what comes next", is_write=False)
        for name, told in TOLD.items():
            self._add_acting(actions, name.replace("_", "-"), told)
        resuming = self._add_acting(actions, "resume", "go on after a pause or a hold")
        resuming.add_argument("--waive-gate", action="store_true", help="let the phase that is held at its gate end")
        taking_back = self._add_acting(actions, "roll-back", "switch flags off for everyone, at once")
        what = taking_back.add_mutually_exclusive_group(required=True)
        what.add_argument("--flag", action="append", metavar="KEY", help="this flag; may be repeated")
        what.add_argument("--all", action="store_true", help="every flag: the rollout ends as rolled back")
        seen = self._add_acting(actions, "acknowledge", "note that it is known why a flag was taken back")
        seen.add_argument("--flag", required=True, metavar="KEY")
        self._add_acting(actions, "approve", "always refused: people approve, signed in, on the rollout's page")

    def _add_acting(self, actions: Any, name: str, told: str, *, is_write: bool = True) -> ArgumentParser:
        parser: ArgumentParser = actions.add_parser(name, help=told)
        parser.add_argument("id", type=int, help="the rollout's number")
        if is_write:
            add_why(parser)
            parser.add_argument("--epoch", type=int, help="refuse where this is not its epoch any more")
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        check_readable(options)
        action = options["action"].replace("-", "_")
        if action in ACTIONS:
            ACTIONS[action](rollout_id=options["id"], now=clock.now(), seen_epoch=options["epoch"], **read_why(options))
            self._say(options["id"])
        else:
            getattr(self, f"_{action}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        key = get_environment(options["env"]).key if options["env"] else ""
        for rollout in list_rollouts(environment_key=key, status=options["status"])[: max(options["limit"], 0)]:
            self.stdout.write(say_rollout(rollout))

    def _show(self, options: dict[str, Any]) -> None:
        for line in describe_rollout(_get(options["id"])):
            self.stdout.write(line)

    def _plan(self, options: dict[str, Any]) -> None:
        wish = PlanWish(
            release=options["release"],
            sites=options["site"],
            start_on=options["start_on"],
            day_seconds=options["day_seconds"],
            template=options["template"],
            testers=options["testers"],
            pilots=options["pilot"],
            promotion_time=options["promotion_time"],
            allows_holidays=options["on_holidays"],
            request_id=options["request_id"],
        )
        now = clock.now()
        asked = find_plan_request(wish, environment_id=get_environment(options["env"]).pk)
        if options["dry_run"]:
            for line in describe_plan(draw_plan(asked, now=now)):
                self.stdout.write(line)
            return
        self._say(plan_rollout(request=asked, now=now, **read_why(options)).pk)

    def _resume(self, options: dict[str, Any]) -> None:
        waive, seen = options["waive_gate"], options["epoch"]
        resume_rollout(
            rollout_id=options["id"], now=clock.now(), waive_gate=waive, seen_epoch=seen, **read_why(options)
        )
        self._say(options["id"])

    def _roll_back(self, options: dict[str, Any]) -> None:
        flag_ids = None if options["all"] else find_flag_ids(_get(options["id"]), options["flag"])
        roll_back(
            rollout_id=options["id"],
            flag_ids=flag_ids,
            trigger=Trigger.MANUAL,
            now=clock.now(),
            seen_epoch=options["epoch"],
            **read_why(options),
        )
        self._say(options["id"])

    def _acknowledge(self, options: dict[str, Any]) -> None:
        [flag_id] = find_flag_ids(_get(options["id"]), [options["flag"]])
        acknowledge_flag(
            rollout_id=options["id"],
            flag_id=flag_id,
            now=clock.now(),
            seen_epoch=options["epoch"],
            **read_why(options),
        )
        self._say(options["id"])

    def _approve(self, options: dict[str, Any]) -> None:
        decide_plan(
            rollout_id=options["id"],
            is_approved=True,
            seen_hash="",
            actor=read_actor(options),
            reason=options["reason"],
            now=clock.now(),
        )

    def _say(self, rollout_id: int) -> None:
        self.stdout.write(say_rollout(_get(rollout_id)))


def _add_plan(parser: ArgumentParser) -> None:
    parser.add_argument("--env", required=True, help="the environment's key")
    parser.add_argument("--release", required=True, metavar="VERSION")
    parser.add_argument(
        "--site", action="append", default=[], metavar="KEY", help="may be repeated: one a day, in this order"
    )
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--start-on", type=day, metavar="YYYY-MM-DD", help="the first day")
    start.add_argument("--day-seconds", type=day_seconds, metavar="N", help="a rehearsal from now, its days so long")
    parser.add_argument("--promotion-time", type=hour, default=hour("06:00"), metavar="HH:MM")
    parser.add_argument("--template", default="", metavar="KEY", help="a plan template; else the built-in one")
    parser.add_argument("--testers", default="", metavar="SEGMENT", help="where the template has testers")
    parser.add_argument("--pilot", action="append", default=[], metavar="KEY", help="a targeting key; may be repeated")
    parser.add_argument("--on-holidays", action="store_true", help="also on public holidays, at sites open then")
    parser.add_argument(
        "--request-id", default="", metavar="NAME", help="your own name for it: asked again, planned once"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the dated steps and write nothing")
    add_why(parser)


def _get(rollout_id: int) -> Rollout:
    rollout = list_rollouts().filter(pk=rollout_id).first()
    if rollout is None:
        raise InvalidInput("rollout_unknown", rollout=rollout_id)
    return rollout
