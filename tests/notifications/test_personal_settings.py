"""A person's own settings: kept with history, shown in both languages, refused where they cannot be."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from core.actors import SCHEDULER
from core.errors import InvalidInput
from core.history import NoActor, recorded
from core.models import User
from core.roles import Role
from notifications.domain.mail_modes import MailMode
from notifications.models import PersonalSettings
from notifications.personal_forms import CHOSEN, FIXED
from notifications.personal_queries import find_settings
from notifications.personal_transitions import set_personal_settings
from tests.factories.core import NOW, make_person
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db

PAGE = "/account/notifications/"


@pytest.fixture
def user() -> User:
    return make_person(Role.SUPPORT, language="en")


@pytest.fixture
def client(user: User) -> Client:
    return sign_in_as(user, language="en")


def _choose(user: User, **given: Any) -> PersonalSettings:
    wanted: dict[str, Any] = {
        "language": "en",
        "time_zone": "Indian/Reunion",
        "digest_is_on": True,
        "digest_hour": 7,
        "digest_weekdays": [6, 1, 6],
        "modes": {"progress": MailMode.DIGEST, "flags": MailMode.NEVER, "incidents": MailMode.AT_ONCE},
        "now": NOW,
    }
    return set_personal_settings(user_id=user.pk, **(wanted | given))


def _posted(**given: Any) -> dict[str, Any]:
    wanted = {
        "language": "en",
        "digest_is_on": "on",
        "digest_hour": "8",
        "time_zone": "",
        "digest_weekdays": ["1", "2"],
    }
    return wanted | {f"mail_{group}": "at_once" for group in CHOSEN} | given


def test_settings__chosen__are_kept_with_who_and_why(user: User) -> None:
    row = _choose(user)
    _choose(user)
    _choose(user, digest_hour=9, now=NOW + timedelta(hours=1))

    assert (row.digest_weekdays, row.mail_in_digest, row.mail_never) == ([1, 6], ["progress"], ["flags"])
    history = PersonalSettings.history.order_by("history_id")
    told = list(history.values_list("digest_hour", "history_user", "history_change_reason"))
    assert told == [(7, user.pk, "Personal settings chosen"), (9, user.pk, "Personal settings chosen")]


def test_settings__never_chosen__are_those_of_a_new_person(user: User) -> None:
    found = find_settings(user.pk)

    assert not PersonalSettings.objects.exists()
    assert (found.digest_is_on, found.digest_hour, found.digest_weekdays) == (True, 8, [1, 2, 3, 4, 5])
    assert str(found.preferences.times.zone) == "Europe/Paris"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"language": "de"}, "language_unknown"),
        ({"time_zone": "Mars/Base"}, "time_zone_unknown"),
        ({"digest_hour": 4}, "digest_hour_wrong"),
        ({"digest_hour": 19}, "digest_hour_wrong"),
        ({"digest_weekdays": []}, "digest_days_wrong"),
        ({"digest_weekdays": [0]}, "digest_days_wrong"),
        ({"digest_weekdays": [8]}, "digest_days_wrong"),
        ({"modes": {"gossip": MailMode.NEVER}}, "message_group_unknown"),
    ],
)
def test_settings__what_cannot_be__is_refused(user: User, given: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        _choose(user, **given)

    assert refused.value.code == code
    assert not PersonalSettings.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {"digest_hour": 3},
        {"digest_weekdays": [9]},
        {"digest_weekdays": []},
        {"mail_in_digest": ["flags"], "mail_never": ["flags"]},
    ],
)
def test_database__what_cannot_be__is_refused(user: User, given: dict[str, Any]) -> None:
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        recorded(actor=SCHEDULER, reason="a test", now=NOW),
    ):
        PersonalSettings(user=user, **given).save()


def test_settings__without_an_actor__are_not_written(user: User) -> None:
    with pytest.raises(NoActor):
        PersonalSettings(user=user).save()


def test_page__filled_in__is_kept_and_shown_again(client: Client, user: User) -> None:
    answer = client.post(
        PAGE,
        _posted(digest_hour="6", time_zone="Indian/Reunion", digest_weekdays=["6", "7"], mail_progress="digest"),
        follow=True,
    )

    assert "Your settings are kept." in answer.content.decode()
    form = answer.context["form"]
    assert form["digest_hour"].value() == 6
    assert form["mail_progress"].value() == "digest"
    row = PersonalSettings.objects.get(user=user)
    assert (row.time_zone, row.digest_weekdays, row.mail_in_digest) == ("Indian/Reunion", [6, 7], ["progress"])


def test_page__another_language__is_the_accounts_and_the_browsers(client: Client, user: User) -> None:
    answer = client.post(PAGE, _posted(language="fr"), follow=True)

    user.refresh_from_db()
    assert user.language == "fr"
    assert "Vos réglages sont enregistrés." in answer.content.decode()
    assert "Récapitulatif quotidien" in answer.content.decode()


def test_page__language_of_mails_left_as_it_was__leaves_that_of_the_pages(user: User) -> None:
    reader = sign_in_as(user)
    reader.cookies["django_language"] = "en" if user.language == "fr" else "fr"
    read_in = reader.cookies["django_language"].value

    reader.post(PAGE, _posted(language=user.language))

    assert reader.cookies["django_language"].value == read_in


@pytest.mark.parametrize(
    "given", [{"digest_hour": "3"}, {"digest_weekdays": []}, {"time_zone": "x"}, {"mail_progress": "never ever"}]
)
def test_page__wrong__says_so_beside_the_field_and_keeps_nothing(client: Client, given: dict[str, Any]) -> None:
    answer = client.post(PAGE, _posted(**given))

    assert answer.status_code == 400
    assert 'class="errorlist"' in answer.content.decode()
    assert not PersonalSettings.objects.exists()


def test_page__what_is_urgent__has_no_choice_and_says_why(client: Client) -> None:
    page = client.get(PAGE).content.decode()

    assert FIXED == ("rollbacks",)
    assert 'name="mail_rollbacks"' not in page
    assert "shops feel within minutes what was taken back" in page
    assert 'name="mail_incidents"' in page
    assert "Its clock counts while a mail lies unread." in page


def test_page__account_without_address__says_that_mails_cannot_come() -> None:
    user = make_person(Role.AUDITOR, email="", language="en")

    assert "has no e-mail address" in sign_in_as(user, language="en").get(PAGE).content.decode()


def test_page__is_in_the_persons_menu_and_in_the_palette(client: Client) -> None:
    assert f'href="{PAGE}"' in client.get("/inbox/").content.decode()
    assert PAGE in client.get("/search/?q=digest").content.decode()
    assert "/due/" in client.get("/search/?q=due").content.decode()
