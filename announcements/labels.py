"""Words of announcements."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext

Table = Mapping[str, str | Promise]

KINDS: dict[str, str | Promise] = {
    "release_planned": _("Release planned"),
    "phase_begins": _("A stage begins"),
    "rollout_held": _("Rollout on hold"),
    "rollback_begun": _("Rollback under way"),
    "rollback_done": _("Rollback done"),
    "incident_investigating": _("Incident: we are looking into it"),
    "incident_identified": _("Incident: we know why"),
    "incident_monitoring": _("Incident: it works again, we keep watching"),
    "incident_resolved": _("Incident: it is over"),
    "maintenance_planned": _("Maintenance planned"),
    "maintenance_begun": _("Maintenance begins"),
    "maintenance_ended": _("Maintenance over"),
    "all_clear": _("All clear"),
    "free": _("Free text"),
}

STATUSES: dict[str, str | Promise] = {
    "draft": _("draft"),
    "scheduled": _("scheduled"),
    "publishing": _("going out"),
    "published": _("published"),
    "corrected": _("corrected"),
    "withdrawn": _("withdrawn"),
}
SIGNS: dict[str, str] = {
    "draft": "○",
    "scheduled": "◷",
    "publishing": "▶",
    "published": "✓",
    "corrected": "✎",
    "withdrawn": "↩",
}
TONES: dict[str, str] = {
    "draft": "plain",
    "scheduled": "warn",
    "publishing": "",
    "published": "ok",
    "corrected": "ok",
    "withdrawn": "plain",
}

ACTS: dict[str, str | Promise] = {
    "first": _("said"),
    "correction": _("put right"),
    "withdrawal": _("taken back"),
}

PLACES: dict[str, str | Promise] = {
    "everywhere": _("Every site"),
    "sites": _("These sites"),
    "flag": _("Sites where a flag is on, or was within two weeks"),
    "nowhere": _("No site: people of the portal alone"),
}

RUN_STATES: dict[str, str | Promise] = {
    "pending": _("waits"),
    "done": _("said"),
    "failed": _("did not take it"),
    "dropped": _("taken back before it was said"),
}
RUN_SIGNS: dict[str, str] = {"pending": "▶", "done": "✓", "failed": "▲", "dropped": "↩"}
RUN_TONES: dict[str, str] = {"pending": "", "done": "ok", "failed": "bad", "dropped": "plain"}

LANGUAGES: dict[str, str | Promise] = {"fr": _("French"), "en": _("English")}

#: What each place of a text stands for.
PLACEHOLDERS: dict[str, str | Promise] = {
    "release": _("Version of the release"),
    "release_name": _("Name of the release"),
    "environment": _("Name of the environment"),
    "flags": _("Names of the release’s features"),
    "phase": _("Phase that runs"),
    "next_phase": _("Phase after it"),
    "sites": _("Names of the sites, where not all are meant"),
    "incident": _("Number of the incident"),
    "incident_title": _("Title of the incident"),
    "since": _("When the incident was detected"),
    "starts": _("Beginning of the window, else of the rollout"),
    "ends": _("End of the window"),
    "hotline": _("Number of the hotline"),
    "hotline_hours": _("When somebody answers there"),
    "next_update": _("When the next update is promised"),
    "now": _("Moment at which it is said"),
}

DONE: dict[str, str | Promise] = {
    "saved": _("The draft is kept."),
    "published": _("It is on its way."),
    "scheduled": _("It goes out at its time."),
    "unschedule": _("It is a draft again."),
    "withdraw": _("It is taken back."),
    "corrected": _("The correction is on its way to everybody who was told."),
    "again": _("It is tried again."),
    "template": _("New announcements of this kind begin with these words."),
    "hotline": _("The hotline is set."),
}

REASONS: dict[str, str] = {
    "announcement_drafted": gettext_noop("Draft written"),
    "announcement_edited": gettext_noop("Draft changed"),
    "announcement_due": gettext_noop("Its time has come"),
    "announcement_out": gettext_noop("Each outlet has said it or given up"),
    "announcement_refused": gettext_noop("It could not be said at its time: %(refusal)s"),
    "announced": gettext_noop("Announcement %(number)s"),
    "built_in_words": gettext_noop("Words that come with the portal"),
}
#: Why something scheduled could not be said, as history keeps it by code.
REFUSED_AT_TIME: dict[str, str | Promise] = {
    "incident_closed": _("the incident is closed"),
    "incident_merged": _("the incident is one with another"),
    "word_too_early": _("the restoration is not verified"),
    "promise_wrong": _("the next update is promised too late"),
    "announcement_for_nobody": _("nobody is left to read it"),
    "announcement_promise_past": _("the promised update is over already"),
    "announcement_hint_left": _("its text was never written"),
    "outlet_unknown": _("one of its outlets is gone"),
    "placeholder_empty": _("a place of its title has no value any more"),
}

REFUSALS: dict[str, str | Promise] = {
    "announcement_unknown": _("There is no such announcement."),
    "announcement_id_reused": _("Another wish was made under the name %(request)s. Give this one a name of its own."),
    "announcement_no_draft": _(
        "Only a draft is changed. What is scheduled is made a draft again; what is said, put right."
    ),
    "announcement_too_long": _("At most %(limit)s characters fit here."),
    "announcement_moment_wrong": _("Choose a moment between %(first)s and %(last)s."),
    "announcement_ends_before": _("The end lies before the beginning."),
    "announcement_rollout_wrong": _("There is no such rollout in this environment."),
    "announcement_incident_wrong": _("There is no such incident in this environment."),
    "announcement_follows_wrong": _("There is no such announcement in this environment."),
    "announcement_role_unknown": _("There is no such role."),
    "announcement_site_unknown": _("One of the sites is not there."),
    "announcement_flag_missing": _("Choose the flag whose sites are meant."),
    "announcement_without_words": _("Write a title and a text in at least one language."),
    "announcement_half_said": _("Title and text belong together: one of them is missing (%(language)s)."),
    "announcement_hint_left": _("The text still says “write here”: write what people need to know (%(language)s)."),
    "announcement_in_one_language": _("Say why it is in one language only, or write the other one."),
    "announcement_without_outlet": _("Choose by which outlets it is said."),
    "announcement_without_rollout": _("Choose the rollout that this kind speaks of."),
    "announcement_without_incident": _("Choose the incident that this kind speaks of."),
    "announcement_without_window": _("Say when the maintenance begins."),
    "announcement_promise_past": _("The next update has to be promised for later than the announcement."),
    "announcement_at_no_site": _("Tills and their users are at sites: choose sites, or leave this outlet out."),
    "announcement_for_nobody": _("Nobody would read it: choose roles, sites or another outlet."),
    "announcement_of_exercise": _("It is about an exercise: nothing of one reaches the public (%(outlet)s)."),
    "announcement_unconfirmed": _(
        "%(readers)s people and tills read it now: confirm this very number. It may have changed since you looked."
    ),
    "announcement_said_already": _("It is said already. Put it right, or say more in another one."),
    "announcement_under_way": _("It is just going out. Wait a moment, then put it right."),
    "announcement_not_said": _("It was not said, or was taken back: nothing is to be put right."),
    "announcement_note_missing": _("Say to those who read it what was wrong, in at least one language."),
    "announcement_time_wrong": _("Choose a moment ahead, within %(days)s days."),
    "placeholder_unknown": _("{%(name)s} stands for nothing. The list below says what there is."),
    "placeholder_empty": _("{%(name)s} in the title has no value here. Choose what it is about, or take it out."),
    "outlet_unknown": _("There is no outlet “%(outlet)s”."),
    "outlet_unfit": _("“%(outlet)s” does not take an announcement of this kind."),
    "outlet_run_unknown": _("There is nothing to try again."),
    "outlet_not_failed": _("It is not this outlet’s turn to be tried again: reload the page."),
    "template_in_both": _("A template has a title and a text in both languages."),
    "hotline_no_number": _("A number has digits, spaces and + ( ) . - / only."),
}


def say_readers(count: int) -> str:
    """Return e.g. "37 people and tills"."""
    return ngettext("%(n)s person or till", "%(n)s people and tills", count) % {"n": count}
