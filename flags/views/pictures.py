"""The picture of a flag's note: the page that chooses it, and the picture itself."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe

from core import clock
from core.roles import Capability, requires
from core.uploads import takes_file
from core.views import actor_of, answer_form, read_version
from flags.forms import PictureForm
from flags.models import Flag, Picture
from flags.pictures import MOST_BYTES
from flags.transitions.picturing import remove_note_picture, set_note_picture


@takes_file(most_bytes=MOST_BYTES)
@requires(Capability.EDIT_FLAGS)
def choose(request: HttpRequest, key: str) -> HttpResponse:
    """Choose the picture of a flag's note, or take it away."""
    flag = get_object_or_404(Flag.objects.select_related("note_picture"), key=key)
    seen = read_version(request, flag)
    is_removed = request.POST.get("do") == "remove"
    form = PictureForm(request.POST or None, request.FILES or None, is_removed=is_removed)
    by: dict[str, Any] = {"flag_id": flag.pk, "actor": actor_of(request), "now": clock.now(), "seen_version": seen}

    def write() -> Flag:
        reason = form.cleaned_data["reason"]
        if is_removed:
            return remove_note_picture(reason=reason, **by)
        return set_note_picture(uploaded=form.cleaned_data["picture"].read(), reason=reason, **by)

    return answer_form(
        request,
        form,
        write,
        then=lambda: redirect("flags:detail", key=key),
        template="flags/picture.html",
        context={"flag": flag, "version": seen},
    )


@require_safe
@requires(Capability.VIEW)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Answer a picture; it never changes, so whoever may see it keeps it."""
    picture = get_object_or_404(Picture, key=key)
    answer = HttpResponse(bytes(picture.content), content_type="image/webp")
    answer["Cache-Control"] = "private, max-age=31536000, immutable"
    return answer
