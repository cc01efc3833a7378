"""Plan templates: what they may say, how they become steps, their versions and pages."""

import re
from dataclasses import replace
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from core.actors import SCHEDULER
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.people import create_person
from core.roles import Role
from flags.models import Rule, Segment
from flags.transitions import NewMember, create_segment, delete_segment
from rollouts.domain.phase_guardrails import PhaseGuardrail
from rollouts.domain.planning import CalendarDays, PlanSite, plan_phases
from rollouts.domain.template_document import read_phases, write_phases
from rollouts.domain.templates import (
    BUILT_IN_KEY,
    FOUR_PHASES,
    Advance,
    Gate,
    PhaseKind,
    PhaseTemplate,
    SupportLevel,
)
from rollouts.drawing import PlanRequest
from rollouts.effective_guardrail import get_effective_guardrails
from rollouts.models import Phase, PlanTemplate, PlanTemplateVersion, Rollout, Step
from rollouts.transitions import plan_rollout, run_next_step, schedule_rollout
from rollouts.transitions.templating import create_template, edit_template
from tests.factories.phase_guardrails import guardrails_of_phases
from tests.factories.world import DAY, NOW, WHY, World, make_world, play
from tests.signed_in import read_version, sign_in, sign_in_as

PARIS = ZoneInfo("Europe/Paris")
SIX = time(6)
BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY, "now": NOW}
INTERNAL = PhaseTemplate(PhaseKind.INTERNAL, days=1)
SHARES = PhaseTemplate(PhaseKind.PERCENTAGE, days=4, shares_bp=(1_000, 5_000), advance=Advance.TOGETHER)
FULL = PhaseTemplate(PhaseKind.FULL, days=1, gates=(), advance=Advance.TOGETHER)

_OTHERS = (
    PhaseGuardrail("performance", limit=3_000),
    PhaseGuardrail("alert", "roll_back", scope="site"),
    PhaseGuardrail("complaints", "investigate"),
)


def _guarded(lane: str, **given: Any) -> PhaseTemplate:
    return replace(INTERNAL, guardrails=(PhaseGuardrail(lane, **given),))


_kinds = st.sampled_from([PhaseKind.INTERNAL, PhaseKind.PILOT, PhaseKind.PER_SITE])
_phases = st.builds(
    PhaseTemplate,
    kind=_kinds,
    days=st.integers(1, 60),
    slots=st.lists(st.times().map(lambda at: at.replace(microsecond=0)), max_size=4, unique=True).map(
        lambda slots: tuple(sorted(slots))
    ),
    advance=st.sampled_from([Advance.TOGETHER, Advance.ONE_BY_ONE]),
    gates=st.lists(st.sampled_from([Gate.SOAK, Gate.GUARDRAILS, Gate.APPROVAL]), unique=True).map(tuple),
    support=st.sampled_from(SupportLevel),
    guardrails=guardrails_of_phases(),
)


@given(phase=_phases)
def test_document__of_any_phase__is_read_back_as_it_was(phase: PhaseTemplate) -> None:
    assert read_phases(write_phases([phase])) == (phase,)


