"""The duty roster and its gaps; what heightened support does; the gate of notes for cashiers."""

import re
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core.actors import SCHEDULER
from core.errors import InvalidInput, Refusal
from core.roles import Role
from flags.models import Flag
from flags.transitions import edit_flag
from health.domain.guardrail import tighten
from rollouts.domain.lifecycle import Status
from rollouts.domain.templates import Advance, Gate, PhaseKind, PhaseTemplate, SupportLevel
from rollouts.effective_guardrail import get_effective_guardrails
from rollouts.gate_queries import list_flags_without_notes
from rollouts.models import PhaseStatus, Rollout, SupportShift, Trigger
from rollouts.support_queries import find_duty, get_roster, list_arriving, list_duty_at
from rollouts.transitions import roll_back
from rollouts.transitions.partial_rollback import give_back_site, roll_back_site
from rollouts.transitions.rostering import add_shift, remove_shift
from tests.factories.feedback import BY, at, make_trial, run
from tests.factories.world import NOW, WHY, World, make_world, reload
from tests.signed_in import sign_in
from tests.waiting import race

pytestmark = pytest.mark.django_db

#: Lyon on Wed 25 November, Nantes on Thu 26, Lille on Fri 27.
SITES = PhaseTemplate(PhaseKind.PER_SITE, days=3, advance=Advance.TOGETHER, gates=(), support=SupportLevel.HEIGHTENED)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    """One site a day from Wednesday on, with heightened support; Lyon has it."""
    rollout = make_trial(world, phase=SITES)
    run(rollout, now=at(25, 6))
    return rollout


def _shift(**given: Any) -> SupportShift:
    wishes: dict[str, Any] = {
        "site_id": None,
        "starts_on": date(2026, 11, 25),
        "ends_on": date(2026, 11, 26),
        "name": "Ana",
        "phone": "01 02 03 04 05",
        "hours": "8:30 to 19:00",
    }
    return add_shift(**(wishes | given), **BY)


def _gaps() -> dict[int, list[str]]:
    return {one.day.day: [site.key for site in one.gaps] for one in get_roster(now=at(25, 12)) if one.gaps}


class TestRoster:
    def test_roster__of_two_weeks__names_who_is_on_duty_on_each_day(self, world: World) -> None:
        _shift(ends_on=date(2026, 11, 27))
        _shift(name="Bo", site_id=world.sites[0].pk)

        days = get_roster(now=at(25, 12))

        assert (len(days), days[0].day) == (14, date(2026, 11, 25))
        assert [[shift.name for shift in one.shifts] for one in days[:3]] == [["Ana", "Bo"], ["Ana"], []]

    def test_gaps__on_open_days_of_heightened_support__are_sites_without_anybody(
        self, world: World, rollout: Rollout
    ) -> None:
        _shift()
        _shift(site_id=world.sites[1].pk, starts_on=date(2026, 11, 26), ends_on=date(2026, 11, 27))

        assert _gaps() == {26: ["lille", "lyon"], 27: ["lille", "lyon", "nantes"]}

    def test_gaps__of_standard_support__are_none(self, world: World) -> None:
        run(make_trial(world), now=at(25, 6))

        assert _gaps() == {}

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"name": "  "}, "shift_of_nobody"),
            ({"phone": ""}, "shift_of_nobody"),
            ({"ends_on": date(2026, 11, 25)}, "shift_days_wrong"),
            ({"ends_on": date(2027, 11, 25)}, "shift_days_wrong"),
            ({"site_id": 0}, "site_unknown"),
        ],
    )
    def test_add__what_cannot_be__is_refused(self, given: dict[str, Any], code: str) -> None:
        with pytest.raises(InvalidInput) as refusal:
            _shift(**given)

        assert refusal.value.code == code

    def test_add_and_remove__with_a_reason__stay_in_history(self) -> None:
        shift = _shift()

        remove_shift(shift_id=shift.pk, **BY)

        assert not SupportShift.objects.exists()
        assert [row.history_type for row in SupportShift.history.order_by("history_id")] == ["+", "-"]
        with pytest.raises(Refusal):
            remove_shift(shift_id=shift.pk, **BY)

    def test_database__a_shift_of_nobody_or_no_day__is_refused(self) -> None:
        shift = _shift()

        for change in ({"name": ""}, {"phone": ""}, {"ends_on": shift.starts_on}):
            with pytest.raises(IntegrityError), transaction.atomic():
                SupportShift.objects.filter(pk=shift.pk).update(**change)


