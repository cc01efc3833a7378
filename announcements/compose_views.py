"""Writing announcements: the composer, its previews, and the last step before one goes out."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from announcements.beginning import begin, read_draft, read_words
from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import Status
from announcements.forms import FIELDS_OF_REFUSALS, ComposeForm, ConfirmForm
from announcements.labels import DONE, PLACEHOLDERS
from announcements.models import Announcement
from announcements.previewing import Preview, preview_announcement, preview_content
from announcements.queries import list_states
from announcements.tasks import drive_outlets
from announcements.transitions import create_draft, edit_draft, publish_announcement, schedule_announcement
from announcements.transitions.locking import with_subjects
from announcements.views import get_announcement
from core import clock
from core.errors import Refusal
from core.labels import say_refusal
from core.roles import Capability, requires
from core.versions import get_version
from core.views import actor_of, find_refusal, read_version
from flags.current import get_current_environment
from incidents.models import Incident
from rollouts.models import Rollout


@requires(Capability.DRAFT_ANNOUNCEMENTS)
def compose(request: HttpRequest) -> HttpResponse:
    """Write an announcement; the address may say what it is about."""
    if request.method != "POST":
        return _show(request, ComposeForm(initial=_read_beginning(request)))
    if request.POST.get("do") == "fill":
        return _show(request, ComposeForm(_fill_in(request.POST)))
    form = ComposeForm(request.POST)
    made: list[Announcement] = []

    def write() -> None:
        environment = form.cleaned_data["environment"]
        made.append(
            create_draft(content=form.content, environment_id=environment.pk, actor=actor_of(request), now=clock.now())
        )

    if form.is_valid() and find_refusal(form, write, fields=FIELDS_OF_REFUSALS) is None:
        return _go_on(request, made[0].pk)
    return _show(request, form, status=400)


@requires(Capability.DRAFT_ANNOUNCEMENTS)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a draft. Where somebody else did meanwhile, theirs is shown beside what was typed, which stays."""
    draft = get_announcement(pk)
    if draft.status != Status.DRAFT:
        return redirect("announcements:detail", pk=pk)
    seen, held = read_version(request, draft), read_draft(draft)
    if request.method != "POST" or request.POST.get("do") == "fill":
        data = _fill_in(request.POST) if request.method == "POST" else None
        return _show(request, ComposeForm(data, draft=draft, initial=held), draft=draft, version=seen)
    form = ComposeForm(request.POST, draft=draft, initial=held)

    def write() -> None:
        edit_draft(announcement_id=pk, content=form.content, actor=actor_of(request), now=clock.now(), seen=seen)

    if not form.is_valid():
        return _show(request, form, draft=draft, version=seen, status=400)
    refusal = find_refusal(form, write, fields=FIELDS_OF_REFUSALS)
    if refusal is None:
        return _go_on(request, pk)
    if refusal.code != "changed_meanwhile":
        return _show(request, form, draft=draft, version=seen, status=refusal.status)
    # Pressed again, theirs is replaced knowingly; it stays in the history.
    more = {"theirs": list_states(draft)[0]}
    return _show(request, form, draft=draft, version=get_version(draft), status=409, more=more)


