"""Events in words: who asks for which kinds, and what an event's facts are called; in the reader's language."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_noop, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from core.program import manage
from core.reasons import say_reason
from core.templatetags.portal import dated, moment, span
from notifications.flag_names import NAMES, name_flags
from notifications.words import NEXT, UNKNOWN, WORDS

if TYPE_CHECKING:
    from notifications.models import Event

REFUSALS: dict[str, str | Promise] = {
    "test_of_another": _("Whoever asked for this test answers it, since it went to their mailbox."),
    "delivery_unknown": _("There is no such mail."),
    "delivery_under_way": _("This mail was sent or waits to be sent. Reload the page to see."),
    "endpoint_unknown": _("There is no such channel."),
    "endpoint_off": _("%(name)s is switched off. Switch it on first."),
    "endpoint_kind_unknown": _("Choose one of the kinds of channels."),
    "endpoint_nameless": _("Give the channel a name."),
    "endpoint_name_taken": _("Another channel is called %(name)s."),
    "endpoint_hours_half": _("Say both from when and until when, or neither."),
    "endpoint_pace_wrong": _("Between 1 and %(most)s messages a minute."),
    "endpoint_wishes_unknown": _("Something chosen here does not exist (any more). Choose again."),
    "endpoint_address_wrong": _("This is no web address. Paste the whole of it, beginning with https://"),
    "endpoint_unsigned": _("Only signed webhooks have a secret."),
    "apprise_missing": _("SMS and others need the extra “apprise”: pip install apprise beside the portal."),
    "apprise_address_wrong": _("No allowed service has such an address. What is allowed stands in APPRISE_SCHEMES."),
    "contact_address_wrong": _("This address cannot be written to."),
    "contact_unknown": _("There is no such subscription."),
    "contact_ended": _("This subscription was ended. Subscribe again where you did before."),
    "broadcast_broken_off": _("This broadcast was broken off: what it had not sent stays so."),
    "broadcast_for_nobody": _("Nobody would get it. Add users of the tills first."),
    "broadcast_unknown": _("There is no such broadcast."),
    "users_none": _("There is no address in this list."),
    "users_too_many": _("At most %(most)s addresses at once. Split the list."),
    "users_column_unknown": _("There is no column “%(column)s”: email, language and sites are known."),
    "users_address_wrong": _("Line %(line)s: this is no e-mail address. Nothing was added."),
    "users_language_wrong": _("Line %(line)s: the language is fr or en. Nothing was added."),
    "users_site_unknown": _("Line %(line)s: there is no site “%(site)s”. Nothing was added."),
    "trial_unknown": _("There is no such test."),
    "trial_answered": _("This test was answered already. Send another."),
    "trial_guessed": _("Too many wrong codes. Send another test."),
    "digest_days_wrong": _("Choose at least one day of the week for the digest, or switch it off."),
    "digest_hour_wrong": _("The digest comes at a full hour from %(earliest)s to %(latest)s."),
    "message_group_unknown": _("There are no such messages."),
    "reader_unreachable": _("%(reader)s is inactive or has no address. Mend the account first."),
}
#: What the portal writes to history on its own (core.reasons).
REASONS: dict[str, str] = {
    "personal_settings_chosen": gettext_noop("Personal settings chosen"),
    "endpoint_gave_out": gettext_noop("The channel takes no messages any more"),
}

#: What kinds of messages belong together: in filters, personal settings and channels' wishes, which keep the keys.
GROUPS: Mapping[str, tuple[str | Promise, frozenset[str]]] = {
    "rollbacks": (
        _("Rollbacks and holds"),
        frozenset({"flag_rolled_back", "site_rolled_back", "phase_rolled_back", "rollout_rolled_back", "rollout_held"}),
    ),
    "progress": (
        _("Progress"),
        frozenset(
            {
                "step_done",
                "step_due_soon",
                "phase_started",
                "daily_summary",
                "rollout_completed",
                "rollout_paused",
                "rollout_resumed",
                "promoted_early",
                "approval_requested",
                "plan_approved",
                "plan_rejected",
            }
        ),
    ),
    "incidents": (
        _("Incidents and complaints"),
        frozenset(
            {
                "incident_opened",
                "incident_raised",
                "incident_half",
                "incident_short",
                "incident_missed",
                "incident_overdue",
                "incident_reopened",
                "incident_deadline",
                "incident_word",
                "incident_word_due",
                "calls_due",
                "incident_command_given",
                "incident_communications_given",
                "source_intake_failed",
                "intake_failed",
                "measure_due",
                "measure_to_verify",
                "measure_rejected",
                "post_mortem_review",
                "post_mortem_sent_back",
                "post_mortem_due",
                "complaint_limit_reached",
                "pilots_complain",
                "investigation_overdue",
                "guardrail_investigate",
                "guardrail_overdue",
                "complaints_investigate",
            }
        ),
    ),
    "flags": (_("Flags"), frozenset({"flag_removable"})),
    "recovery": (
        _("Recovery"),
        frozenset(
            {
                "target_rollback_waits",
                "target_rollback_failed",
                "target_rolled_back",
                "target_rollback_aborted",
                "deployed",
                "deployment_failed",
                "drill_failed",
                "drill_missed",
                "rollback_watched",
            }
        ),
    ),
    "announcements": (
        _("Announcements"),
        frozenset(
            {
                "announcement",
                "announcement_corrected",
                "announcement_withdrawn",
                "announcement_update_due",
                "announcement_failed",
                "announcement_given_back",
            }
        ),
    ),
    "reminders": (_("What is due"), frozenset({"daily_digest"})),
    "portal": (
        _("The portal itself"),
        frozenset(
            {
                "delivery_failed",
                "channel_broken",
                "channel_test",
                "status_update",
                "subscription_confirm",
                "history_head",
                "source_silent",
                "source_back",
            }
        ),
    ),
}


def find_group(kind: str) -> str:
    """Return the group of a kind, empty for one that is in none."""
    return next((group for group, (_words, kinds) in GROUPS.items() if kind in kinds), "")


#: What a mail names in rows below its text, in this order.
FACTS: Mapping[str, str | Promise] = {
    "environment": _("Environment"),
    "release": _("Release"),
    "flags": _("Flags"),
    "flag": _("Flag"),
    "tier": _("Tier"),
    "deadline": _("Deadline"),
    "due": _("Due"),
    "reason": _("Reason"),
    "hotline": _("Hotline"),
    "next_update": _("Next update by"),
}

#: Values that are codes, by their name.
CODES: Mapping[str, Mapping[str, str | Promise]] = {
    "tier": {"critical": _("critical"), "important": _("important"), "minor": _("minor")},
    "phase": {
        "internal": _("Internal"),
        "pilot": _("Pilot"),
        "per_site": _("One site a day"),
        "percentage": _("A growing share"),
        "full": _("Everyone"),
    },
    "audience": {"everyone": _("everyone")},
    "owner": {"": _("nobody is named")},
    "person": {"": _("nobody yet")},
}
#: Values with a unit, by their name: moments, civil days, seconds.
SAYERS: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(("deadline", "due", "next_update"), lambda value: moment(datetime.fromisoformat(str(value)))),
    **dict.fromkeys(("due_on", "day", "month"), lambda value: dated(date.fromisoformat(str(value)))),
    **dict.fromkeys(("left", "late"), lambda value: span(timedelta(seconds=int(value)))),
}


#: What is the message itself: its lines are its own.
WHOLE = frozenset({"announced_title", "announced_text", "announced_note"})
#: Marks of words that are there in another language than the reader's alone.
MARKS: Mapping[str, str | Promise] = {"fr": _("[in French] %(words)s"), "en": _("[in English] %(words)s")}


class _Data(dict[str, Any]):
    """What an event holds, in words; "—" for what it lacks."""

    def __missing__(self, key: str) -> str:
        return "—"


def say_subject(event: "Event") -> str:
    """Return the subject, one line, in the language in force; a rehearsal's says so first."""
    words = " ".join((str(WORDS.get(event.kind, UNKNOWN).subject) % _speak(event)).split())
    return gettext("Rehearsal: %(subject)s") % {"subject": words} if event.data.get("is_rehearsal") else words


