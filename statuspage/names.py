"""What the records of the status page are called (core.naming)."""

from django.utils.translation import gettext_lazy as _

from core.naming import Names

NAMES = Names(
    app=_("Status page"),
    records={
        "StatusPage": (_("public status page"), _("public status pages")),
        "PublicEnvironment": (_("what is public of an environment"), _("what is public of environments")),
        "Component": (_("public component"), _("public components")),
        "CopiedFile": (_("file of the static copy"), _("files of the static copy")),
        "CopyState": (_("state of the static copy"), _("states of the static copy")),
    },
    fields={
        "changed_at": _("changed at"),
        "checked_at": _("written or compared at"),
        "counted_from": _("counted from"),
        "description_en": _("description in English"),
        "description_fr": _("description in French"),
        "digest": _("digest"),
        "failures": _("failures in a row"),
        "flag_keys": _("flag keys"),
        "hotline": _("support hotline"),
        "is_public": _("public"),
        "is_shown": _("shown"),
        "leased_until": _("leased until"),
        "lists_unspoken": _("what nobody spoke of is listed"),
        "name_en": _("name in English"),
        "name_fr": _("name in French"),
        "next_attempt_at": _("next attempt at"),
        "path": _("path"),
        "place": _("where to"),
        "position": _("position"),
        "shows_maintenance": _("maintenance is shown"),
        "shows_rollouts": _("rollouts are shown"),
        "target": _("target"),
        "written_at": _("written at"),
    },
)
