"""Who may do what: roles are Django groups, capabilities are what views and buttons ask for."""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase

from core.errors import NotAllowed

if TYPE_CHECKING:
    from core.models import User

View = Callable[..., HttpResponseBase]


class Role(StrEnum):
    """The value is the name of the Django group."""

    RELEASE_MANAGER = "release manager"
    SUPPORT = "support"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Capability(StrEnum):
    VIEW = "view"
    DRIVE_ROLLOUTS = "drive_rollouts"
    APPROVE_ROLLOUTS = "approve_rollouts"
    SWITCH_FLAGS = "switch_flags"
    EDIT_FLAGS = "edit_flags"
    MANAGE_ENVIRONMENTS = "manage_environments"
    MANAGE_TOKENS = "manage_tokens"
    LOG_COMPLAINTS = "log_complaints"
    HANDLE_INCIDENTS = "handle_incidents"
    READ_ADMIN = "read_admin"
    MANAGE_PEOPLE = "manage_people"
    OPERATE_TARGETS = "operate_targets"
    MANAGE_TARGETS = "manage_targets"
    DRAFT_ANNOUNCEMENTS = "draft_announcements"
    PUBLISH_ANNOUNCEMENTS = "publish_announcements"


_C = Capability
CAPABILITIES: dict[Role, frozenset[Capability]] = {
    Role.RELEASE_MANAGER: frozenset(
        {
            _C.VIEW,
            _C.DRIVE_ROLLOUTS,
            _C.APPROVE_ROLLOUTS,
            _C.SWITCH_FLAGS,
            _C.EDIT_FLAGS,
            _C.LOG_COMPLAINTS,
            _C.HANDLE_INCIDENTS,
            _C.OPERATE_TARGETS,
            _C.DRAFT_ANNOUNCEMENTS,
            _C.PUBLISH_ANNOUNCEMENTS,
        }
    ),
    Role.SUPPORT: frozenset({_C.VIEW, _C.LOG_COMPLAINTS, _C.HANDLE_INCIDENTS, _C.DRAFT_ANNOUNCEMENTS}),
    Role.AUDITOR: frozenset({_C.VIEW, _C.READ_ADMIN}),
    Role.ADMIN: frozenset(Capability),
}


def capabilities_of(roles: set[Role]) -> frozenset[Capability]:
    """Return what people with these roles may do, all taken together."""
    return frozenset[Capability]().union(*(CAPABILITIES[role] for role in roles))


def can(user: Any, capability: Capability) -> bool:
    """Tell whether a request's user, signed in or not, holds a capability."""
    return bool(user.is_authenticated) and user.is_active and capability in user.capabilities


def check_can(user: "User", capability: Capability) -> None:
    """Refuse a person without the capability, naming the roles that hold it; without any role only an admin helps."""
    if can(user, capability):
        return
    if capability is Capability.VIEW:
        raise NotAllowed("role_missing")
    roles = [str(role) for role in Role if capability in CAPABILITIES[role]]
    raise NotAllowed("capability_missing", capability=str(capability), roles=roles)


def requires(capability: Capability) -> Callable[[View], View]:
    """Return a decorator: sign-in page for strangers, 403 for people without the capability."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            check_can(request.user, capability)  # type: ignore[arg-type]  # login_required stands before
            return view(request, *args, **kwargs)

        guard: View = login_required(guarded)
        guard.capability = capability  # type: ignore[attr-defined]  # read by the URL x role matrix test
        return guard

    return decorate