class TestPages:
    def test_roster__added_and_removed_on_the_page__stands_there(self, world: World, rollout: Rollout) -> None:
        with time_machine.travel(at(25, 12)):
            client = sign_in()
            client.post(
                "/support/add/",
                {
                    "name": "Ana <b>",
                    "phone": "01 02 03",
                    "site": world.sites[0].pk,
                    "first_on": "2026-11-25",
                    "reason": "First week",
                },
            )
            page = client.get("/support/").content.decode()
            assert "Ana &lt;b&gt;" in page
            assert "Nantes" in page

            client.post("/support/remove/", {"shift": SupportShift.objects.get().pk, "reason": "Ill"})
            assert not SupportShift.objects.exists()

    def test_add__not_whole__keeps_what_was_typed(self) -> None:
        answer = sign_in().post("/support/add/", {"name": "Ana", "first_on": "2026-11-25", "reason": "x"})

        assert answer.status_code == 400
        assert 'value="Ana"' in answer.content.decode()

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"phone": "abc"}, "phone"),
            ({"phone": "12"}, "phone"),
            ({"phone": "1" * 21}, "phone"),
            ({"last_on": "2026-11-20"}, "last_on"),
        ],
    )
    def test_add__what_cannot_be__is_said_at_its_field(self, change: dict[str, str], field: str) -> None:
        whole = {"name": "Ana", "phone": "+33 (0)1-02.03", "first_on": "2026-11-25", "reason": "x"}
        client = sign_in()

        answer = client.post("/support/add/", whole | change)

        assert (answer.status_code, list(answer.context["form"].errors)) == (400, [field])
        assert client.post("/support/add/", whole).status_code == 302

    @pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
    def test_page__for_those_who_only_look__has_no_form(self, role: Role) -> None:
        _shift()
        client = sign_in(role)

        with time_machine.travel(at(25, 12)):
            page = client.get("/support/").content.decode()

        assert "Ana" in page
        assert "/support/remove/" not in page
        assert client.post("/support/add/", {"name": "Bo"}).status_code == 403

    def test_roster__twenty_shifts__takes_as_many_queries_as_two(self, world: World, rollout: Rollout) -> None:
        client = sign_in()
        counts = []
        with time_machine.travel(at(25, 12)):
            for number in (2, 18):
                for _ in range(number):
                    _shift(site_id=world.sites[number % 3].pk)
                client.get("/support/")
                with CaptureQueriesContext(connection) as queries:
                    client.get("/support/")
                counts.append(len(queries))

        assert counts[0] == counts[1]

    def test_rollout__with_heightened_support__says_who_is_on_duty(self, rollout: Rollout) -> None:
        with time_machine.travel(at(25, 12)):
            client = sign_in()
            nobody = client.get(f"/rollouts/{rollout.pk}/").content.decode()
            _shift()
            somebody = client.get(f"/rollouts/{rollout.pk}/").content.decode()

        assert "Nobody, though support is heightened" in nobody
        assert 'href="tel:0102030405"' in somebody
        assert re.search(r"limit 4\s%[^<]*\(tightened while support is heightened\)", somebody)

    def test_site__on_its_day__says_who_is_on_duty_and_what_to_tell_the_cashiers(
        self, world: World, rollout: Rollout
    ) -> None:
        _shift(site_id=world.sites[0].pk)
        _write_note(world.flags[0], "Appuyez sur le bouton vert.")

        with time_machine.travel(at(25, 12)):
            lyon = sign_in().get("/sites/lyon/").content.decode()
            nantes = sign_in(Role.SUPPORT).get("/sites/nantes/").content.decode()

        assert "Appuyez sur le bouton vert." in lyon
        assert "No note for cashiers yet." in lyon
        assert 'href="tel:0102030405"' in lyon
        assert "Appuyez sur le bouton vert." not in nantes
        assert "Nobody, though support is heightened" in nantes

    def test_site__taken_back_on_its_day__says_so_in_place_of_what_to_tell_the_cashiers(
        self, world: World, rollout: Rollout
    ) -> None:
        _write_note(world.flags[0], "Appuyez sur le bouton vert.")
        given: dict[str, Any] = {"rollout_id": rollout.pk, "site_id": world.sites[0].pk, "actor": SCHEDULER}
        roll_back_site(**given, reason="The button sticks", now=at(25, 16, 52))
        client = sign_in(Role.SUPPORT)

        with time_machine.travel(at(25, 17)):
            english = client.get("/sites/lyon/").content.decode()
            elsewhere = client.get("/sites/nantes/").content.decode()
            client.cookies["django_language"] = "fr"
            french = client.get("/sites/lyon/").content.decode()
        with time_machine.travel(at(26, 12)):
            next_day = client.get("/sites/lyon/").content.decode()

        assert "Taken back today at 16:52" in english
        assert "Why: The button sticks" in english
        assert "Appuyez sur le bouton vert." not in english
        assert "Taken back" not in elsewhere
        assert "Retiré aujourd’hui à 16:52" in french
        assert re.search(r"Motif\s: The button sticks", french)
        assert "16:52" in next_day
        assert "aujourd’hui à 16:52" not in next_day
        give_back_site(**given, reason=WHY, now=at(26, 13))
        with time_machine.travel(at(26, 14)):
            assert "16:52" not in client.get("/sites/lyon/").content.decode()

    def test_arriving__of_a_flag_taken_back__is_not_here(self, world: World, rollout: Rollout) -> None:
        given: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY, "now": at(25, 13)}
        roll_back(rollout_id=rollout.pk, flag_ids=[world.flags[0].pk], trigger=Trigger.MANUAL, **given)

        assert [flag.key for flag in list_arriving(world.sites[0], now=at(25, 14))] == ["signals", "tickets"]

    def test_arriving__tomorrow__is_not_here_today(self, world: World, rollout: Rollout) -> None:
        lyon, nantes, _lille = world.sites

        assert [flag.key for flag in list_arriving(lyon, now=at(25, 5))] == ["buttons", "signals", "tickets"]
        assert list_arriving(nantes, now=at(25, 23)) == []
        assert len(list_arriving(nantes, now=at(26, 0, 1))) == 3

    def test_duty__of_a_rehearsal__is_nobodys_at_the_site(self, world: World) -> None:
        rollout = make_trial(world, phase=SITES, day_seconds=60)
        run(rollout, now=NOW + timedelta(seconds=15))
        assert rollout.phases.get(kind="per_site").status == PhaseStatus.RUNNING

        assert list_duty_at(world.sites[0], now=NOW + timedelta(seconds=16)) is None

    def test_roster__of_a_phase_that_is_held_past_its_end__has_gaps_through_today(
        self, world: World, rollout: Rollout
    ) -> None:
        Rollout.objects.filter(pk=rollout.pk).update(status=Status.HELD, held_code="gate")
        late = at(30, 12)

        roster = get_roster(now=late)

        assert find_duty(reload(rollout), now=late) == []
        assert [one.day.day for one in roster if one.gaps] == [30]