def say_body(event: "Event") -> str:
    """Return the body in the language in force."""
    return str(WORDS.get(event.kind, UNKNOWN).body) % _speak(event)


def say_next(event: "Event") -> str:
    """Return what happens next, empty where the body says it."""
    return str(NEXT.get(event.kind, ""))


def list_facts(event: "Event") -> list[tuple[str, str]]:
    """Return what a mail names in rows: the label and the value, of those that the event holds."""
    spoken = _speak(event, with_keys=True)
    return [(str(label), str(spoken[name])) for name, label in FACTS.items() if spoken.get(name)]


def _speak(event: "Event", *, with_keys: bool = False) -> _Data:
    names = event.data.get(NAMES, {})
    named = {
        field: name_flags(field, value, names, with_keys=with_keys)
        for field, value in event.data.items()
        if field != NAMES
    }
    spoken = _Data({field: _say_value(field, value) for field, value in named.items()})
    if "reason" in event.data:
        spoken["reason"] = say_reason(str(event.data["reason"]))
    spoken["kind"], spoken["manage"] = event.kind, manage()
    spoken["what"] = _say_flags(named.get("flags"))
    spoken["feedback"] = _say_feedback(event.data)
    spoken.setdefault("page", gettext("Status page"))
    for name in ("passing", "open"):
        spoken.setdefault(name, pgettext("guardrails", "none"))
    people_said = {name: value for name, value in spoken.items() if isinstance(value, str) and name not in WHOLE}
    spoken.update({name: _set_in(value) for name, value in people_said.items()})
    return spoken


def _set_in(words: str) -> str:
    """Return people's words with their further lines set in: none of them looks like a line of the mail's own."""
    return "\n    ".join(words.splitlines())


def _choose(words: Mapping[str, str]) -> str:
    """Return words by language in the reader's, else in the other one, marked as such."""
    language = (get_language() or "en").partition("-")[0]
    if words.get(language):
        return words[language]
    other = next((name for name, text in words.items() if text), "")
    return mark_language(words[other], other) if other in MARKS else ""


def mark_language(words: str, language: str) -> str:
    """Return words of another language than the reader's, marked as such in the language in force."""
    return str(MARKS[language]) % {"words": words}


def _say_flags(flags: Any) -> str:
    """Return one flag by its name, several by their number: a subject is one short line."""
    names = flags if isinstance(flags, list) else []
    return str(names[0]) if len(names) == 1 else ngettext("%(n)s flag", "%(n)s flags", len(names)) % {"n": len(names)}


def _say_feedback(data: Mapping[str, Any]) -> str:
    """Return how pilots rate what they have, from how many of them."""
    rating, pilots = data.get("rating"), data.get("pilots", 0)
    if rating is None:
        return gettext("no feedback")
    words = ngettext("%(rating)s of 5 from %(pilots)s person", "%(rating)s of 5 from %(pilots)s people", pilots)
    return words % {"rating": number_format(rating, 1), "pilots": pilots}


def _say_value(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _choose(value)
    if isinstance(value, float):
        return number_format(value, 1)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    try:
        if name in SAYERS:
            return SAYERS[name](value)
    except ValueError:
        return value
    return CODES.get(name, {}).get(str(value), value)
