"""The auditor's desk: every change in one list, and its copy as CSV."""

import csv
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from core import changes, clock
from core.domain.business_time import day_bounds
from core.fields import DayField
from core.labels import say_actor
from core.models import ExportRecord, User
from core.spreadsheets import neutralise

PER_PAGE = 50


class DeskForm(forms.Form):
    """The desk's filters, kept in the address."""

    person = forms.CharField(label=gettext_lazy("person"), required=False, max_length=200)
    since = DayField(label=gettext_lazy("from"), required=False)
    until = DayField(label=gettext_lazy("up to and including"), required=False)
    object_type = forms.ChoiceField(label=gettext_lazy("object"), required=False)
    object_id = forms.CharField(label=gettext_lazy("its number"), required=False, max_length=18)
    reason = forms.CharField(label=gettext_lazy("reason contains"), required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tracked = changes.list_tracked_models()
        names = sorted((str(model._meta.verbose_name), key) for key, model in tracked.items())
        choices = [("", _("all objects")), *((key, name) for name, key in names)]
        self.fields["object_type"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def to_filter(self) -> changes.ChangeFilter:
        """Return the filter meant; days are those of the portal's time zone."""
        given = dict(self.cleaned_data)
        zone: Any = get_current_timezone()
        since, until = given.pop("since"), given.pop("until")
        return changes.ChangeFilter(
            since=day_bounds(since, zone=zone)[0] if since else None,
            until=day_bounds(until, zone=zone)[1] if until else None,
            **{name: value.strip() for name, value in given.items()},
        )


@require_GET
def show_changes(request: HttpRequest, *, frame: dict[str, Any]) -> HttpResponse:
    """Show one page of changes; a filter that cannot be read shows nothing but its fault."""
    form = DeskForm(request.GET)
    page = changes.Page(changes=[], number=1, has_next=False)
    if form.is_valid():
        page = changes.list_changes(form.to_filter(), page=_page_number(request), per_page=PER_PAGE)
    query = request.GET.copy()
    query.pop("page", None)
    context = frame | {"title": _("Every change"), "form": form, "page": page, "query": query.urlencode()}
    return render(request, "admin/changes.html", context, status=200 if form.is_valid() else 400)


@require_POST
@transaction.atomic
def export_changes(request: HttpRequest) -> HttpResponse:
    """Answer with the changes as CSV, one line for each field; who took the copy is recorded."""
    form = DeskForm(request.POST)
    if not form.is_valid():
        return HttpResponse(_("This filter cannot be read."), status=400, content_type="text/plain; charset=utf-8")
    if not isinstance(request.user, User):
        raise PermissionDenied
    now, wanted = clock.now(), form.to_filter()
    found = changes.list_for_export(wanted)
    filters = {name: _plain(value) for name, value in asdict(wanted).items() if value}
    ExportRecord.objects.create(exported_at=now, person=request.user, filters=filters, row_count=len(found))
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="changes-{now:%Y%m%d-%H%M%S}.csv"'
    write_csv(response, found)
    return response


def write_csv(file: Any, found: list[changes.Change]) -> None:
    """Write a header and the changes, a line for each field, times in UTC; no cell is a formula."""
    writer = csv.writer(file)
    writer.writerow(
        ["at", "object", "name", "number", "change", "through", "who", "reason", "field", "before", "after"]
    )
    for change in found:
        head = [
            change.at.astimezone(UTC).isoformat(timespec="milliseconds"),
            change.object_type,
            change.object_label,
            change.object_id,
            change.kind,
            change.actor_kind,
            say_actor(kind=change.actor_kind, label=change.actor_label),
            change.reason,
        ]
        for part in change.fields or (changes.FieldChange("", "", ""),):
            writer.writerow([neutralise(cell) for cell in [*head, part.field, part.before, part.after]])


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _page_number(request: HttpRequest) -> int:
    given = request.GET.get("page", "1")
    return max(1, int(given)) if given.isdecimal() and len(given) <= 6 else 1
