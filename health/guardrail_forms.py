"""How a lane is set."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.forms import ReasonedForm
from flags.models import Flag
from health.domain.guardrail import LIMITS, Limits, Unit
from health.guardrail_models import LONGEST_COOL_DOWN
from health.guardrail_transitions import GuardrailWish
from health.labels import REFUSALS
from health.models import Guardrail, GuardrailScope, Lane, Mode

_LIMIT_HELP = {
    Lane.ERROR_RATE: _("It acts when surely more of the requests fail."),
    Lane.PERFORMANCE: _("It acts when p95 is surely so much above what was usual before the release, and 100 ms."),
}


def _list_unasked(limits: Limits) -> list[str]:
    """Return the fields that a lane has no use for."""
    of_unit = {Unit.SHARE: ["most_a_day"], Unit.A_DAY: ["percent"], Unit.NONE: ["percent", "most_a_day"]}
    # What is counted for a whole rollout holds it once a day.
    return of_unit[limits.unit] + ([] if limits.by_flag else ["scope", "cool_down_minutes"])


class GuardrailForm(ReasonedForm):
    """What a lane does, from which limit on if it has one, what goes off, and how often it may hold."""

    mode = forms.ChoiceField(label=_("What it does"), choices=Mode.choices)
    percent = forms.DecimalField(label=_("Limit in percent"), decimal_places=2)
    most_a_day = forms.IntegerField(
        label=_("So many a day are borne"),
        help_text=_("The next one is too many. A small pilot has limits of its own."),
    )
    scope = forms.ChoiceField(
        label=_("What goes off in mode roll back"), choices=GuardrailScope.choices, initial=GuardrailScope.FLAG
    )
    cool_down_minutes = forms.IntegerField(
        label=_("Minutes between two holds"),
        min_value=0,
        max_value=LONGEST_COOL_DOWN,
        help_text=_("So long after a hold it does not hold the same flag again; it is written down all the same."),
    )

    def __init__(self, *args: Any, lane: Lane, now_set: Guardrail, flag: Flag | None, **kwargs: Any) -> None:
        initial = {
            "mode": now_set.mode,
            "percent": f"{now_set.percent:g}",
            "most_a_day": now_set.most_a_day,
            "scope": now_set.scope,
            "cool_down_minutes": now_set.cool_down_minutes,
        }
        super().__init__(*args, initial=initial, **kwargs)
        self._lane, self._flag = lane, flag
        limits = LIMITS[lane]
        percent = self.fields["percent"]
        if Mode.ROLL_BACK not in limits.modes:
            self.fields["mode"] = forms.ChoiceField(
                label=self.fields["mode"].label,
                choices=[(value, words) for value, words in Mode.choices if value in limits.modes],
                error_messages={"invalid_choice": str(REFUSALS["guardrail_mode_wrong"])},
            )
        percent.help_text = _LIMIT_HELP.get(lane, "")
        for bound, name in ((limits.least, "min"), (limits.most, "max")):
            percent.widget.attrs[name] = bound // 100
            self.fields["most_a_day"].widget.attrs[name] = bound
        for name in _list_unasked(limits):
            del self.fields[name]

    def read_wish(self) -> GuardrailWish:
        """Return what was filled in, the reason apart."""
        data = self.cleaned_data
        return GuardrailWish(
            lane=self._lane,
            mode=data["mode"],
            threshold_bp=int(data.get("percent", 0) * 100),
            most_a_day=data.get("most_a_day"),
            scope=data.get("scope", GuardrailScope.FLAG),
            cool_down_minutes=data.get("cool_down_minutes"),
            flag_id=self._flag.pk if self._flag else None,
        )
