"""Pages of teams' channels: which there are and how each stands, what each wants, and whether a test arrives."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, can, requires
from core.views import actor_of, answer_form, find_refusal, read_version
from notifications.apprising import is_installed
from notifications.endpoint_forms import CodeForm, EndpointForm, ReasonForm, values_of
from notifications.endpoint_labels import DRILLS, KINDS, LEAST_TIERS, STATES
from notifications.endpoint_queries import Standing, find_standing, list_standings
from notifications.endpoint_transitions import add_endpoint, change_endpoint, renew_secret, switch_endpoint
from notifications.labels import GROUPS
from notifications.models import Channel, Endpoint, EndpointStatus
from notifications.places import list_environments, list_sites
from notifications.trial_queries import find_mail_trial

EDITS = Capability.DRIVE_ROLLOUTS


@requires(Capability.VIEW)
def channels(request: HttpRequest) -> HttpResponse:
    """List the channels of teams, and try one's own e-mail address."""
    context = {
        "rows": [(one, _view(one)) for one in list_standings()],
        "kinds": [(kind, *words) for kind, words in KINDS.items() if kind != Channel.APPRISE or is_installed()],
        "can_edit": can(request.user, EDITS),
        "mail_trial": find_mail_trial(request.user.pk or 0),
        "code_form": CodeForm(),
    }
    return render(request, "notifications/channels.html", context)


@requires(Capability.VIEW)
def channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one channel: how it stands, its test, and what it wants to hear."""
    return _show(request, _get(pk))


def _show(
    request: HttpRequest, endpoint: Endpoint, *, form: ReasonForm | None = None, status: int = 200
) -> HttpResponse:
    standing = find_standing(endpoint)
    context = {
        "standing": standing,
        "endpoint": endpoint,
        "view": _view(standing),
        "wishes": _say_wishes(endpoint),
        "can_edit": can(request.user, EDITS),
        "code_form": CodeForm(),
        "form": form or ReasonForm(),
        "is_signed": endpoint.kind == Channel.WEBHOOK,
    }
    return render(request, "notifications/channel.html", context, status=status)


def _view(standing: Standing) -> dict[str, object]:
    endpoint = standing.endpoint
    tone, sign, words = STATES[EndpointStatus(endpoint.status)]
    return {"kind": KINDS[Channel(endpoint.kind)][0], "tone": tone, "sign": sign, "words": words}


def _say_wishes(endpoint: Endpoint) -> list[tuple[str, str]]:
    """Return in rows what a channel wants to hear."""
    sites, environments = dict(list_sites()), dict(list_environments())
    everything = _("all")
    return [
        (_("Environments"), ", ".join(environments.get(one, one) for one in endpoint.environments) or everything),
        (
            _("Kinds of messages"),
            ", ".join(str(GROUPS[one][0]) for one in endpoint.groups if one in GROUPS) or everything,
        ),
        (_("Incidents"), str(LEAST_TIERS[endpoint.least_tier])),
        (_("Sites"), ", ".join(sites.get(one, one) for one in endpoint.site_keys) or everything),
        (_("Rehearsals"), str(dict(DRILLS)[endpoint.drills])),  # type: ignore[index]  # a StrEnum's value
    ]


def _get(pk: int) -> Endpoint:
    return get_object_or_404(Endpoint.objects.select_related("line"), pk=pk)


@requires(EDITS)
def new_channel(request: HttpRequest, kind: str) -> HttpResponse:
    """Add a channel; a signed one's secret is shown on the page that follows, and never again."""
    if kind not in [str(one) for one in KINDS]:
        return redirect("notifications:channels")
    name, _purpose, how = KINDS[Channel(kind)]
    form = EndpointForm(request.POST or None, kind=kind, is_new=True, how=how)
    made: list[tuple[Endpoint, str]] = []
    return answer_form(
        request,
        form,
        lambda: made.append(
            add_endpoint(
                kind=kind,
                values=form.values,
                address=form.cleaned_data["address"],
                actor=actor_of(request),
                reason=form.cleaned_data["reason"],
                now=clock.now(),
            )
        ),
        then=lambda: _show_secret(request, *made[0]),
        template="notifications/channel_form.html",
        context={"title": _("New channel: %(kind)s") % {"kind": name}, "version": None},
    )


def _show_secret(request: HttpRequest, endpoint: Endpoint, secret: str) -> HttpResponse:
    if not secret:
        messages.success(request, _("The channel is in use. Send it a test now: only that shows whether it arrives."))
        return redirect("notifications:channel", pk=endpoint.pk)
    answer = render(request, "notifications/channel_secret.html", {"endpoint": endpoint, "secret": secret})
    answer["Cache-Control"] = "no-store"
    return answer


@requires(EDITS)
def edit_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what a channel wants, and its address where a new one is typed."""
    endpoint = _get(pk)
    form = EndpointForm(request.POST or None, initial=values_of(endpoint), kind=endpoint.kind, is_new=False)
    seen = read_version(request, endpoint)
    return answer_form(
        request,
        form,
        lambda: change_endpoint(
            endpoint_id=endpoint.pk,
            values=form.values,
            address=form.cleaned_data["address"],
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
            now=clock.now(),
            seen_version=seen,
        ),
        then=lambda: redirect("notifications:channel", pk=endpoint.pk),
        template="notifications/channel_form.html",
        context={"title": endpoint.name, "version": seen, "endpoint": endpoint},
    )


@requires(EDITS)
def switch_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a channel off or on, with a reason."""
    endpoint = _get(pk)
    if request.method != "POST":
        return redirect("notifications:channel", pk=endpoint.pk)
    form, is_on = ReasonForm(request.POST), request.POST.get("on") == "1"

    def switch() -> object:
        reason = form.cleaned_data["reason"]
        return switch_endpoint(
            endpoint_id=endpoint.pk, is_on=is_on, actor=actor_of(request), reason=reason, now=clock.now()
        )

    if not form.is_valid() or find_refusal(form, switch) is not None:
        return _show(request, _get(pk), form=form, status=400)
    messages.success(request, _("The channel is in use again.") if is_on else _("The channel is switched off."))
    return redirect("notifications:channel", pk=endpoint.pk)


@requires(EDITS)
def renew(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a signed webhook a new secret, shown on this one page."""
    endpoint = _get(pk)
    if request.method != "POST":
        return redirect("notifications:channel", pk=endpoint.pk)
    form = ReasonForm(request.POST)
    made: list[tuple[Endpoint, str]] = []

    def write() -> None:
        reason = form.cleaned_data["reason"]
        made.append(renew_secret(endpoint_id=endpoint.pk, actor=actor_of(request), reason=reason, now=clock.now()))

    if not form.is_valid() or find_refusal(form, write) is not None:
        return _show(request, _get(pk), form=form, status=400)
    return _show_secret(request, *made[0])
