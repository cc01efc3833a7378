"""Finds every address of the portal and something for each of its parts: a new page is found by itself."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter

from core.protection import is_history
from releaseportal.api import PREFIX, write_document
from tests.hostile.feeding import OURS

#: Answers of a page that takes a POST only, or is another role's.
NOT_SHOWN = frozenset({302, 400, 403, 405, 409})
#: A part of addresses that are pressed and never read: what comes of it stands on another page.
ACTION = "action"
#: So many things of one kind are looked at by one page.
MOST_OF_A_PAGE = 2
#: One history of so many is read: they all are the same page.
HISTORIES = 4

Candidates = Mapping[str, list[Any]]


def list_patterns() -> Iterator[tuple[str, str, URLPattern]]:
    """Give every page of ours: its app, its name and its pattern; those of no app first."""
    for entry in get_resolver().url_patterns:
        if isinstance(entry, URLPattern) and entry.name:
            yield "", entry.name, entry
        if isinstance(entry, URLResolver) and entry.app_name in OURS:
            for pattern in entry.url_patterns:
                if isinstance(pattern, URLPattern):
                    yield str(entry.app_name), f"{entry.app_name}:{pattern.name}", pattern


def find_pages(client: Client, given: Candidates) -> tuple[dict[str, list[str]], list[str]]:
    """Return the addresses that show something, by page, and the pages without one."""
    found: dict[str, list[str]] = {}
    faults = []
    for app, name, pattern in list_patterns():
        shown, answers = [], {}
        for path in _list_paths(app, name, pattern, given):
            answers[path] = client.get(path).status_code
            shown += [path] if answers[path] == 200 else []
            if len(shown) == MOST_OF_A_PAGE or (shown and len(answers) > MOST_OF_A_PAGE):
                break
        found[name] = shown
        if not shown and not set(answers.values()) & NOT_SHOWN and ACTION not in pattern.pattern.converters:
            faults.append(f"{name}: nothing to show at {sorted(answers)[:4]}")
    return found, faults


def _list_paths(app: str, name: str, pattern: URLPattern, given: Candidates) -> Iterator[str]:
    """Give addresses of a page with whatever there is of its app."""
    values: list[dict[str, Any]] = [{}]
    for part, converter in pattern.pattern.converters.items():
        column, places = ("pk", [app]) if isinstance(converter, IntConverter) else (part, OURS)
        fitting = given.get(f"{name}.{part}") or given.get(part) or _list_values(name, column, apps_of=places)
        values = [one | {part: value} for one in values for value in fitting]
    for one in values:
        try:
            yield reverse(name, kwargs=one)
        except NoReverseMatch:
            continue


def _list_values(page: str, part: str, *, apps_of: Iterable[str]) -> list[Any]:
    """Return the newest and the first value of each column of this name; first those that a page seems named for."""
    models = [
        model
        for label in sorted(apps_of)
        for model in apps.get_app_config(label).get_models()
        if not is_history(model) and (part == "pk" or part in {one.name for one in model._meta.fields})
    ]
    models.sort(key=lambda model: not _is_named_for(page, model))
    found: list[Any] = []
    for model in models:
        rows = model._base_manager.exclude(**{part: None}).order_by("pk").values_list(part, flat=True)
        found += [one for one in (rows.last(), rows.first()) if one not in (None, "", *found)]
    return found


def _is_named_for(page: str, model: type[Model]) -> bool:
    """Tell whether a page is, by its name, about a model: `flags:site_edit` about a Site, `flags:edit` about a Flag."""
    app, _colon, rest = page.partition(":")
    named = str(model._meta.model_name)
    return named == rest.split("_")[0] or (named == app.removesuffix("s") and not rest.startswith(("site", "segment")))


def list_admin_pages() -> Iterator[str]:
    """Give the admin's pages: each model's list, its newest row, that row's history and the history's newest page."""
    yield from (reverse("admin:index"), reverse("admin:changes"))
    for place, model in enumerate(admin.site._registry):
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{base}_changelist")
        row = model._base_manager.order_by("-pk").first()
        if row is None:
            continue
        yield reverse(f"{base}_change", args=[row.pk])
        if place % HISTORIES == 0 and hasattr(model._meta, "simple_history_manager_attribute"):
            yield reverse(f"{base}_history", args=[row.pk])
            line: Any = getattr(row, model._meta.simple_history_manager_attribute).first()
            if line is not None:
                yield reverse(f"{base}_simple_history", args=[row.pk, line.pk])


def list_api_paths(given: Candidates) -> Iterator[str]:
    """Give every address of the REST API that is read, with whatever there is and all that it demands."""
    for path, methods in write_document()["paths"].items():
        if "get" not in methods or not path.startswith(f"/{PREFIX}"):
            continue
        values: list[dict[str, Any]] = [{}]
        demanded = {}
        for one in methods["get"].get("parameters", ()):
            if one["in"] == "path":
                part = one["name"]
                fitting = given.get(part) or _list_numbers_of(part)
                values = [value | {part: number} for value in values for number in fitting]
            elif one.get("required"):
                demanded[one["name"]] = given[one["name"]][0]
        query = f"?{urlencode(demanded)}" if demanded else ""
        yield from (path.format(**value) + query for value in values)


def _list_numbers_of(part: str) -> list[Any]:
    """Return the newest number of the model that a part is named for: `rollout_id`, a Rollout's."""
    wanted = part.removesuffix("_id").replace("_", "")
    found = [model for model in apps.get_models() if model._meta.app_label in OURS and model._meta.model_name == wanted]
    return [row.pk for model in found if (row := model._base_manager.order_by("-pk").first())]
