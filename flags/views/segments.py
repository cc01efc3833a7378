"""Pages of segments: who is in them, and which flags name them."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from core import clock
from core.errors import InvalidInput
from core.roles import Capability, requires
from core.views import actor_of, answer_form, read_int, read_version, write_from
from flags.condition_forms import with_another_condition
from flags.forms import MemberForm
from flags.models import Rule, Segment
from flags.page_queries import list_segment_rows
from flags.segment_forms import NewSegmentForm, SegmentForm
from flags.transitions import (
    NewMember,
    add_member,
    create_segment,
    delete_segment,
    edit_segment,
    remove_member,
)


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List segments."""
    return render(request, "flags/segments.html", {"segments": list_segment_rows()})


@requires(Capability.VIEW)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show a segment's people and the rules that name it."""
    return _show(request, get_object_or_404(Segment, key=key), MemberForm())


def _show(request: HttpRequest, segment: Segment, form: MemberForm) -> HttpResponse:
    rules = Rule.objects.filter(segment=segment).select_related("state__flag", "state__environment")
    context = {
        "segment": segment,
        "members": segment.members.select_related("site"),
        "rules": rules.order_by("state__environment__position", "state__flag__name"),
        "form": form,
    }
    return render(request, "flags/segment.html", context, status=400 if form.errors else 200)


@requires(Capability.EDIT_FLAGS)
def create(request: HttpRequest) -> HttpResponse:
    """Make a segment, without people at first."""
    form = NewSegmentForm(_read(request))
    return _answer(
        request,
        form,
        lambda: create_segment(**form.wishes, members=[], actor=actor_of(request), now=clock.now()),
        key=lambda: form.cleaned_data["key"],
        context={"title": _("New segment"), "back": reverse("flags:segments")},
    )


@requires(Capability.EDIT_FLAGS)
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """Change a segment's name, description and conditions."""
    segment = get_object_or_404(Segment, key=key)
    form = SegmentForm(
        _read(request),
        asked=segment.asked,
        initial={"name": segment.name, "description": segment.description},
    )
    seen = read_version(request, segment)
    return _answer(
        request,
        form,
        lambda: edit_segment(
            segment_id=segment.pk, **form.wishes, actor=actor_of(request), now=clock.now(), seen_version=seen
        ),
        key=lambda: key,
        context={"title": segment.name, "back": reverse("flags:segment", args=[key]), "version": seen},
    )


def _is_more(request: HttpRequest) -> bool:
    """Tell whether somebody asks for another line and for nothing to be written yet."""
    return request.method == "POST" and request.POST.get("do") == "more"


def _read(request: HttpRequest) -> Mapping[str, Any] | None:
    return with_another_condition(request.POST) if _is_more(request) else request.POST or None


def _answer(
    request: HttpRequest,
    form: SegmentForm,
    write: Callable[[], object],
    *,
    key: Callable[[], str],
    context: Mapping[str, object],
) -> HttpResponse:
    template = "flags/segment_form.html"
    if _is_more(request):
        return render(request, template, {"form": form, **context})
    return answer_form(
        request, form, write, then=lambda: redirect("flags:segment", key=key()), template=template, context=context
    )


@requires(Capability.EDIT_FLAGS)
def add(request: HttpRequest, key: str) -> HttpResponse:
    """Put a person into a segment."""
    segment = get_object_or_404(Segment, key=key)
    if request.method != "POST":
        return redirect("flags:segment", key=key)
    form = MemberForm(request.POST)
    if not write_from(form, lambda: _add(request, segment, form)):
        return _show(request, segment, form)
    messages.success(request, _("Done. Tills see it when they next ask."))
    return redirect("flags:segment", key=key)


def _add(request: HttpRequest, segment: Segment, form: MemberForm) -> None:
    data = form.cleaned_data
    member = NewMember(data["targeting_key"], data["label"], data["site"].pk if data["site"] else None)
    add_member(segment_id=segment.pk, member=member, actor=actor_of(request), reason=data["reason"], now=clock.now())


@requires(Capability.EDIT_FLAGS)
def remove(request: HttpRequest, key: str) -> HttpResponse:
    """Take a person out of a segment."""
    segment = get_object_or_404(Segment, key=key)
    if request.method == "POST":
        member_id = read_int(request, "member")
        if member_id is None:
            raise InvalidInput("values_wrong", fields="member")
        remove_member(
            segment_id=segment.pk,
            member_id=member_id,
            actor=actor_of(request),
            reason=request.POST.get("reason", ""),
            now=clock.now(),
        )
        messages.success(request, _("Done. Tills see it when they next ask."))
    return redirect("flags:segment", key=key)


@requires(Capability.EDIT_FLAGS)
def delete(request: HttpRequest, key: str) -> HttpResponse:
    """Delete a segment that nothing names."""
    segment = get_object_or_404(Segment, key=key)
    if request.method != "POST":
        return redirect("flags:segment", key=key)
    reason = request.POST.get("reason", "")
    delete_segment(segment_id=segment.pk, actor=actor_of(request), reason=reason, now=clock.now())
    messages.success(request, _("Segment deleted."))
    return redirect("flags:segments")
