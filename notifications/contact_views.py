"""The pages behind links in mails to readers without an account: confirm, and end. No session is looked at."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core import clock
from core.errors import Refusal
from notifications.contact_links import Asked, read_confirm_link, read_end_link
from notifications.contact_models import Contact, ContactStatus
from notifications.contact_transitions import confirm_contact, end_contact
from notifications.subscribing import find_asked_on

#: Mail programs open links on their own, to look at them: only a POST does anything.
METHODS = ["GET", "HEAD", "POST"]


@csrf_exempt
@require_http_methods(METHODS)
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Ask once more, then begin to write to an address whose owner opened the link."""
    asked = read_confirm_link(token)
    contact = _find(None if asked is None else asked.contact_id)
    if contact is not None and contact.status in {ContactStatus.ENDED, ContactStatus.BOUNCED}:
        contact = None
    is_done = asked is not None and contact is not None and _is_as_asked(contact, asked)
    if asked is not None and contact is not None and request.method == "POST":
        try:
            contact = confirm_contact(
                contact_id=contact.pk, language=asked.language, topics=asked.topics, now=clock.now()
            )
            is_done = True
        except Refusal:
            contact = None
    language = None if asked is None else asked.language
    return _show(request, "notifications/contact_confirm.html", contact, is_done=is_done, language=language)


def _is_as_asked(contact: Contact, asked: Asked) -> bool:
    """Whether a link has nothing left to do: a second look at it asks for nothing."""
    if contact.status != ContactStatus.ACTIVE:
        return False
    return (contact.language, contact.topics) == (
        contact.language if asked.language is None else asked.language,
        contact.topics if asked.topics is None else list(asked.topics),
    )


@csrf_exempt
@require_http_methods(METHODS)
def end(request: HttpRequest, token: str) -> HttpResponse:
    """Ask once, then write no more; mail programs post here without asking (RFC 8058)."""
    contact = _find(read_end_link(token))
    is_done = contact is not None and request.method == "POST"
    if contact is not None and is_done:
        end_contact(contact_id=contact.pk, now=clock.now())
    return _show(request, "notifications/contact_end.html", contact, is_done=is_done)


def _find(contact_id: int | None) -> Contact | None:
    return None if contact_id is None else Contact.objects.filter(pk=contact_id).first()


def _show(
    request: HttpRequest, template: str, contact: Contact | None, *, is_done: bool, language: str | None = None
) -> HttpResponse:
    language = language or (contact.language if contact else "fr")
    asked_on = find_asked_on(contact) if contact else None
    context = {
        "contact": contact,
        "is_done": is_done,
        "page": asked_on.name.get(language, "") if asked_on else "",
        "page_url": asked_on.url if asked_on else "",
    }
    with translation.override(language):
        answer = render(request, template, context, status=200 if contact is not None else 404)
    answer["Cache-Control"] = "no-store"
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer
