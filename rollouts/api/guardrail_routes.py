"""Routes of what plan templates and rollouts say of guardrails, phase by phase."""

from typing import Any

from django.http import HttpRequest
from ninja import Router
from pydantic import ConfigDict, Field

from flags.rest import REFUSED, ROWS, Answer, Cursor, Limit, Refused, caller_of, cut_page
from health.domain.guardrail import LIMITS, Unit
from rollouts.api.rollout_routes import ROLLOUT
from rollouts.api.schemas import get_own_rollout
from rollouts.domain.phase_guardrails import PhaseGuardrail
from rollouts.domain.template_document import read_phases
from rollouts.effective_guardrail import get_effective_guardrails
from rollouts.guardrail_settings import Origin, Setting
from rollouts.models import PlanTemplateVersion
from rollouts.template_queries import list_newest_versions

router = Router(tags=["Guardrails"])
SETTING: dict[str, Any] = {
    "lane": "error_rate",
    "flag": None,
    "mode": "hold",
    "mode_from": "phase",
    "unit": "share",
    "limit": 240,
    "limit_from": "environment",
    "scope": "flag",
    "scope_from": "default",
    "is_tightened": True,
}


class OverrideAnswer(Answer):
    """What a phase says of one lane; null leaves it to the flag and the environment."""

    lane: str
    mode: str | None
    limit: int | None
    scope: str | None


class SettingAnswer(Answer):
    """What a lane comes to in a phase, and who says each part."""

    model_config = ConfigDict(json_schema_extra={"examples": [SETTING]})

    lane: str
    flag: str | None = Field(description="None: for every flag for which nothing else is said")
    mode: str
    mode_from: Origin
    unit: Unit
    limit: int | None
    limit_from: Origin
    scope: str
    scope_from: Origin
    is_tightened: bool = Field(description="The limit is lower while support is heightened")


class PhaseSettings(Answer):
    phase: str
    status: str
    overrides: list[OverrideAnswer]
    settings: list[SettingAnswer]


class RolloutGuardrails(Answer):
    items: list[PhaseSettings]


class TemplatePhase(Answer):
    phase: str
    support: str
    overrides: list[OverrideAnswer]


class TemplateAnswer(Answer):
    """A plan template's newest version, and what its phases override."""

    id: int
    key: str
    name: str
    number: int
    phases: list[TemplatePhase]


class TemplatePage(Answer):
    items: list[TemplateAnswer]
    next: int | None


@router.get(
    f"{ROLLOUT}/guardrails",
    response={200: RolloutGuardrails, REFUSED: Refused},
    operation_id="list_rollout_guardrails",
    summary="List a rollout's guardrails",
)
def list_of_rollout(request: HttpRequest, rollout_id: int) -> RolloutGuardrails:
    """What each of its phases overrides, what each lane comes to there, and who says so."""
    rollout = get_own_rollout(caller_of(request), rollout_id)
    effective = get_effective_guardrails(rollout)
    keys = [row.flag.key for row in rollout.rollout_flags.all()]
    return RolloutGuardrails(
        items=[
            PhaseSettings(
                phase=phase.kind,
                status=phase.status,
                overrides=[_say_override(one) for one in phase.overrides],
                settings=[_say_setting(one) for one in effective.list_settings_in(phase, keys)],
            )
            for phase in rollout.phases.all()
        ]
    )


@router.get(
    "/plan-templates",
    response={200: TemplatePage, REFUSED: Refused},
    operation_id="list_plan_templates",
    summary="List plan templates",
)
def list_templates(request: HttpRequest, limit: Limit = ROWS, cursor: Cursor = None) -> TemplatePage:
    """Plan templates in use, the same in all environments: their phases and the guardrails these override."""
    caller_of(request)
    found, following = cut_page(list_newest_versions(), limit=limit, cursor=cursor)
    return TemplatePage(items=[_say_template(row) for row in found], next=following)


def _say_template(row: PlanTemplateVersion) -> TemplateAnswer:
    return TemplateAnswer(
        id=row.pk,
        key=row.template.key,
        name=row.template.name,
        number=row.number,
        phases=[
            TemplatePhase(
                phase=str(one.kind),
                support=str(one.support),
                overrides=[_say_override(asked) for asked in one.guardrails],
            )
            for one in read_phases(row.phases)
        ],
    )


def _say_override(one: PhaseGuardrail) -> OverrideAnswer:
    return OverrideAnswer(lane=one.lane, mode=one.mode or None, limit=one.limit, scope=one.scope or None)


def _say_setting(one: Setting) -> SettingAnswer:
    standing = one.standing
    return SettingAnswer(
        lane=one.lane,
        flag=one.flag_key or None,
        mode=standing.mode,
        mode_from=one.mode_from,
        unit=LIMITS[one.lane].unit,
        limit=standing.limit,
        limit_from=one.limit_from,
        scope=standing.scope,
        scope_from=one.scope_from,
        is_tightened=one.is_tightened,
    )