class TestGuardrail:
    @pytest.mark.parametrize(("threshold_bp", "tight_bp"), [(500, 400), (1_000, 800), (110, 100), (100, 100)])
    def test_tighten__a_limit__is_four_fifths_and_never_below_the_least(self, threshold_bp: int, tight_bp: int) -> None:
        assert tighten(threshold_bp, least_bp=100) == tight_bp

    def test_guardrail__while_support_is_heightened__is_tighter(self, world: World, rollout: Rollout) -> None:
        tight = get_effective_guardrails(reload(rollout)).get("error_rate")
        rollout.phases.filter(kind="per_site").update(status=PhaseStatus.DONE)

        assert tight.threshold_bp == 400
        assert get_effective_guardrails(reload(rollout)).get("error_rate").threshold_bp == 500


def _write_note(flag: Flag, note: str, *, url: str = "https://docs.example.org/") -> None:
    flag = Flag.objects.get(pk=flag.pk)
    edit_flag(
        flag_id=flag.pk,
        name=flag.name,
        description=flag.description,
        owner=flag.owner,
        cashier_note_fr=note,
        documentation_url=url,
        criticality=flag.criticality,
        expires_on=flag.expires_on,
        is_permanent=flag.is_permanent,
        **BY,
    )


class TestNotes:
    @pytest.fixture
    def rollout(self, world: World) -> Rollout:
        """One site a day, and everyone only once each flag has its note."""
        rollout = make_trial(
            world, phase=PhaseTemplate(PhaseKind.PER_SITE, days=3, advance=Advance.TOGETHER, gates=(Gate.NOTES,))
        )
        for day in (25, 26, 27):
            run(rollout, now=at(day, 6))
        return rollout

    def test_gate__a_flag_without_note_or_link__holds_and_names_it(self, world: World, rollout: Rollout) -> None:
        _write_note(world.flags[0], "Appuyez sur le bouton vert.")
        _write_note(world.flags[1], " \n ")
        _write_note(world.flags[2], "Rien à faire.", url="")

        run(rollout, now=at(28, 6))

        rollout = reload(rollout)
        assert rollout.status == Status.HELD
        assert rollout.held_data["gates"] == [{"code": "notes_missing", "flags": ["tickets", "signals"]}]
        with time_machine.travel(at(28, 7)):
            page = sign_in().get(f"/rollouts/{rollout.pk}/").content.decode()
        assert "Notes for cashiers or documentation are missing" in page
        assert 'href="/flags/tickets/"' in page

    def test_gate__each_flag_with_both__lets_it_end(self, world: World, rollout: Rollout) -> None:
        for flag in world.flags:
            _write_note(flag, "Appuyez.")

        run(rollout, now=at(28, 6))

        assert rollout.phases.get(kind="per_site").status == PhaseStatus.DONE

    def test_flags__taken_back__need_no_note(self, world: World, rollout: Rollout) -> None:
        assert list_flags_without_notes(rollout) == ["buttons", "tickets", "signals"]

        rollout.rollout_flags.filter(flag=world.flags[0]).update(is_active=False)

        assert list_flags_without_notes(rollout) == ["tickets", "signals"]


@pytest.mark.django_db(transaction=True)
def test_remove__twice_at_once__is_done_once() -> None:
    shift = _shift()

    assert race(*[partial(remove_shift, shift_id=shift.pk, **BY)] * 2) == "changed_meanwhile"
    assert [row.history_type for row in SupportShift.history.order_by("history_id")] == ["+", "-"]
