"""Records and their fields have names in the reader's language, and naming them is no migration."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command
from django.db.models import Model
from django.test import Client
from django.utils import translation
from django.utils.html import escape
from django.utils.text import capfirst

from core.roles import Role
from tests.factories.core import make_person

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label_lower)
OURS = ("core", "notifications", "flags", "health", "rollouts", "incidents", "statuspage")
#: Words that are the same in English and in French. A name that is not here has French words of its own.
SAME_IN_FRENCH = {
    "ID",
    "code",
    "conditions",
    "contact",
    "description",
    "documentation",
    "flag",
    "flags",
    "image",
    "impact",
    "incident",
    "incidents",
    "minute",
    "mode",
    "note",
    "notes",
    "phase",
    "phases",
    "position",
    "production",
    "segment",
    "segments",
    "site",
    "sites",
    "table",
    "transaction",
    "verdict",
    "verdicts",
    "Flags",
    "Incidents",
    "Notifications",
}


def _models() -> list[type[Model]]:
    return [model for name in OURS for model in apps.get_app_config(name).get_models()]


def _names() -> Iterator[tuple[str, str]]:
    """Yield where each name stands, and the name in the language in force."""
    for name in OURS:
        yield name, str(apps.get_app_config(name).verbose_name)
    for model in _models():
        yield f"{model.__name__} (one)", str(model._meta.verbose_name)
        yield f"{model.__name__} (many)", str(model._meta.verbose_name_plural)
        for field in [*model._meta.local_fields, *model._meta.local_many_to_many]:
            yield f"{model.__name__}.{field.name}", str(field.verbose_name)


def test_names__in_french__are_french() -> None:
    with translation.override("en"):
        english = dict(_names())
    with translation.override("fr"):
        french = dict(_names())

    left = {where: word for where, word in french.items() if word == english[where] and word not in SAME_IN_FRENCH}

    assert left == {}, "give it a word in <app>/names.py, or say here that French has the same"


def test_names__said_to_be_the_same__are_in_use() -> None:
    with translation.override("fr"):
        assert SAME_IN_FRENCH - {word for _, word in _names()} == set()


def test_tables__every_word__names_something() -> None:
    """A field renamed leaves no word behind."""
    left = []
    for name in OURS:
        models = list(apps.get_app_config(name).get_models())
        names = import_module(f"{name}.names").NAMES
        classes = {model.__name__ for model in models}
        fields = {field.name for model in models for field in [*model._meta.local_fields, *model._meta.many_to_many]}
        exact = {f"{model.__name__}.{field.name}" for model in models for field in model._meta.local_fields}
        left += [f"{name}: {record}" for record in names.records if record not in classes]
        left += [f"{name}: {field}" for field in names.fields if field not in fields | exact]

    assert left == []


@pytest.mark.django_db
def test_names__set_when_the_apps_are_ready__are_no_migration() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label_lower)
def test_admin__in_french__heads_each_list_in_french(client: Client, model: type[Model]) -> None:
    client.force_login(make_person(Role.AUDITOR))
    address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"

    page = client.get(address, headers={"accept-language": "fr"}).content.decode()

    with translation.override("fr"):
        assert str(escape(capfirst(str(model._meta.verbose_name_plural)))) in page
        assert str(escape(apps.get_app_config(model._meta.app_label).verbose_name)) in page
