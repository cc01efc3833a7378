"""How programs are refused: one JSON shape, whatever stands in their way. Addresses of theirs begin with /api/."""

from collections.abc import Mapping
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation

from core.errors import Refusal
from core.labels import say_refusal

PREFIX = "/api/"
BODY_LIMIT_BYTES = 65_536
#: What a status says where nothing of ours said more.
CODES: dict[int, tuple[str, str]] = {
    400: ("BAD_REQUEST", "The request cannot be read."),
    403: ("FORBIDDEN", "This is not allowed."),
    404: ("NOT_FOUND", "There is nothing at this address."),
    405: ("METHOD_NOT_ALLOWED", "This address takes other methods: see Allow."),
    413: ("PAYLOAD_TOO_LARGE", f"The body may have at most {BODY_LIMIT_BYTES} bytes."),
    503: ("GENERAL", "The portal cannot answer now; try again."),
}
FAULT = ("GENERAL", "The portal failed; try again.")


def is_of_programs(request: HttpRequest) -> bool:
    """Tell whether a request is for an address of programs: what it is told is JSON."""
    return request.path_info.startswith(PREFIX)


def refuse(
    *, status: int, code: str = "", details: str = "", headers: Mapping[str, str] | None = None, **more: object
) -> JsonResponse:
    """Return a refusal as contracts §3 writes it: `errorCode` and `errorDetails`; without a code, the status's own."""
    if not code:
        code, details = CODES.get(status, FAULT if status >= HTTPStatus.INTERNAL_SERVER_ERROR else CODES[400])
    return JsonResponse({"errorCode": code, "errorDetails": details, **more}, status=status, headers=headers)


def answer_refusal(refusal: Refusal) -> JsonResponse:
    """Return a refusal's code with its words in English, for a developer, and the codes of all that is missing."""
    more = {"gaps": refusal.data["gaps"]} if "gaps" in refusal.data else {}
    with translation.override("en"):
        return refuse(status=refusal.status, code=refusal.code, details=say_refusal(refusal), **more)


def is_too_large(request: HttpRequest) -> bool:
    """Tell whether the body is longer than any that programs send here."""
    declared = str(request.META.get("CONTENT_LENGTH") or "")
    return declared.isdigit() and int(declared) > BODY_LIMIT_BYTES


def as_json(answer: HttpResponse) -> HttpResponse:
    """Return an answer, where it is a refusal made for people, as one for programs, with its `Allow`."""
    if answer.status_code < HTTPStatus.BAD_REQUEST or answer.get("Content-Type", "").startswith("application/json"):
        return answer
    kept = {name: answer[name] for name in ("Allow",) if name in answer}
    return refuse(status=answer.status_code, headers=kept)