@pytest.mark.parametrize(
    ("phases", "code"),
    [
        ([], "template_without_phases"),
        ([INTERNAL] * 13, "template_too_long"),
        ([replace(INTERNAL, days=0)], "template_days_wrong"),
        ([replace(INTERNAL, days=61)], "template_days_wrong"),
        ([replace(INTERNAL, slots=(time(9), time(8)))], "template_slots_wrong"),
        ([replace(INTERNAL, flag_order=("a",))], "template_order_wrong"),
        ([replace(INTERNAL, advance=Advance.IN_ORDER)], "template_order_wrong"),
        ([replace(FULL, segment_key="testers")], "template_segment_wrong"),
        ([replace(SHARES, shares_bp=())], "template_shares_missing"),
        ([replace(INTERNAL, shares_bp=(100,))], "template_shares_wrong"),
        ([replace(SHARES, shares_bp=(5_000, 1_000))], "template_shares_wrong"),
        ([replace(SHARES, shares_bp=(0, 1_000))], "template_shares_wrong"),
        ([replace(SHARES, shares_bp=(1_000, 10_000))], "template_shares_wrong"),
        ([replace(SHARES, days=1)], "template_shares_crowded"),
        ([replace(INTERNAL, gates=(Gate.SOAK, Gate.SOAK))], "template_gates_wrong"),
        ([_guarded("error_rate", mode="off")], "template_guardrail_mode"),
        ([_guarded("complaints", mode="roll_back")], "template_guardrail_mode"),
        ([_guarded("error_rate", limit=2_000)], "template_guardrail_wrong"),
        ([_guarded("performance", limit=100)], "template_guardrail_wrong"),
        ([_guarded("alert", limit=0)], "template_guardrail_wrong"),
        ([_guarded("complaints", limit=0)], "template_guardrail_wrong"),
        ([_guarded("complaints", mode="hold", scope="site")], "template_guardrail_scope"),
        ([_guarded("alert", scope="shop")], "template_guardrail_scope"),
        ([_guarded("critical", mode="hold")], "template_guardrail_unknown"),
        ([_guarded("alert")], "template_guardrail_unknown"),
        ([replace(INTERNAL, guardrails=2 * (PhaseGuardrail("alert", "hold"),))], "template_guardrail_twice"),
        ([SHARES, INTERNAL], "template_narrows"),
        ([SHARES, SHARES], "template_narrows"),
        ([FULL, FULL], "template_after_everyone"),
    ],
)
def test_document__that_no_plan_could_be_made_from__is_refused(phases: list[PhaseTemplate], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_phases(write_phases(phases))

    assert refused.value.code == code


@pytest.mark.parametrize(
    "document", [None, 1, "phases", [1], [{}], [{"kind": "all", "days": 1}], [{"kind": "full", "days": "1"}]]
)
def test_document__of_something_else__is_refused_with_what_is_wrong(document: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_phases(document)

    assert refused.value.code == "template_unreadable"
    assert refused.value.data["fault"]


def _plan(*phases: PhaseTemplate, flags: int = 4, sites: int = 2) -> list[list[tuple[str, str, str, int | None]]]:
    """Return each phase's steps: flag, local moment, site, share."""
    places = [PlanSite(f"s{n}", frozenset({1, 2, 3, 4, 5, 6})) for n in range(sites)]
    planned = plan_phases(
        phases,
        flag_keys=[f"f{n}" for n in range(flags)],
        sites=places,
        promotion_time=SIX,
        days=CalendarDays(start_on=date(2026, 11, 30), sites=places, zone=PARIS),
    )
    return [
        [
            (step.flag_key, f"{step.due_at.astimezone(PARIS):%a %H:%M}", step.site_key, step.share_bp)
            for step in phase.steps
        ]
        for phase in planned
    ]


def test_shares__over_the_days_of_the_phase__grow_evenly_before_everyone() -> None:
    shares, everyone = _plan(SHARES, FULL, flags=1)

    assert shares == [("f0", "Mon 06:00", "", 1_000), ("f0", "Wed 06:00", "", 5_000)]
    assert everyone == [("f0", "Fri 06:00", "", None)]


def test_flags__in_a_given_order__go_by_it_and_the_rest_after() -> None:
    phase = replace(INTERNAL, advance=Advance.IN_ORDER, flag_order=("f2", "gone", "f1"), slots=(time(9), time(15)))

    (steps,) = _plan(phase)

    assert [(key, moment) for key, moment, _site, _share in steps] == [
        ("f2", "Mon 09:00"),
        ("f1", "Mon 09:00"),
        ("f0", "Mon 15:00"),
        ("f3", "Mon 15:00"),
    ]


def test_flags__together__go_in_the_first_slot() -> None:
    (steps,) = _plan(replace(INTERNAL, days=3, advance=Advance.TOGETHER, slots=(time(9), time(15))))

    assert {moment for _key, moment, _site, _share in steps} == {"Mon 09:00"}


def test_sites__with_slots_one_by_one__get_their_flags_over_their_day() -> None:
    (steps,) = _plan(PhaseTemplate(PhaseKind.PER_SITE, days=1, slots=(time(6), time(12))), flags=2)

    assert steps == [
        ("f0", "Mon 06:00", "s0", None),
        ("f1", "Mon 12:00", "s0", None),
        ("f0", "Tue 06:00", "s1", None),
        ("f1", "Tue 12:00", "s1", None),
    ]


@pytest.fixture
def world() -> World:
    return make_world()


def _request(world: World, template: PlanTemplate, **changes: Any) -> PlanRequest:
    version = template.versions.get(number=template.number)
    wishes: dict[str, Any] = {
        "release_id": world.release.pk,
        "environment_id": world.environment.pk,
        "site_ids": tuple(site.pk for site in world.sites),
        "day_seconds": DAY,
        "template_version_id": version.pk,
    }
    return PlanRequest(**(wishes | changes))


@pytest.mark.django_db
class TestVersions:
    def test_database__migrated__holds_the_customers_template(self) -> None:
        template = PlanTemplate.objects.get(key=BUILT_IN_KEY)

        assert read_phases(template.versions.get().phases) == FOUR_PHASES
        assert template.history.get().actor_label == "installation"

    def test_edit__of_the_phases__is_a_version_and_rollouts_keep_theirs(self, world: World) -> None:
        template = create_template(name="Straight", phases=[SHARES, FULL], **BY)
        rollout = plan_rollout(request=_request(world, template), **BY)

        edit_template(template_id=template.pk, name="Straight on", phases=[FULL], **BY)

        template.refresh_from_db()
        assert (template.name, template.number, template.versions.count()) == ("Straight on", 2, 2)
        rollout.refresh_from_db()
        assert rollout.template_version.number == 1
        assert read_phases(rollout.template_version.phases) == (SHARES, FULL)

    def test_edit__of_the_name_alone__is_no_version(self) -> None:
        template = create_template(name="Straight", phases=[FULL], **BY)

        edit_template(template_id=template.pk, name="Straight on", phases=[FULL], **BY)

        template.refresh_from_db()
        assert (template.name, template.number, template.versions.count()) == ("Straight on", 1, 1)

    def test_version__stored__is_changed_by_nobody(self) -> None:
        version = PlanTemplateVersion.objects.get()
        version.number = 7

        with pytest.raises(DatabaseError):
            version.save()

    def test_create__of_a_name_that_is_an_address__is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="key_reserved"):
            create_template(name="New", phases=[FULL], **BY)

    def test_create__a_name_that_is_taken__is_refused(self) -> None:
        create_template(name="Straight", phases=[FULL], **BY)

        with pytest.raises(Refusal) as refused:
            create_template(name="straight", phases=[FULL], **BY)

        assert refused.value.code == "template_exists"

    @pytest.mark.parametrize(
        ("phase", "code"),
        [
            (replace(INTERNAL, segment_key="nobody"), "template_segment_unknown"),
            (replace(INTERNAL, advance=Advance.IN_ORDER, flag_order=("gone",)), "template_flag_unknown"),
        ],
    )
    def test_create__naming_what_is_not_there__is_refused(self, phase: PhaseTemplate, code: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            create_template(name="Odd", phases=[phase], **BY)

        assert refused.value.code == code

    @pytest.mark.parametrize("gate", [Gate.GUARDRAILS, Gate.APPROVAL])
    def test_create__gates_on_the_last_phase__are_refused(self, gate: Gate) -> None:
        with pytest.raises(InvalidInput) as refused:
            create_template(name="Odd", phases=[INTERNAL, replace(FULL, gates=(gate,))], **BY)

        assert (refused.value.code, refused.value.data) == ("template_gates_last", {"phase": 2})

    def test_edit__a_version_of_before_with_gates_on_its_last_phase__is_renamed_and_planned(self, world: World) -> None:
        template = create_template(name="Straight", phases=[FULL], **BY)
        old = [replace(FULL, gates=(Gate.SOAK,))]
        PlanTemplateVersion.objects.create(
            template=template, number=2, phases=write_phases(old), created_at=NOW, reason="before"
        )
        with recorded(**BY):
            template.number = 2
            template.save()

        edit_template(template_id=template.pk, name="Straight on", phases=old, **BY)

        rollout = plan_rollout(request=_request(world, template), **BY)
        assert Phase.objects.get(rollout=rollout).gates == ["soak"]

    def test_segment__that_a_template_names__is_not_deleted(self) -> None:
        segment = create_segment(key="shop-lab", name="Lab", members=[NewMember("ana")], **BY)
        create_template(name="Lab first", phases=[replace(INTERNAL, segment_key="shop-lab", gates=())], **BY)

        with pytest.raises(Refusal) as refused:
            delete_segment(segment_id=segment.pk, **BY)

        assert refused.value.code == "segment_in_use"


@pytest.mark.django_db
class TestPlans:
    def test_plan__whose_template_asks_for_nobody__needs_no_testers_and_no_pilots(self, world: World) -> None:
        template = create_template(name="Straight", phases=[SHARES, FULL], **BY)

        rollout = plan_rollout(request=_request(world, template), **BY)

        assert (rollout.testers, rollout.pilots) == (None, None)
        assert not Segment.objects.filter(key__startswith="pilots-").exists()

    def test_plan__for_a_named_segment__has_its_steps_for_it(self, world: World) -> None:
        segment = create_segment(key="shop-lab", name="Lab", members=[NewMember("ana")], **BY)
        template = create_template(name="Lab first", phases=[replace(INTERNAL, segment_key="shop-lab", gates=())], **BY)

        rollout = plan_rollout(request=_request(world, template), **BY)

        assert {step.segment for step in rollout.steps.all()} == {segment}

    def test_phases__of_a_plan__carry_what_the_template_asks_for(self, world: World) -> None:
        phase = replace(
            FULL, support=SupportLevel.HEIGHTENED, guardrails=(PhaseGuardrail("error_rate", "roll_back", 200),)
        )
        template = create_template(name="Watched", phases=[phase], **BY)

        rollout = plan_rollout(request=_request(world, template), **BY)

        row = Phase.objects.get(rollout=rollout)
        assert (row.support, row.overrides) == ("heightened", phase.guardrails)

    def test_shares__played__grow_in_place_and_end_with_everyone(self, world: World) -> None:
        phases = [replace(SHARES, gates=()), FULL]
        template = create_template(name="Straight", phases=phases, **BY)
        rollout = plan_rollout(request=_request(world, template), **BY)
        schedule_rollout(rollout_id=rollout.pk, **BY)

        play(world, rollout, start=NOW, seconds=DAY)
        assert _splits(world) == [[["on", 1_000], ["off", 9_000]]] * 3
        play(world, rollout, start=NOW, seconds=DAY * 3)
        assert _splits(world) == [[["on", 5_000], ["off", 5_000]]] * 3
        play(world, rollout, start=NOW, seconds=DAY * 5)

        assert [(rule.kind, rule.variant, rule.split) for rule in Rule.objects.all()] == [("everyone", "on", [])] * 3

    def test_step__for_a_share__says_so_in_the_story_and_on_the_page(self, world: World) -> None:
        template = create_template(name="Straight", phases=[SHARES, FULL], **BY)
        rollout = plan_rollout(request=_request(world, template), **BY)
        schedule_rollout(rollout_id=rollout.pk, **BY)
        for _number in range(4):
            run_next_step(rollout_id=rollout.pk, now=NOW.replace(minute=1))

        assert {event.data["audience"] for event in rollout.events.filter(kind="step_done")} == {"10 %"}
        page = sign_in().get(f"/rollouts/{rollout.pk}/").content.decode()
        assert "10 %" in page
        assert "50 %" in page


def _splits(world: World) -> list[list[list[Any]]]:
    return [rule.split for rule in Rule.objects.filter(state__flag__in=world.flags)]


def _posted(**changes: Any) -> dict[str, Any]:
    lines: list[dict[str, Any]] = [
        {"kind": "internal", "days": "2", "advance": "one_by_one", "slots": "11:00, 09:00", "gates": ["soak"]},
        {"kind": "percentage", "days": "3", "advance": "together", "shares": "10, 25.5"},
    ]
    data: dict[str, Any] = {
        "name": "Ours",
        "reason": "We go by shares",
        "phase-TOTAL_FORMS": str(len(lines)),
        "phase-INITIAL_FORMS": "0",
    }
    for number, line in enumerate(lines):
        data |= {f"phase-{number}-{name}": value for name, value in ({"support": "standard"} | line).items()}
    return data | changes


@pytest.mark.django_db
class TestPages:
    def test_new__a_whole_form__makes_a_template_and_shows_it(self) -> None:
        answer = sign_in(Role.RELEASE_MANAGER).post("/plan-templates/new/", _posted(), follow=True)

        template = PlanTemplate.objects.get(key="ours")
        assert read_phases(template.versions.get().phases) == (
            PhaseTemplate(PhaseKind.INTERNAL, days=2, slots=(time(9), time(11)), gates=(Gate.SOAK,)),
            PhaseTemplate(PhaseKind.PERCENTAGE, days=3, shares_bp=(1_000, 2_550), gates=(), advance=Advance.TOGETHER),
        )
        assert "25.5 %" in answer.content.decode()

    def test_new__guardrails_of_a_phase__are_kept_said_and_shown_again(self) -> None:
        client = sign_in(Role.RELEASE_MANAGER)
        given = {
            "phase-0-error_rate_percent": "2.5",
            "phase-0-performance_mode": "hold",
            "phase-0-alert_scope": "site",
            "phase-0-complaints_mode": "investigate",
            "phase-0-complaints_a_day": "5",
        }

        page = client.post("/plan-templates/new/", _posted(**given), follow=True).content.decode()

        version = PlanTemplate.objects.get(key="ours").versions.get()
        assert read_phases(version.phases)[0].guardrails == (
            PhaseGuardrail("error_rate", limit=250),
            PhaseGuardrail("performance", "hold"),
            PhaseGuardrail("alert", scope="site"),
            PhaseGuardrail("complaints", "investigate", 5),
        )
        assert "more than 5 a day" in page
        assert "limit 2.5 %" in page
        form = client.get("/plan-templates/ours/edit/")
        assert form.content.decode().count("<details open>") == 4
        again = _read_form(form) | {"version": read_version(client, "/plan-templates/ours/edit/"), "reason": "Same"}
        assert client.post("/plan-templates/ours/edit/", again).status_code == 302
        assert PlanTemplate.objects.get(key="ours").number == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"phase-0-complaints_mode": "roll_back"},
            {"phase-0-performance_percent": "1"},
            {"phase-0-alert_mode": "off"},
            {"name": ""},
            {"reason": ""},
            {"phase-0-days": "0"},
            {"phase-0-slots": "soon"},
            {"phase-1-shares": "some"},
            {"phase-1-shares": "25, 10"},
            {"phase-1-kind": "all"},
            {"phase-0-kind": "full"},
            {"phase-TOTAL_FORMS": "0"},
            {"phase-TOTAL_FORMS": "99"},
            {"name": "Ours", "phase-0-advance": "in_order", "phase-0-flag_order": "gone"},
        ],
    )
    def test_new__wrong_input__is_said_and_what_was_typed_stays(self, change: dict[str, str]) -> None:
        answer = sign_in(Role.RELEASE_MANAGER).post("/plan-templates/new/", _posted(**change))

        assert answer.status_code == 400
        assert "errorlist" in answer.content.decode()
        assert not PlanTemplate.objects.exclude(key=BUILT_IN_KEY).exists()

    @pytest.mark.parametrize(
        ("do", "kinds"),
        [
            ("more", ["internal", "percentage", ""]),
            ("up:1", ["percentage", "internal"]),
            ("down:0", ["percentage", "internal"]),
            ("up:0", ["internal", "percentage"]),
            ("remove:0", ["percentage"]),
        ],
    )
    def test_new__phases_rearranged__writes_nothing_and_keeps_every_word(self, do: str, kinds: list[str]) -> None:
        answer = sign_in(Role.RELEASE_MANAGER).post("/plan-templates/new/", _posted(do=do))

        assert answer.status_code == 200
        assert [line["kind"].value() or "" for line in answer.context["form"].lines.forms] == kinds
        assert answer.context["form"]["name"].value() == "Ours"
        assert not PlanTemplate.objects.filter(key="ours").exists()

    def test_copy__of_a_template__begins_with_its_phases(self) -> None:
        answer = sign_in(Role.RELEASE_MANAGER).get(f"/plan-templates/new/?from={BUILT_IN_KEY}")

        assert [str(line["kind"].value()) for line in answer.context["form"].lines.forms] == [
            str(phase.kind) for phase in FOUR_PHASES
        ]

    def test_edit__after_somebody_else__is_refused(self) -> None:
        client = sign_in(Role.RELEASE_MANAGER)
        path = f"/plan-templates/{BUILT_IN_KEY}/edit/"
        seen = read_version(client, path)
        template = PlanTemplate.objects.get()
        edit_template(template_id=template.pk, name="Other", phases=FOUR_PHASES, **BY)

        answer = client.post(path, _posted(version=seen))

        assert answer.status_code == 400
        template.refresh_from_db()
        assert (template.name, template.number) == ("Other", 1)

    def test_edit__of_the_built_in_one_unchanged__is_no_new_version(self) -> None:
        client = sign_in(Role.RELEASE_MANAGER)
        path = f"/plan-templates/{BUILT_IN_KEY}/edit/"
        page = client.get(path)
        data = _read_form(page) | {"version": read_version(client, path), "reason": "Looked"}

        assert client.post(path, data).status_code == 302

        assert PlanTemplate.objects.get().number == 1

    def test_archived__is_offered_to_no_plan_and_comes_back(self, world: World) -> None:
        client = sign_in(Role.RELEASE_MANAGER)
        template = PlanTemplate.objects.get()
        seen = client.get(f"/plan-templates/{BUILT_IN_KEY}/").context["seen"]

        client.post(f"/plan-templates/{BUILT_IN_KEY}/archive/", {"reason": "Not ours", "version": seen})
        template.refresh_from_db()
        assert template.archived_at is not None
        assert not client.get("/rollouts/plan/").context["form"].fields["template"].queryset.exists()

        seen = client.get(f"/plan-templates/{BUILT_IN_KEY}/").context["seen"]
        client.post(f"/plan-templates/{BUILT_IN_KEY}/restore/", {"reason": "Ours again", "version": seen})
        template.refresh_from_db()
        assert template.archived_at is None

    def test_built_in__read_in_french__has_a_french_name_until_it_is_given_another(self) -> None:
        marie = create_person(username="marie", roles=[Role.RELEASE_MANAGER], **BY)
        client = sign_in_as(marie, language="fr")

        assert "Interne, pilote, un site par jour" in client.get("/plan-templates/").content.decode()
        assert "Interne, pilote, un site par jour" in client.get("/rollouts/plan/").content.decode()

        edit_template(template_id=PlanTemplate.objects.get().pk, name="Our own", phases=FOUR_PHASES, **BY)
        assert "Our own" in client.get("/plan-templates/").content.decode()

    def test_old_version__in_the_address__is_shown_as_such(self) -> None:
        template = PlanTemplate.objects.get()
        edit_template(template_id=template.pk, name="Short", phases=[FULL], **BY)

        client = sign_in(Role.AUDITOR)

        assert "An older version." in client.get(f"/plan-templates/{BUILT_IN_KEY}/?version=1").content.decode()
        assert client.get(f"/plan-templates/{BUILT_IN_KEY}/?version=9").status_code == 404

    def test_list__of_more_templates__asks_the_same_number_of_questions(self) -> None:
        client = sign_in()
        counts = []
        for number in (1, 20):
            for index in range(number):
                create_template(name=f"T {number} {index}", phases=[FULL], **BY)
            with CaptureQueriesContext(connection) as asked:
                client.get("/plan-templates/")
            counts.append(len(asked))

        assert counts[0] == counts[1]


