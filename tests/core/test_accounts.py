"""The account pages that the portal offers, and those of the library that it does not."""

import re
from collections.abc import Iterator

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from core import clock
from core.actors import SCHEDULER
from core.models import User
from core.people import create_person, deactivate_person, reactivate_person
from core.roles import Role

pytestmark = pytest.mark.django_db

PASSWORD = "correct-horse-7"
NEW_PASSWORD = "battery-staple-8"


@pytest.fixture(autouse=True)
def _no_limit_left_over(settings: object) -> Iterator[None]:
    """The counters of tries lie in the cache, which the tests share."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def mia() -> User:
    return create_person(
        username="mia",
        email="mia@example.org",
        roles=[Role.SUPPORT],
        password=PASSWORD,
        actor=SCHEDULER,
        reason="test",
        now=clock.now(),
    )


def _client(language: str = "en") -> Client:
    return Client(headers={"accept-language": language})


def _sign_in(client: Client, password: str = PASSWORD) -> str:
    answer = client.post(reverse("account_login"), {"login": "mia", "password": password})
    return answer.headers.get("Location", "")


def _confirm(client: Client) -> None:
    """The sign-in library asks for the password once more before it touches the second factor."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})


def _code(secret: str) -> str:
    return _codes(secret)[1]


def _codes(secret: str) -> list[str]:
    """The codes of the step before, of this one and of the next."""
    return [str(format_hotp_value(hotp_value(secret, counter))) for counter in yield_hotp_counters_from_time()]


@pytest.mark.parametrize(
    "path",
    ["signup/", "email/", "confirm-email/", "confirm-email/abc/", "password/set/", "login/code/confirm/", "3rdparty/"],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_account_pages__not_offered__are_not_found(mia: User, path: str, method: str) -> None:
    client = _client()
    client.force_login(mia, backend="allauth.account.auth_backends.AuthenticationBackend")

    assert getattr(client, method)(f"/account/{path}").status_code == 404
    assert getattr(_client(), method)(f"/account/{path}").status_code == 404


@pytest.mark.parametrize(
    ("name", "french"),
    [
        ("account_login", "Se connecter"),
        ("account_reset_password", "mot de passe"),
        ("account_reset_password_done", "mot de passe"),
        ("account_reset_password_from_key_done", "mot de passe"),
        ("account_inactive", "compte"),
    ],
)
def test_account_pages__stranger__stand_in_the_portals_frame_and_language(name: str, french: str) -> None:
    page = _client("fr").get(reverse(name)).content.decode()

    assert 'class="plain-page"' in page
    assert '<main class="card stack" id="main">' in page
    assert french in page


@pytest.mark.parametrize(
    ("name", "french"),
    [
        ("account_change_password", "Modifier le mot de passe"),
        ("mfa_index", "Authentification à deux facteurs"),
        ("mfa_activate_totp", "application"),
    ],
)
def test_account_pages__signed_in__stand_in_the_portals_frame_and_language(mia: User, name: str, french: str) -> None:
    client = _client("fr")
    _sign_in(client)
    _confirm(client)

    page = client.get(reverse(name)).content.decode()

    assert '<nav class="rail"' in page
    assert french.lower() in page.lower()
    assert "<script>" not in page


def test_password__changed_by_its_owner__is_recorded_and_told_by_mail(mia: User) -> None:
    client = _client()
    _sign_in(client)

    client.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
    )

    mia.refresh_from_db()
    assert mia.check_password(NEW_PASSWORD)
    assert client.get("/").status_code == 200
    assert mia.history.first().history_change_reason == "Password changed by its owner"
    assert [message.to for message in mail.outbox] == [["mia@example.org"]]


def test_password__reset_by_the_mailed_link__lets_the_owner_in(mia: User) -> None:
    client = _client("fr")
    client.post(reverse("account_reset_password"), {"email": "mia@example.org"}, headers={"host": "localhost:6666"})
    message = mail.outbox[0]
    assert "6666" not in message.body
    assert settings.PUBLIC_URL in message.body
    link = re.search(re.escape(settings.PUBLIC_URL) + r"(\S+)", str(message.body))
    assert link

    page = client.get(link.group(1), follow=True)
    done = client.post(page.redirect_chain[-1][0], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}, follow=True)

    assert done.status_code == 200
    assert "mot de passe" in str(message.subject).lower()
    assert _sign_in(_client(), NEW_PASSWORD) == "/"
    assert "plain-page" in client.get(link.group(1), follow=True).content.decode()


