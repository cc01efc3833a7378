"""Words of notices and of problems that come from the tills."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

REFUSALS: dict[str, str | Promise] = {
    "notice_unknown": _("There is no such notice."),
    "notice_level_unknown": _("Choose how loud it is from the list."),
    "notice_unsaid": _("Say it in French, in English or in both."),
    "notice_half_said": _("Each language has a title and a text, or neither."),
    "notice_title_too_long": _("A title has at most %(limit)s characters: it is read between two customers."),
    "notice_text_too_long": _("The text may have at most %(limit)s characters."),
    "notice_unreadable": _("The notice holds characters that cannot be stored."),
    "notice_hotline_wrong": _("A number has digits, spaces and + ( ) . - only, at most %(limit)s characters."),
    "notice_moment_wrong": _("Days here are of the years %(first)s to %(last)s."),
    "notice_ends_early": _("It would end before it begins, or has ended already."),
    "notice_promise_wrong": _("The next update must lie ahead, after the notice begins and before it ends."),
    "notice_sites_wrong": _("Choose each site once, from the list."),
    "notice_flags_wrong": _("Choose each flag once, from the list."),
    "notice_source_too_long": _("The source may have at most %(limit)s characters."),
    "notice_source_shown": _("A notice of this source stands with other words: put that one right."),
    "notice_is_over": _("It is no longer shown: write a new one."),
    "problem_too_often": _("Too many at once from here. What you wrote is kept: send it again in %(seconds)s s."),
    "problem_link_unknown": _("There is no such link (any more)."),
    "problem_link_exists": _("This site has a link in this environment already."),
}

#: What is written to history on its own (core.reasons).
REASONS: dict[str, str] = {
    "problem_link_made": gettext_noop("A link for problems at this site"),
}

LEVELS: dict[str, str | Promise] = {
    "info": _("information"),
    "warning": _("warning"),
    "urgent": _("urgent"),
}

#: How they stand on pages, each with its sign.
LEVEL_SIGNS: dict[str, str] = {"info": "ℹ", "warning": "◆", "urgent": "▲"}

LEVEL_TONES: dict[str, str] = {"info": "plain", "warning": "warn", "urgent": "bad"}

STANDINGS: dict[str, str | Promise] = {
    "current": _("● in the tills now"),
    "scheduled": _("◷ to come"),
    "past": _("■ over"),
    "corrected": _("✎ put right by another"),
    "taken_away": _("✕ taken away"),
}

STANDING_TONES: dict[str, str] = {
    "current": "ok",
    "scheduled": "plain",
    "past": "plain",
    "corrected": "plain",
    "taken_away": "plain",
}

ORIGINS: dict[str, str | Promise] = {
    "till": _("written at the till"),
    "link": _("written by the site’s link"),
}

DONE: dict[str, str | Promise] = {
    "show": _("It stands in the tills within a second or two."),
    "schedule": _("It will stand in the tills from its moment on."),
    "correct": _("Put right: the tills show the new words."),
    "take_away": _("Taken away: the tills show it no more."),
    "make_link": _("The link is open."),
    "revoke_link": _("Revoked: what is printed leads nowhere any more."),
}