def _read_form(page: Any) -> dict[str, Any]:
    """Return what the page's form would post as it is."""
    form = page.context["form"]
    data = {name: form[name].value() or "" for name in form.fields}
    lines = form.lines
    data |= {"phase-TOTAL_FORMS": str(len(lines.forms)), "phase-INITIAL_FORMS": str(len(lines.forms))}
    for line in lines.forms:
        data |= {line.add_prefix(name): _as_posted(line[name].value()) for name in line.fields}
    return data


def _as_posted(value: Any) -> Any:
    return "" if value is None else value


@pytest.mark.django_db
def test_guardrail__overridden_by_the_phase__holds_for_its_rollout_alone(world: World) -> None:
    phase = replace(FULL, guardrails=(PhaseGuardrail("error_rate", "hold", 200), *_OTHERS))
    template = create_template(name="Watched", phases=[phase], **BY)
    rollout = plan_rollout(request=_request(world, template), **BY)
    before = get_effective_guardrails(rollout).get("error_rate")
    schedule_rollout(rollout_id=rollout.pk, **BY)
    run_next_step(rollout_id=rollout.pk, now=NOW.replace(minute=1))

    after = get_effective_guardrails(Rollout.objects.get(pk=rollout.pk)).get("error_rate")

    assert (before.mode, before.threshold_bp) == ("roll_back", 500)
    assert (after.mode, after.threshold_bp) == ("hold", 200)
    lanes = get_effective_guardrails(Rollout.objects.get(pk=rollout.pk))
    slow, alert, said = (lanes.get(lane) for lane in ("performance", "alert", "complaints"))
    assert (slow.mode, slow.threshold_bp, slow.scope) == ("observe", 3_000, "flag")
    assert (alert.mode, alert.threshold_bp, alert.scope) == ("roll_back", 0, "site")
    assert (said.mode, said.most_a_day) == ("investigate", 10)
    page = sign_in(Role.RELEASE_MANAGER).get(f"/rollouts/{rollout.pk}/").content.decode()
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert re.search(r"Error rate hold: the rollout stops and people are told · limit 2\s% from this phase", words)
    assert "limit 30 %" in page
    assert Step.objects.filter(rollout=rollout, status="done").count() == 1


@pytest.mark.parametrize(
    ("older", "found"),
    [
        ({"error_rate_mode": "hold", "error_rate_bp": 200}, (PhaseGuardrail("error_rate", "hold", 200),)),
        ({"error_rate_mode": "", "error_rate_bp": 300}, (PhaseGuardrail("error_rate", "", 300),)),
        ({"error_rate_mode": "", "error_rate_bp": None}, ()),
    ],
)
def test_document__of_an_older_version__still_says_its_error_rate(
    older: dict[str, Any], found: tuple[PhaseGuardrail, ...]
) -> None:
    [document] = write_phases([FULL])
    del document["guardrails"]

    assert read_phases([document | older]) == (replace(FULL, guardrails=found),)
