"""What a replay is asked for; its values stand in the address."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from core.fields import FIRST_DAY, LAST_DAY
from health.domain.guardrail import SHARE_LANES
from health.domain.replay import Settings
from health.guardrail_models import LONGEST_COOL_DOWN
from health.labels import LANES as LANE_WORDS
from health.models import Guardrail, GuardrailScope
from rollouts.replaying import LANES, MODES, ReplayWish

_WRONG = _("A moment between 2000 and 2100.")


class MomentField(forms.DateTimeField):
    """A local moment within reach."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def clean(self, value: Any) -> datetime | None:
        found: datetime | None = super().clean(value)
        if found is not None and not FIRST_DAY <= found.date() <= LAST_DAY:
            raise forms.ValidationError(_WRONG)
        return found


class ReplayForm(forms.Form):
    """A guardrail as it might have been, for one flag or all, from a moment on."""

    lane = forms.ChoiceField(label=_("Guardrail"), choices=[(lane, LANE_WORDS[lane]) for lane in LANES])
    percent = forms.DecimalField(
        label=_("Limit in percent"), decimal_places=2, min_value=0, max_value=100, required=False
    )
    mode = forms.ChoiceField(label=_("What it does"), choices=[(str(one.value), one.label) for one in MODES])
    scope = forms.ChoiceField(label=_("What goes off in mode roll back"), choices=GuardrailScope.choices)
    cool_down_minutes = forms.IntegerField(
        label=_("Minutes between two holds"), min_value=0, max_value=LONGEST_COOL_DOWN
    )
    tightened = forms.ChoiceField(
        label=_("While support is heightened"),
        choices=[("yes", _("four fifths of the limit, as really")), ("no", _("the whole limit"))],
    )
    flag = forms.ChoiceField(label=_("Flag"), required=False)
    since = MomentField(label=_("From"), required=False)
    until = MomentField(label=_("Until"), required=False)

    def __init__(self, data: QueryDict | None, *, flags: Sequence[tuple[str, str]], now_set: Guardrail) -> None:
        initial = {
            "lane": now_set.lane,
            "percent": f"{now_set.percent:g}",
            "mode": now_set.mode,
            "scope": now_set.scope,
            "cool_down_minutes": now_set.cool_down_minutes,
            "tightened": "yes",
        }
        super().__init__(data, initial=initial)
        self.fields["flag"].choices = [("", _("all")), *flags]  # type: ignore[attr-defined]  # a choice field

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        # An alert fires or does not, and the critical lane has nothing to set: what they have no use for is not asked.
        if data.get("lane") in SHARE_LANES and data.get("percent") is None and "percent" not in self.errors:
            self.add_error("percent", _("Say which limit."))
        return data

    def read_wish(self) -> ReplayWish:
        """Return what was filled in."""
        data = self.cleaned_data
        settings = Settings(
            lane=data["lane"],
            mode=data["mode"],
            limit_bp=int(data["percent"] * 100) if data["lane"] in SHARE_LANES else 0,
            scope=data["scope"],
            cool_down=timedelta(minutes=data["cool_down_minutes"]),
            is_tightened=data["tightened"] == "yes",
        )
        return ReplayWish(settings, [data["flag"]] if data["flag"] else [], data["since"], data["until"])
