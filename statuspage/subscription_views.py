"""`/status/subscribe/`: whoever reads the page asks to be told, by mail or at an address of a program."""

from ipaddress import ip_network
from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core import clock
from core.views import write_from
from notifications.contact_models import ContactKind
from notifications.contact_transitions import MOST_CHARACTERS
from notifications.subscribing import subscribe
from statuspage.models import Component, PublicEnvironment
from statuspage.page import FIRST, FOLDERS, LANGUAGES
from statuspage.queries import read_name
from statuspage.telling import PAGE_URL

#: So often one place on the network asks within an hour: each time a mail goes to whatever address was typed.
MOST_AN_HOUR = 10
HOUR_SECONDS = 3_600
#: Any number of our own: callers are counted one after the other.
COUNT_LOCK = 7_140_232


class SubscribeForm(forms.Form):
    """Where to, and of what; nothing chosen means everything."""

    address = forms.CharField(
        label=_("Your e-mail address"),
        help_text=_("Or the https:// address of a program of yours, which is then called."),
        max_length=MOST_CHARACTERS,
        widget=forms.TextInput(attrs={"autocomplete": "email", "inputmode": "email", "spellcheck": "false"}),
    )
    topics = forms.MultipleChoiceField(
        label=_("Only these"),
        help_text=_("None chosen: all of them."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        public = PublicEnvironment.objects.filter(is_public=True).values("environment")
        rows = Component.objects.filter(is_shown=True, environment__in=public).order_by("position", "pk")
        choices = [(str(one.pk), getattr(one, f"name_{language}")) for one in rows]
        self.fields["topics"].choices = choices  # type: ignore[attr-defined]  # a field of choices

    @property
    def kind(self) -> ContactKind:
        """A program's address begins as one of the web; anything else is read as one of mail."""
        is_web = self.cleaned_data["address"].strip().casefold().startswith(("https://", "http://"))
        return ContactKind.WEBHOOK if is_web else ContactKind.EMAIL


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Take an address, and say only that a link is on its way: nobody learns who is subscribed.

    No session is looked at, so there is no cookie that another site could use.
    """
    language = _choose_language(request)
    with translation.override(language):
        form = SubscribeForm(request.POST or None, language=language)
        is_done, status = False, 200
        if request.method == "POST":
            if _is_too_often(request):
                form.add_error(None, _("Too many from here within an hour. Try again later; nothing was lost."))
                status = 429
            else:
                is_done = write_from(form, lambda: _subscribe(form, language))
                status = 200 if is_done else 400
        context = {"form": form, "is_done": is_done, "page": _find_page(language)}
        answer = render(request, "statuspage/subscribe.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    answer["Content-Language"] = language
    answer["Vary"] = "Accept-Language"
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def _choose_language(request: HttpRequest) -> str:
    """Return the language of the page that one came from, else the first of the browser's that there is."""
    spoken = parse_accept_lang_header(request.headers.get("accept-language", ""))
    wanted = (request.GET.get("lang", ""), *(language[:2] for language, _weight in spoken))
    return next((one for one in wanted if one in LANGUAGES), FIRST)


def _find_page(language: str) -> str:
    return f"{PAGE_URL}{FOLDERS[language]}index.html"


def _subscribe(form: SubscribeForm, language: str) -> None:
    given, name = form.cleaned_data, read_name()
    subscribe(
        kind=form.kind,
        address=given["address"],
        language=language,
        topics=given["topics"],
        now=clock.now(),
        page={"fr": name.fr, "en": name.en},
        url=_find_page(language),
    )


def _is_too_often(request: HttpRequest) -> bool:
    """Count one more from the caller's network within the hour; true beyond the limit."""
    network = _find_network(get_adapter().get_client_ip(request))
    key = f"statuspage:asked:{network}:{int(clock.now().timestamp()) // HOUR_SECONDS}"
    with transaction.atomic():
        # The cache lies in the same database, and counts in two steps.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [COUNT_LOCK])
        count = int(cache.get(key, 0)) + 1
        cache.set(key, count, HOUR_SECONDS)
    return count > MOST_AN_HOUR


def _find_network(address: str) -> str:
    """Return an address of IPv4, or the /64 that one of IPv6 lies in: one subscriber of a line has all of it."""
    try:
        return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address
    except ValueError:
        return address
