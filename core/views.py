"""Small things views share."""

from django.http import HttpRequest

from core.actors import Actor, person
from core.errors import InvalidInput


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in person as the actor of a write."""
    return person(request.user)  # type: ignore[arg-type]  # the guard of the view refuses strangers


def read_int(request: HttpRequest, name: str) -> int | None:
    """Return a posted whole number, None where it is empty; refuse anything else."""
    text = request.POST.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidInput("values_wrong", fields=name)
    return int(text)