def _go_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead to the last step where that was asked for, else to the announcement."""
    if request.POST.get("do") == "confirm":
        return redirect("announcements:confirm", pk=pk)
    messages.success(request, str(DONE["saved"]))
    return redirect("announcements:detail", pk=pk)


def _show(
    request: HttpRequest,
    form: ComposeForm,
    *,
    draft: Announcement | None = None,
    version: int | None = None,
    status: int = 200,
    more: Mapping[str, Any] | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "draft": draft,
        "version": version,
        "theirs": None,
        "named": PLACEHOLDERS.items(),
        **_preview(request, form, draft=draft),
        **(more or {}),
    }
    return render(request, "announcements/compose.html", context, status=status)


@requires(Capability.DRAFT_ANNOUNCEMENTS)
def preview(request: HttpRequest) -> HttpResponse:
    """Draw what a form says so far, by every outlet; nothing is written."""
    if request.method != "POST":
        return redirect("announcements:new")
    number = request.POST.get("draft", "")
    is_number = number.isascii() and number.isdigit() and len(number) < 18
    draft = with_subjects(Announcement.objects.all()).filter(pk=int(number)).first() if is_number else None
    initial = read_draft(draft) if draft else {}
    form = ComposeForm(request.POST, draft=draft, initial=initial)
    return render(request, "announcements/_previews.html", _preview(request, form, draft=draft))


def _preview(request: HttpRequest, form: ComposeForm, *, draft: Announcement | None) -> dict[str, Any]:
    """Return the previews of a form, bound or as it begins, or why there are none."""
    bound = form if form.is_bound else ComposeForm(_as_posted(form.initial), draft=draft, initial=form.initial)
    if not bound.is_valid():
        return {"preview": None, "fault": _("Something in the form is not whole yet.")}
    try:
        shown: Preview = preview_content(
            bound.content,
            environment=bound.cleaned_data["environment"],
            draft=draft,
            by_id=request.user.pk,
            now=clock.now(),
        )
    except Refusal as refusal:
        return {"preview": None, "fault": say_refusal(refusal)}
    return {"preview": shown, "fault": ""}


def _as_posted(initial: Mapping[str, Any]) -> QueryDict:
    """Return what a form would send as it begins."""
    data = QueryDict(mutable=True)
    blank = ComposeForm(initial=initial)
    for name in blank.fields:
        value = blank[name].value()
        if isinstance(value, (list, tuple)):
            data.setlist(name, [str(one) for one in value])
        elif value not in (None, ""):
            shown = blank.fields[name].widget.format_value(value) if hasattr(value, "isoformat") else value
            data[name] = str(shown)
    return data


def _fill_in(posted: QueryDict) -> QueryDict:
    """Return a form's data with the words of the kind that is chosen."""
    data = posted.copy()
    kind = posted.get("kind", "")
    if kind in set(Kind):
        for name, words in read_words(Kind(kind)).items():
            data[name] = words
    return data


def _read_beginning(request: HttpRequest) -> dict[str, Any]:
    kind = request.GET.get("kind", "")
    return begin(
        environment=get_current_environment(request),
        kind=Kind(kind) if kind in set(Kind) else None,
        rollout=_find(request, "rollout", Rollout.objects.select_related("environment")),
        incident=_find(request, "incident", Incident.objects.select_related("environment")),
        follows=_find(request, "follows", with_subjects(Announcement.objects.all())),
    )


def _find(request: HttpRequest, name: str, rows: Any) -> Any:
    """Return the row that an address names by its number, None where it names none."""
    text = request.GET.get(name, "")
    return rows.filter(pk=int(text)).first() if text.isascii() and text.isdigit() and len(text) < 18 else None


@requires(Capability.PUBLISH_ANNOUNCEMENTS)
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """The last step: everything as it is read, to how many, now or at a moment, and why."""
    draft = get_announcement(pk)
    if draft.status not in {Status.DRAFT, Status.SCHEDULED}:
        return redirect("announcements:detail", pk=pk)
    seen = read_version(request, draft)
    form = ConfirmForm(request.POST or None)

    def write() -> None:
        given = form.cleaned_data
        said: dict[str, Any] = {
            "announcement_id": pk,
            "actor": actor_of(request),
            "reason": given["reason"],
            "confirmed": given["confirmed"],
            "now": clock.now(),
            "seen": seen,
        }
        if given["publish_at"] is None:
            publish_announcement(**said)
        else:
            schedule_announcement(**said, publish_at=given["publish_at"])

    status = 200
    if request.method == "POST":
        refusal = find_refusal(form, write) if form.is_valid() else None
        if form.is_valid() and refusal is None:
            return _tell(request, pk, is_later=form.cleaned_data["publish_at"] is not None)
        status = refusal.status if refusal else 400
    shown = preview_announcement(draft, by_id=request.user.pk, now=clock.now())
    context = {"draft": draft, "version": seen, "form": form, "preview": shown, "fault": ""}
    return render(request, "announcements/confirm.html", context, status=status)


def _tell(request: HttpRequest, pk: int, *, is_later: bool) -> HttpResponse:
    if not is_later:
        # The worker would do it within the second; so it is out when the page comes.
        drive_outlets(pk)
    messages.success(request, str(DONE["scheduled" if is_later else "published"]))
    return redirect("announcements:detail", pk=pk)
