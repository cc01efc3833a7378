"""How a lane is set."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.forms import ReasonedForm
from flags.models import Flag
from health.domain.guardrail import LIMITS
from health.guardrail_models import LONGEST_COOL_DOWN
from health.guardrail_transitions import GuardrailWish
from health.models import Guardrail, GuardrailScope, Lane, Mode

_LIMIT_HELP = {
    Lane.ERROR_RATE: _("It acts when surely more of the requests fail."),
    Lane.PERFORMANCE: _("It acts when p95 is surely so much above what was usual before the release, and 100 ms."),
}


class GuardrailForm(ReasonedForm):
    """What a lane does, from which limit on if it has one, what goes off, and how often it may hold."""

    mode = forms.ChoiceField(label=_("What it does"), choices=Mode.choices)
    percent = forms.DecimalField(label=_("Limit in percent"), decimal_places=2)
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
            "scope": now_set.scope,
            "cool_down_minutes": now_set.cool_down_minutes,
        }
        super().__init__(*args, initial=initial, **kwargs)
        self._lane, self._flag = lane, flag
        limits = LIMITS[lane]
        percent = self.fields["percent"]
        percent.help_text = _LIMIT_HELP.get(lane, "")
        for bound, name in ((limits.least_bp, "min"), (limits.most_bp, "max")):
            percent.widget.attrs[name] = bound // 100
        if not now_set.has_limit:
            del self.fields["percent"]

    def read_wish(self) -> GuardrailWish:
        """Return what was filled in, the reason apart."""
        data = self.cleaned_data
        return GuardrailWish(
            lane=self._lane,
            mode=data["mode"],
            threshold_bp=int(data.get("percent", 0) * 100),
            scope=data["scope"],
            cool_down_minutes=data["cool_down_minutes"],
            flag_id=self._flag.pk if self._flag else None,
        )
