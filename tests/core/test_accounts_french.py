"""Nothing that the sign-in library says is left in English where French is read, nor the other way round."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import settings as portal_settings
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from core import clock
from core.actors import SCHEDULER
from core.models import User
from core.people import create_person
from core.roles import Role

pytestmark = pytest.mark.django_db

PASSWORD = "correct-horse-7"
SPOKEN = ("placeholder", "title", "aria-label", "alt")
#: What both languages write alike, and what is no words: names, keys, the languages' own names.
ALIKE = re.compile(
    r"Release Portal|Code|Français|English|mia\S*|[A-Z2-7]{32}|Incidents|\W*|.*@.*|[\d\s*]+|127\.0\.0\.1:8000",
    re.DOTALL,
)


class _Words(HTMLParser):
    """Collects what a page says: its texts, and the attributes that are read out or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.said: set[str] = set()
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        spoken = [*SPOKEN, *(["value"] if given.get("type") == "submit" else [])]
        self.said |= {" ".join(text.split()) for name in spoken if (text := given.get(name))}
        self._inside.append(tag)

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[-1] in {"script", "style", "code", "textarea", "kbd"}:
            return
        self.said.add(" ".join(data.split()))


@pytest.fixture(autouse=True)
def _no_limit(settings: Any) -> Iterator[None]:
    settings.ACCOUNT_RATE_LIMITS = False
    cache.clear()
    yield
    cache.clear()


def _make(language: str) -> User:
    return create_person(
        username=f"mia-{language}",
        email=f"mia-{language}@example.org",
        roles=[Role.SUPPORT],
        password=PASSWORD,
        language=language,
        actor=SCHEDULER,
        reason="test",
        now=clock.now(),
    )


def _code(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time())))))


def _link() -> str:
    found = re.search(re.escape(portal_settings.PUBLIC_URL) + r"(\S+)", str(mail.outbox[-1].body))
    assert found
    return found.group(1)


def _walk(language: str) -> dict[str, str]:
    """Return each page and refusal that an account's owner can meet, by a name of its own."""
    user, client = _make(language), Client(headers={"accept-language": language})
    pages: dict[str, Any] = {}

    def visit(name: str, **given: Any) -> None:
        pages[name] = client.get(reverse(name, **given), follow=True)

    def send(name: str, told: str, data: dict[str, str]) -> None:
        pages[f"{name}: {told}"] = client.post(reverse(name), data, follow=True)

    for name in ("login", "reset_password", "reset_password_done", "reset_password_from_key_done", "inactive"):
        visit(f"account_{name}")
    for told, data in {"nothing": {}, "wrong": {"login": user.username, "password": "no"}}.items():
        send("account_login", told, data)
    send("account_reset_password", "no address", {"email": "mia"})
    send("account_reset_password", "asked", {"email": user.email})
    link = _link()
    opened = client.get(link, follow=True)
    pages["new password"] = opened
    for told, new in {"weak": "123", "nothing": ""}.items():
        data = {"password1": new, "password2": new}
        pages[f"new password: {told}"] = client.post(opened.redirect_chain[-1][0], data)
    data = {"password1": PASSWORD, "password2": f"{PASSWORD}!"}
    pages["new password: unequal"] = client.post(opened.redirect_chain[-1][0], data)
    data = {"password1": PASSWORD, "password2": PASSWORD}
    pages["new password: set"] = client.post(opened.redirect_chain[-1][0], data, follow=True)
    pages["link used"] = client.get(link, follow=True)
    send("account_login", "right", {"login": user.username, "password": PASSWORD})
    for name in ("account_logout", "account_change_password", "account_reauthenticate", "mfa_index"):
        visit(name)
    send("account_change_password", "wrong", {"oldpassword": "no", "password1": "1", "password2": "2"})
    send("account_reauthenticate", "wrong", {"password": "no"})
    send("account_reauthenticate", "right", {"password": PASSWORD})
    send("account_change_password", "right", {"oldpassword": PASSWORD} | data)
    send("account_reauthenticate", "again", {"password": PASSWORD})
    visit("mfa_activate_totp")
    secret = pages["mfa_activate_totp"].context["form"].secret
    send("mfa_activate_totp", "wrong", {"code": "000000"})
    send("mfa_activate_totp", "right", {"code": _code(secret)})
    for name in ("mfa_index", "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_deactivate_totp"):
        visit(name)
    codes = client.get(reverse("mfa_download_recovery_codes")).content.decode().split()
    send("mfa_generate_recovery_codes", "done", {})
    visit("mfa_reauthenticate")
    send("mfa_reauthenticate", "wrong", {"code": "000000"})
    send("account_logout", "done", {})
    send("account_login", "second factor", {"login": user.username, "password": PASSWORD})
    send("mfa_authenticate", "wrong", {"code": codes[0]})
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    send("mfa_authenticate", "right", {"code": codes[0]})
    send("account_reauthenticate", "once more", {"password": PASSWORD})
    send("mfa_deactivate_totp", "done", {})
    return {name: page.content.decode() for name, page in pages.items()}


def _read(page: str) -> set[str]:
    words = _Words()
    # The frame is the portal's own; other tests look at it.
    words.feed(re.sub(r"<nav.*?</nav>|<header.*?</header>|<footer.*?</footer>", "", page, flags=re.DOTALL))
    return words.said


def test_account_pages__in_both_languages__say_nothing_alike() -> None:
    english, french = _walk("en"), _walk("fr")

    alike = {
        f"{name}: {words}"
        for name in english
        for words in _read(english[name]) & _read(french[name])
        if not ALIKE.fullmatch(words)
    }

    assert len(french) > 30
    assert alike == set()


def test_account_mails__whatever_the_browser_reads__speak_the_owners_language() -> None:
    _walk("en")
    english = [(str(message.subject), str(message.body)) for message in mail.outbox]
    mail.outbox.clear()
    _walk("fr")
    french = [(str(message.subject), str(message.body)) for message in mail.outbox]

    assert len(english) == len(french) >= 4
    alike = {
        line
        for (subject, body), (other, text) in zip(english, french, strict=True)
        for line in {subject, *body.splitlines()} & {other, *text.splitlines()}
        if not ALIKE.fullmatch(line)
    }
    assert alike == set()


@pytest.mark.parametrize(("owner", "browser", "word"), [("fr", "en", "mot de passe"), ("en", "fr", "password")])
def test_reset_mail__asked_for_in_another_language__speaks_the_owners(owner: str, browser: str, word: str) -> None:
    user = _make(owner)

    Client(headers={"accept-language": browser}).post(reverse("account_reset_password"), {"email": user.email})

    [message] = mail.outbox
    assert word in str(message.subject).lower()
    assert word in str(message.body).lower()
