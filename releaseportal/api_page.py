"""The OpenAPI document, as JSON and as a page of the portal's own: no script, nothing from elsewhere."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.roles import Capability, can
from flags.lean import LeanRefusal, refuse_unknown
from flags.rest import REFUSED, answer_lean, find_caller, is_with_token
from releaseportal.api import write_document

#: Answers that are the same everywhere: told once, above.
COMMON = frozenset(map(str, REFUSED))
JSON = "application/json"


@dataclass(frozen=True)
class FieldView:
    """A field of a body or a parameter of an address."""

    name: str
    kind: str
    is_required: bool
    about: str


@dataclass(frozen=True)
class OperationView:
    """One address with one method."""

    key: str
    method: str
    path: str
    summary: str
    about: str
    parameters: tuple[FieldView, ...]
    body: tuple[FieldView, ...]
    request: str
    answers: tuple[tuple[str, str], ...]
    reply: str


@require_safe
def show_json(request: HttpRequest) -> HttpResponse:
    """Answer the OpenAPI document to who holds a manage token or is signed in."""
    return _refuse(request) or JsonResponse(write_document())


@require_safe
def show_page(request: HttpRequest) -> HttpResponse:
    """Show the same to people; who brings nothing is led to sign in."""
    if not (request.user.is_authenticated or is_with_token(request)):
        return redirect_to_login(request.get_full_path())
    return _refuse(request) or render(request, "api.html", view_document(write_document()))


def _refuse(request: HttpRequest) -> HttpResponse | None:
    """Return the refusal of whoever may not read, None for who may."""
    try:
        if not can(request.user, Capability.VIEW) and find_caller(request) is None:
            raise refuse_unknown()
    except LeanRefusal as refusal:
        return answer_lean(request, refusal)
    return None


def view_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a document: its operations by their tags."""
    groups: dict[str, list[OperationView]] = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            view = view_operation(document, path=path, method=method, told=told)
            groups.setdefault(told["tags"][0], []).append(view)
    refused = _write(document["components"]["schemas"]["Refused"])
    return {"groups": groups.items(), "about": document["info"]["description"], "refused": refused}


def view_operation(document: Mapping[str, Any], *, path: str, method: str, told: Mapping[str, Any]) -> OperationView:
    """Return one operation of a document with the schemas it refers to."""
    content = told.get("requestBody", {}).get("content", {}).get(JSON, {})
    body = _resolve(document, _schema_of(told.get("requestBody", {})))
    answers = tuple((status, said["description"]) for status, said in told["responses"].items() if status not in COMMON)
    said = [_resolve(document, _schema_of(told["responses"][status])) for status, _words in answers]
    given = [one["value"] for one in content.get("examples", {}).values()]
    return OperationView(
        key=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        about=_say(told.get("description", "")),
        parameters=tuple(_view_parameter(one) for one in told.get("parameters", [])),
        body=tuple(_list_fields(document, body)),
        request=_write(body, given),
        answers=answers,
        reply=next(filter(None, map(_write, said)), ""),
    )


def _view_parameter(one: Mapping[str, Any]) -> FieldView:
    about = one.get("description") or one["schema"].get("description", "")
    return FieldView(one["name"], _say_kind(one["schema"]), one.get("required", False), _say(about))


def _list_fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[FieldView]:
    required = schema.get("required", ())
    for name, told in schema.get("properties", {}).items():
        yield FieldView(name, _say_kind(_resolve(document, told)), name in required, _say(told.get("description", "")))


def _resolve(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema, or the one that it refers to."""
    reference = schema.get("$ref", "")
    if not reference:
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"][reference.rpartition("/")[2]]
    return found


def _say_kind(schema: Mapping[str, Any]) -> str:
    """Return a schema's type in a word or two, as OpenAPI names it."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_say_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"[{_say_kind(schema['items'])}]"
    return str(schema.get("format") or schema.get("type") or "object")


def _schema_of(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a body or an answer, empty where there is none."""
    schema: Mapping[str, Any] = told.get("content", {}).get(JSON, {}).get("schema", {})
    return schema


def _say(text: str) -> str:
    """Return a description without the marks of code that the document's readers know."""
    return text.replace("`", "")


def _write(schema: Mapping[str, Any], others: Sequence[Any] = ()) -> str:
    """Return a schema's first example, or the first of others, its fields in the schema's order; empty without one."""
    examples = [*schema.get("examples", ()), *others]
    if not examples:
        return ""
    order = list(schema.get("properties", ()))
    fields = sorted(examples[0].items(), key=lambda field: order.index(field[0]) if field[0] in order else len(order))
    return json.dumps(dict(fields), indent=2, ensure_ascii=False)
