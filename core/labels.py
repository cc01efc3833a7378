"""Words for refusals: each app adds its own codes when it is ready."""

from datetime import date

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.actors import ActorKind
from core.errors import Refusal

REFUSALS: dict[str, str | Promise] = {
    "reason_missing": _("Say why: a reason is required."),
    "reason_too_long": _("The reason may have at most %(limit)s characters."),
    "reason_unreadable": _("The reason holds characters that cannot be stored."),
    "export_too_long": _("More than %(limit)s changes fit: choose a shorter time."),
    "database_role_missing": _("PostgreSQL has no role “%(role)s”: create it, or mend DATABASE_URL."),
    "search_too_wide": _("These words stand almost everywhere. Add a rarer one, or narrow by time or site."),
    "input_unreadable": _("What was sent holds characters that cannot be read. Type it anew."),
    "wrong_state": _("That is not possible now (state: %(start)s). Reload the page to see what is."),
    "role_missing": _("Your account has no role yet. Ask an admin of the portal."),
    "capability_missing": _("Your role does not allow this. Ask somebody who has one of these: %(roles)s."),
    "changed_meanwhile": _("Somebody else changed this meanwhile. Nothing was done; look again and repeat."),
    "person_unknown": _("There is no such person."),
    "username_invalid": _("A user name has letters, digits and @ . + - _ only."),
    "username_taken": _("The user name %(username)s is taken."),
    "email_invalid": _("This is not an e-mail address: %(email)s"),
    "language_unknown": _("The portal speaks English and French."),
    "time_zone_unknown": _("There is no time zone %(zone)s."),
    "phone_too_long": _("The phone number may have at most %(limit)s characters."),
    "password_weak": _("Choose another password. %(faults)s"),
    "last_admin": _("This is the last admin: make another one first."),
    "own_account": _("Nobody deactivates their own account."),
    "people_are_deactivated": _("People are deactivated, never deleted: history names them."),
}

#: What becomes of a line of a file (core.domain.difference.Sign), for who hears it read.
LINE_SIGNS: dict[str, str | Promise] = {"added": _("added"), "removed": _("removed")}

#: The roles, by the name of their group.
ROLES: dict[str, str | Promise] = {
    "release manager": _("release manager"),
    "support": _("support"),
    "auditor": _("auditor"),
    "admin": _("admin"),
}

#: The system's own actors, by the label that history keeps; people and commands keep their names.
ACTORS: dict[str, str | Promise] = {
    "scheduler": _("scheduler"),
    "guardrail": _("guardrail"),
    "intake": _("incident intake"),
    "installation": _("installation"),
    "recovery": _("recovery"),
    "courier": _("sender of messages"),
    "pilot": _("pilot cashier, by a link"),
    "volunteer": _("somebody at a site, by its link"),
    "demo": _("demo"),
}


def say_actor(*, kind: str, label: str) -> str:
    """Return who acted, in the language in force: the system's own actors by their words, others by their names."""
    return str(ACTORS.get(label, label)) if kind == ActorKind.SYSTEM else label


def say_refusal(refusal: Refusal) -> str:
    """Return what a refusal means, in the language in force."""
    words = REFUSALS.get(refusal.code)
    if words is None:
        return gettext("Not possible (%(code)s).") % {"code": refusal.code}
    return str(words) % {name: _say_value(name, value) for name, value in refusal.data.items()}


def _say_value(name: str, value: object) -> object:
    # Commands refuse wrong settings in words before anything may read them.
    from core.reasons import VALUES  # noqa: PLC0415  # its words ask for the settings

    if isinstance(value, date):
        return date_format(value, "l j F Y")
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_say_value(name, one)) for one in value)
    return VALUES.get(name, {}).get(str(value), value)
