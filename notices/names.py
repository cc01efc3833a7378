"""What notices and reports of problems are called (core.naming)."""

from django.utils.translation import gettext_lazy as _

from core.naming import Names

NAMES = Names(
    app=_("Notices in the tills"),
    records={
        "Notice": (_("notice in the tills"), _("notices in the tills")),
        "NoticeFlag": (_("flag of a notice"), _("flags of notices")),
        "NoticeSite": (_("site of a notice"), _("sites of notices")),
        "ProblemLink": (_("link for problems"), _("links for problems")),
        "ProblemReport": (_("report of a problem"), _("reports of problems")),
    },
    fields={
        "complaint": _("complaint"),
        "flags": _("flags in force"),
        "hotline": _("hotline"),
        "level": _("level"),
        "link": _("link"),
        "next_update_at": _("next update at"),
        "notice": _("notice"),
        "occurred_at": _("happened at"),
        "origin": _("origin"),
        "received_at": _("received at"),
        "revoked_at": _("revoked at"),
        "source": _("made from"),
        "superseded_by": _("put right by"),
        "taken_away_at": _("taken away at"),
        "targeting_key": _("targeting key"),
        "text_en": _("text in English"),
        "text_fr": _("text in French"),
        "title_en": _("title in English"),
        "title_fr": _("title in French"),
        "written_at": _("written at"),
        "written_by": _("written by"),
    },
)
