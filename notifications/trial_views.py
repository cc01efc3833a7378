"""Tests of channels: send one, then say whether it arrived."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from core import clock
from core.errors import NotAllowed
from core.models import User
from core.roles import Capability, check_can, requires
from notifications.endpoint_forms import CodeForm
from notifications.models import ChannelTrial
from notifications.trial_transitions import confirm_trial, deny_trial, try_endpoint, try_mail

EDITS = Capability.DRIVE_ROLLOUTS


@requires(EDITS)
def try_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a channel a test message."""
    if request.method == "POST":
        try_endpoint(endpoint_id=pk, user=_user(request), now=clock.now())
        messages.success(request, _("The test is on its way. Look there, then type the code that it brought."))
    return redirect("notifications:channel", pk=pk)


@requires(Capability.VIEW)
def try_own_mail(request: HttpRequest) -> HttpResponse:
    """Send oneself a test mail."""
    if request.method == "POST":
        try_mail(user=_user(request), now=clock.now())
        messages.success(request, _("The test is on its way. Look there, then type the code that it brought."))
    return redirect("notifications:channels")


@requires(Capability.VIEW)
def answer_trial(request: HttpRequest, pk: int) -> HttpResponse:
    """Say by its code that a test arrived, or that it did not."""
    trial = get_object_or_404(ChannelTrial, pk=pk)
    page = redirect("notifications:channels") if trial.endpoint_id is None else _to_channel(trial)
    if request.method != "POST":
        return page
    if trial.endpoint_id is None and trial.asked_by_id != request.user.pk:
        raise NotAllowed("test_of_another")
    if trial.endpoint_id is not None:
        check_can(_user(request), EDITS)
    if request.POST.get("arrived") == "0":
        deny_trial(trial_id=trial.pk, user=_user(request), now=clock.now())
        messages.warning(request, _("Noted: it did not arrive. What the other side answered is below."))
        return page
    form = CodeForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Type the code that the message brought."))
    elif confirm_trial(trial_id=trial.pk, code=form.cleaned_data["code"], user=_user(request), now=clock.now()):
        messages.success(request, _("It arrives: the channel is confirmed."))
    else:
        messages.error(request, _("That is not the code of this test. Look at the newest message there."))
    return page


def _to_channel(trial: ChannelTrial) -> HttpResponse:
    return redirect("notifications:channel", pk=trial.endpoint_id)


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]  # the guard of the view refuses strangers
