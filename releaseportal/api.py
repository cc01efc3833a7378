"""The REST API put together: its routes, who may call them, and its OpenAPI document."""

import json
from functools import cache
from typing import Any

from django.conf import settings
from ninja import NinjaAPI

from announcements.api import router as announcement_router
from flags.api import DOCUMENT
from flags.rest import REFUSED, ManageToken, StrictParser, install_refusals
from health.api import router as health_router
from health.guardrail_api import router as guardrail_router
from incidents.api import router as incident_router
from incidents.call_back_api import router as call_back_router
from incidents.post_mortem_api import router as post_mortem_router
from incidents.report_api import router as incident_report_router
from incidents.search_api import router as search_router
from notices.api import router as notice_router
from rollouts.api.driving_routes import router as driving_router
from rollouts.api.guardrail_routes import router as phase_router
from rollouts.api.investigation_routes import router as investigation_router
from rollouts.api.release_routes import router as release_router
from rollouts.api.report_routes import router as report_router
from rollouts.api.risk_routes import router as risk_router
from rollouts.api.rollout_routes import router as rollout_router

PREFIX = "api/v1/"
DESCRIPTION = (
    "For CI and scripts, with a manage token. A token belongs to one environment and touches no other; releases are "
    "the same in all. A write takes a reason, which history keeps beside the token's name. Lists come in pages: next "
    "is the cursor of the page after. A refusal has a stable errorCode. An approval is a person's: no token gives one."
)

api = NinjaAPI(
    title="Release Portal",
    version="1",
    description=DESCRIPTION,
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
    auth=ManageToken(),
    parser=StrictParser(),
    servers=[{"url": settings.PUBLIC_URL}],
)
install_refusals(api)
for _router in (
    release_router,
    rollout_router,
    driving_router,
    report_router,
    phase_router,
    guardrail_router,
    investigation_router,
    risk_router,
    health_router,
    incident_report_router,
    incident_router,
    post_mortem_router,
    call_back_router,
    search_router,
    announcement_router,
    notice_router,
):
    api.add_router("", _router)


@cache
def write_document() -> dict[str, Any]:
    """Return the OpenAPI document of every address under /api/v1, that of the lean route as well."""
    document: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=PREFIX)))
    guarded = next(iter(document["paths"].values()))
    example = next(iter(guarded.values()))
    refusals = {status: said for status, said in example["responses"].items() if int(status) in REFUSED}
    for path, methods in DOCUMENT.items():
        document["paths"][path] = {
            name: told | {"security": example["security"], "responses": refusals | told["responses"]}
            for name, told in methods.items()
        }
    return document