def test_second_factor__after_a_password_was_reset_by_mail__can_be_set_up(mia: User) -> None:
    client = _client()
    client.post(reverse("account_reset_password"), {"email": "mia@example.org"})
    link = re.search(re.escape(settings.PUBLIC_URL) + r"(\S+)", str(mail.outbox[0].body))
    assert link
    page = client.get(link.group(1), follow=True)
    client.post(page.redirect_chain[-1][0], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    _sign_in(client, NEW_PASSWORD)
    client.post(reverse("account_reauthenticate"), {"password": NEW_PASSWORD})

    form = client.get(reverse("mfa_activate_totp")).context["form"]
    client.post(reverse("mfa_activate_totp"), {"code": _code(form.secret)})

    assert Authenticator.objects.filter(user=mia, type="totp").exists()


@pytest.mark.parametrize("step", [0, 1, 2])
def test_second_factor__a_code_of_the_step_beside__is_taken(mia: User, step: int) -> None:
    client = _client()
    _sign_in(client)
    _confirm(client)
    with time_machine.travel(clock.now(), tick=False):
        form = client.get(reverse("mfa_activate_totp")).context["form"]
        client.post(reverse("mfa_activate_totp"), {"code": _codes(form.secret)[step]})

    assert Authenticator.objects.filter(user=mia, type="totp").exists()


def test_password__reset_for_nobodys_address__looks_the_same_and_sends_nothing(mia: User) -> None:
    known = _client().post(reverse("account_reset_password"), {"email": "mia@example.org"})
    unknown = _client().post(reverse("account_reset_password"), {"email": "nobody@example.org"})

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [message.to for message in mail.outbox] == [["mia@example.org"]]


def test_second_factor__activated__is_asked_for_at_the_next_sign_in(mia: User) -> None:
    client = _client()
    _sign_in(client)
    _confirm(client)
    form = client.get(reverse("mfa_activate_totp")).context["form"]
    client.post(reverse("mfa_activate_totp"), {"code": _code(form.secret)})
    assert Authenticator.objects.filter(user=mia, type="totp").exists()
    for name in ("mfa_index", "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_deactivate_totp"):
        assert '<nav class="rail"' in client.get(reverse(name)).content.decode(), name
    codes = client.get(reverse("mfa_download_recovery_codes")).content.decode().split()

    other = _client("fr")
    assert _sign_in(other) == reverse("mfa_authenticate")
    assert "plain-page" in other.get(reverse("mfa_authenticate")).content.decode()
    assert other.get("/").status_code == 302
    wrong = other.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "errorlist" in wrong.content.decode()
    assert other.post(reverse("mfa_authenticate"), {"code": codes[-1]})["Location"] == "/"
    assert other.get("/").status_code == 200


def test_deactivation__ends_sessions_for_good__also_when_access_is_given_back(mia: User) -> None:
    client = _client()
    _sign_in(client)
    assert client.get("/").status_code == 200

    deactivate_person(user_id=mia.pk, actor=SCHEDULER, reason="test", now=clock.now())
    reactivate_person(user_id=mia.pk, actor=SCHEDULER, reason="test", now=clock.now())

    assert client.get("/").status_code == 302
    again = _client()
    assert _sign_in(again) == "/"
    assert again.get("/").status_code == 200


def test_second_factor__its_secrets__are_kept_by_no_cache(mia: User) -> None:
    client = _client()
    _sign_in(client)
    _confirm(client)
    first = client.get(reverse("mfa_activate_totp"))
    secret = first.context["form"].secret
    wrong = client.post(reverse("mfa_activate_totp"), {"code": "000000"})
    done = client.post(reverse("mfa_activate_totp"), {"code": _code(secret)})
    names = ("mfa_view_recovery_codes", "mfa_download_recovery_codes", "mfa_generate_recovery_codes", "mfa_index")
    answers = [first, wrong, done, *(client.get(reverse(name)) for name in names)]
    answers.append(client.post(reverse("mfa_generate_recovery_codes")))

    assert secret in first.content.decode()
    assert [answer.status_code for answer in answers] == [200, 200, 302, 200, 200, 200, 200, 302]
    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}


def test_sign_in__wrong_password__says_so_and_keeps_the_name(mia: User) -> None:
    answer = _client("fr").post(reverse("account_login"), {"login": "mia", "password": "no"})

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "errorlist" in page
    assert 'value="mia"' in page


def test_sign_in__too_many_wrong_passwords__is_refused_even_with_the_right_one(mia: User) -> None:
    client = _client()
    for _try in range(6):
        client.post(reverse("account_login"), {"login": "mia", "password": "no"})

    answer = client.post(reverse("account_login"), {"login": "mia", "password": PASSWORD})

    assert answer.status_code in {200, 429}
    assert client.get("/").status_code == 302


def test_sign_in__more_within_a_minute_than_from_one_address__waits(mia: User) -> None:
    places = [_sign_in(_client()) for _one in range(30)]

    assert set(places) == {"/"}
    assert _client().post(reverse("account_login"), {"login": "mia", "password": PASSWORD}).status_code == 429


def test_account_pages__too_many_tries__answer_in_the_portals_frame() -> None:
    client = _client()
    answers = [client.post(reverse("account_reset_password"), {"email": f"a{n}@example.org"}) for n in range(25)]

    last = answers[-1]
    assert last.status_code == 429
    assert escape("Too many tries") in last.content.decode()


def test_logout__link_followed__asks_and_the_button_ends_the_session(mia: User) -> None:
    client = _client("fr")
    _sign_in(client)

    page = client.get(reverse("account_logout"))
    assert "<main" in page.content.decode()
    assert client.get("/").status_code == 200

    answer = client.post(reverse("account_logout"))
    assert answer.status_code == 302
    assert client.get("/").status_code == 302
