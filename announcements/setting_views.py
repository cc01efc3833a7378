"""Settings of announcements: the words that kinds begin with, and the hotlines of environments."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from announcements.beginning import WORDS
from announcements.domain.kinds import Kind
from announcements.forms import FIELDS_OF_REFUSALS, HotlineForm, TemplateForm
from announcements.labels import DONE, KINDS, PLACEHOLDERS
from announcements.models import AnnouncementTemplate, Hotline
from announcements.transitions import edit_template, restore_template, set_hotline
from announcements.transitions.templating import get_template
from core import clock
from core.roles import Capability, requires
from core.views import actor_of, answer_form, read_version
from flags.models import Environment

MOST_STATES = 20


@requires(Capability.VIEW)
def list_templates(request: HttpRequest) -> HttpResponse:
    """List the words that each kind begins with."""
    found = {row.kind: row for row in AnnouncementTemplate.objects.all()}
    rows = [(kind, words, found[kind]) for kind, words in KINDS.items() if kind in found]
    return render(request, "announcements/templates.html", {"rows": rows, "named": PLACEHOLDERS.items()})


@requires(Capability.PUBLISH_ANNOUNCEMENTS)
def template(request: HttpRequest, kind: str) -> HttpResponse:
    """Change the words of a kind, or put back those that the portal came with."""
    if kind not in set(Kind):
        raise Http404
    row = get_template(Kind(kind))
    seen = read_version(request, row)
    form = TemplateForm(request.POST or None, initial={name: getattr(row, name) for name in WORDS})
    is_restoring = request.POST.get("do") == "restore"
    if is_restoring:
        for name in WORDS:
            form.fields[name].required = False

    def write() -> None:
        given = dict(form.cleaned_data)
        if is_restoring:
            reason = given["reason"]
            restore_template(kind=Kind(kind), actor=actor_of(request), reason=reason, now=clock.now(), seen=seen)
        else:
            edit_template(kind=Kind(kind), **given, actor=actor_of(request), now=clock.now(), seen=seen)
        messages.success(request, str(DONE["template"]))

    context = {
        "kind": kind,
        "version": seen,
        "named": PLACEHOLDERS.items(),
        "states": row.history.order_by("-history_id")[:MOST_STATES],
    }
    return answer_form(
        request,
        form,
        write,
        then=lambda: redirect("announcements:templates"),
        template="announcements/template.html",
        context=context,
        fields=FIELDS_OF_REFUSALS,
    )


@requires(Capability.VIEW)
def list_hotlines(request: HttpRequest) -> HttpResponse:
    """List the number that shops of each environment call."""
    found = {row.environment_id: row for row in Hotline.objects.all()}
    rows = [(environment, found.get(environment.pk)) for environment in Environment.objects.all()]
    return render(request, "announcements/hotlines.html", {"rows": rows})


@requires(Capability.PUBLISH_ANNOUNCEMENTS)
def hotline(request: HttpRequest, environment: str) -> HttpResponse:
    """Set the number of an environment."""
    place = get_object_or_404(Environment, key=environment)
    row = Hotline.objects.filter(environment=place).first() or Hotline(environment=place)
    seen = read_version(request, row)
    names = ("phone", "hours_fr", "hours_en")
    form = HotlineForm(request.POST or None, initial={name: getattr(row, name) for name in names})

    def write() -> None:
        set_hotline(environment_id=place.pk, **form.wishes, actor=actor_of(request), now=clock.now(), seen=seen)
        messages.success(request, str(DONE["hotline"]))

    return answer_form(
        request,
        form,
        write,
        then=lambda: redirect("announcements:hotlines"),
        template="announcements/hotline.html",
        context={"place": place, "version": seen},
    )
