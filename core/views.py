"""Small things views share."""

from collections.abc import Callable, Mapping

from django.conf import settings
from django.db.models import Model
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.actors import Actor, person
from core.errors import InvalidInput, Refusal
from core.labels import say_refusal
from core.versions import get_version


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in person as the actor of a write."""
    return person(request.user)  # type: ignore[arg-type]  # the guard of the view refuses strangers


def remember_language(answer: HttpResponse, language: str) -> None:
    """Let the reader's browser ask for this language from now on, for a year."""
    answer.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=31_536_000, samesite="Lax")


def read_int(request: HttpRequest, name: str) -> int | None:
    """Return a posted whole number, None where it is empty; refuse anything else."""
    text = request.POST.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidInput("values_wrong", fields=name)
    return int(text)


def read_place(request: HttpRequest, name: str = "before") -> int | None:
    """Return the number in a list's address below which its page begins, None where it holds none."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def read_version(request: HttpRequest, row: Model) -> int:
    """Return the version of a row that a form is drawn from, or was: then its hidden field says so."""
    if request.method == "POST":
        return read_int(request, "version") or 0
    return get_version(row)


def find_refusal(form: Form, write: Callable[[], object], *, fields: Mapping[str, str] | None = None) -> Refusal | None:
    """Do a write for a valid form; return its refusal, None where it was done.

    A refusal is said beside the field that its code is about, by `fields`, else above the form. A field's name may
    have places that the refusal's data fill: `body_{language}`.
    """
    try:
        write()
    except Refusal as refusal:
        field = (fields or {}).get(refusal.code, "").format_map(refusal.data)
        form.add_error(field if field in form.fields else None, say_refusal(refusal))
        return refusal
    return None


def write_from(form: Form, write: Callable[[], object], *, fields: Mapping[str, str] | None = None) -> bool:
    """Do a write for a form; True where it was done.

    Wrong fields and a refusal are said beside the form, which keeps what was typed; `fields`: see `find_refusal`.
    """
    return form.is_valid() and find_refusal(form, write, fields=fields) is None


def answer_form(
    request: HttpRequest,
    form: Form,
    write: Callable[[], object],
    *,
    then: Callable[[], HttpResponse],
    template: str,
    context: Mapping[str, object],
    fields: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Answer a page that is one form: what comes `then` once it is written, else the form, 400 where it is wrong."""
    if request.method == "POST" and write_from(form, write, fields=fields):
        return then()
    return render(request, template, {"form": form, **context}, status=400 if form.errors else 200)
