"""The published JSON schemas of files, for editors and validators: nothing secret, so for everybody."""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core.domain.documents import Format
from core.filing import find_schema_url
from flags.domain.flag_file import FORMAT as FLAG
from rollouts.domain.template_file import FORMAT as PLAN_TEMPLATE

FORMATS: dict[str, Format[Any]] = {one.schema_name: one for one in (PLAN_TEMPLATE, FLAG)}
MAX_AGE_SECONDS = 3_600


@require_safe
def show_schema(request: HttpRequest, name: str) -> HttpResponse:
    """Answer a schema to anybody, also to scripts of other pages."""
    kind = FORMATS.get(name)
    if kind is None:
        raise Http404
    body = json.dumps(kind.write_schema(url=find_schema_url(kind)), indent=2, ensure_ascii=False)
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": f"public, max-age={MAX_AGE_SECONDS}"}
    return HttpResponse(body, content_type="application/schema+json", headers=headers)
