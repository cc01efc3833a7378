"""The page that says which alerts of an environment open incidents."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.roles import Capability, can, check_can, requires
from core.views import actor_of, answer_form
from flags.current import get_current_environment
from flags.forms import ReasonedForm
from incidents.models import AlertIntake, AlertMode
from incidents.transitions.choosing import choose_alerts


class AlertIntakeForm(ReasonedForm):
    """Which alerts open incidents."""

    mode = forms.ChoiceField(
        label=gettext_lazy("Alerts that open incidents"), choices=AlertMode.choices, widget=forms.RadioSelect
    )


@requires(Capability.VIEW)
def choose(request: HttpRequest) -> HttpResponse:
    """Show which alerts open incidents in the environment; whoever may, chooses."""
    environment = get_current_environment(request)
    if environment is None:
        raise Http404
    if request.method == "POST":
        check_can(request.user, Capability.DRIVE_ROLLOUTS)  # type: ignore[arg-type]  # requires stands before
    present = AlertIntake.objects.filter(environment=environment).first() or AlertIntake(environment=environment)
    form = AlertIntakeForm(request.POST or None, initial={"mode": present.mode})

    def _write() -> AlertIntake:
        given: dict[str, Any] = {"actor": actor_of(request), "now": clock.now(), **form.wishes}
        return choose_alerts(environment_id=environment.pk, **given)

    def _say() -> HttpResponse:
        messages.success(request, _("Saved: it counts for alerts from now on."))
        return redirect("incidents:alerts")

    context = {
        "environment": environment,
        "present": present,
        "may": can(request.user, Capability.DRIVE_ROLLOUTS),
    }
    return answer_form(request, form, _write, then=_say, template="incidents/alerts.html", context=context)
