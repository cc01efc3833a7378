"""The words of each kind of event: subject and body, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from core.program import manage
from core.reasons import say_reason
from core.templatetags.portal import moment

if TYPE_CHECKING:
    from notifications.models import Event


@dataclass(frozen=True)
class Words:
    subject: str | Promise
    body: str | Promise


WORDS: Mapping[str, Words] = {
    "flag_rolled_back": Words(
        _("%(flags)s rolled back in %(environment)s"),
        _("%(flags)s is off for everyone in %(environment)s (release %(release)s). Why: %(reason)s"),
    ),
    "site_rolled_back": Words(
        _("%(audience)s taken back in %(environment)s"),
        _("%(flags)s is off at %(audience)s (release %(release)s); the rollout is held. Why: %(reason)s"),
    ),
    "phase_rolled_back": Words(
        _("Phase %(phase)s taken back in %(environment)s"),
        _("What it gave of %(flags)s is off again (release %(release)s); the rollout is held. Why: %(reason)s"),
    ),
    "promoted_early": Words(
        _("Release %(release)s in %(environment)s: phase %(phase)s begins early"), _("Why: %(reason)s")
    ),
    "rollout_rolled_back": Words(
        _("Release %(release)s rolled back in %(environment)s"),
        _("Every flag of release %(release)s is off in %(environment)s: %(flags)s. Why: %(reason)s"),
    ),
    "rollout_held": Words(
        _("Release %(release)s held in %(environment)s"),
        _("No step is done until a person resumes. Why: %(reason)s"),
    ),
    "step_done": Words(
        _("%(what)s on for %(audience)s in %(environment)s"), _("Release %(release)s, phase %(phase)s.")
    ),
    "phase_started": Words(
        _("Release %(release)s in %(environment)s: phase %(phase)s began"),
        _("Every step is on the rollout's page."),
    ),
    "rollout_completed": Words(
        _("Release %(release)s is out in %(environment)s"), _("Every step is done; everyone has it.")
    ),
    "rollback_watched": Words(
        _("After the rollback in %(environment)s: %(before)s → %(after)s errors per hundred requests"),
        _("Its watch is over. Look at what is still open on its page, and whether it helped."),
    ),
    "target_rollback_waits": Words(
        _("The rollback of %(target)s in %(environment)s waits for an answer"),
        _("%(rows)s rows that were written since would be lost: say whether they may. To be done by %(deadline)s."),
    ),
    "target_rollback_failed": Words(
        _("The rollback of %(target)s in %(environment)s stands still"),
        _("A step failed, and a person has to decide: its page says what happened and what to do."),
    ),
    "target_rolled_back": Words(
        _("%(target)s was taken back in %(environment)s"),
        _("%(rows)s rows that were written since are gone from it, and archived. By %(by)s."),
    ),
    "target_rollback_aborted": Words(
        _("The rollback of %(target)s in %(environment)s was given up"),
        _("What it changed was put back, or it was left as it stood: its page says which."),
    ),
    "deployed": Words(_("%(target)s runs %(version)s in %(environment)s"), _("Deployed by %(by)s.")),
    "deployment_failed": Words(
        _("The deployment of %(version)s on %(target)s in %(environment)s failed"),
        _("The version of before runs where it could be started again: its page says what to do."),
    ),
    "drill_failed": Words(
        _("The drill of %(environment)s is not good enough"),
        _("Something did not go back as it must, or took longer than it may: the report says what."),
    ),
    "drill_missed": Words(
        _("No drill of %(environment)s passed last month"),
        _("Nobody knows whether %(environment)s can be taken back in time. Start a drill, and mend what it finds."),
    ),
    "source_silent": Words(
        _("%(source)s gives no figures any more in %(environment)s"),
        _("What is judged by them is not judged: phases hold. Its page says what it answered and since when."),
    ),
    "source_back": Words(_("%(source)s gives figures again in %(environment)s"), _("It is judged by them again.")),
    "daily_summary": Words(
        _("The day of release %(release)s in %(environment)s: %(rating)s of 5, complaints: %(complaints)s"),
        _(
            "Feedback: %(rating)s of 5 from %(pilots)s people. Complaints: %(complaints)s."
            " Guardrails pass: %(passing)s. They do not pass (yet): %(open)s."
        ),
    ),
    "approval_requested": Words(
        _("Approval asked for: release %(release)s in %(environment)s"),
        _("Nothing moves before somebody other than its author approves. Why: %(reason)s"),
    ),
    "plan_approved": Words(_("Approved: release %(release)s in %(environment)s"), _("Why: %(reason)s")),
    "plan_rejected": Words(
        _("Rejected: release %(release)s in %(environment)s"), _("It is a draft again. Why: %(reason)s")
    ),
    "rollout_paused": Words(_("Release %(release)s paused in %(environment)s"), _("Why: %(reason)s")),
    "rollout_resumed": Words(_("Release %(release)s resumed in %(environment)s"), _("Why: %(reason)s")),
    "step_due_soon": Words(
        _("Due soon in %(environment)s: %(what)s for %(audience)s"), _("Release %(release)s, at %(due)s.")
    ),
    "complaint_limit_reached": Words(
        _("%(count)s complaints today in %(environment)s: investigate"),
        _("More than %(limit)s complaints on one day about release %(release)s; it is held. Deadline: %(deadline)s."),
    ),
    "pilots_complain": Words(
        _("%(count)s complaints today in a small pilot in %(environment)s: investigate"),
        _("Few people have release %(release)s: %(people)s. It is held. Why: %(reason)s. Deadline: %(deadline)s."),
    ),
    "investigation_overdue": Words(
        _("Nobody has decided on the complaints in %(environment)s"),
        _(
            "%(count)s complaints about release %(release)s were to be decided on by %(deadline)s."
            " In charge: %(person)s."
        ),
    ),
    "complaints_investigate": Words(
        _("%(count)s complaints today in %(environment)s: investigate"),
        _("Release %(release)s goes on meanwhile. Why: %(reason)s. Deadline: %(deadline)s."),
    ),
    "guardrail_investigate": Words(
        _("Investigate in %(environment)s: a guardrail is passed by %(flags)s"),
        _("Release %(release)s goes on meanwhile. Why: %(reason)s. Deadline: %(deadline)s."),
    ),
    "guardrail_overdue": Words(
        _("Nobody has decided on what a guardrail saw in %(environment)s"),
        _("Release %(release)s was to be looked into by %(deadline)s. Why: %(reason)s. In charge: %(person)s."),
    ),
    "incident_opened": Words(
        _("Incident %(number)s, %(tier)s: %(title)s"), _("The clock runs; to be restored by %(deadline)s.")
    ),
    "incident_raised": Words(
        _("Incident %(number)s is now %(tier)s: %(title)s"), _("Less time is left: to be restored by %(deadline)s.")
    ),
    "incident_deadline": Words(
        _("Incident %(number)s: %(percent)s %% of its time is used"), _("To be restored by %(deadline)s: %(title)s")
    ),
    "intake_failed": Words(
        _("An event of release %(release)s made no incident"),
        _("%(attempts)s attempts failed: %(error)s. Declare the incident by hand; the rollback itself stands."),
    ),
    "measure_due": Words(
        _("Due on %(due_on)s: %(title)s"),
        _("You own this measure of incident %(number)s. Say on its page when it is done."),
    ),
    "flag_removable": Words(
        _("The flag %(flag)s can be removed"),
        _(
            "%(name)s is to be removed since %(due_on)s. Owner: %(owner)s."
            " Take it out of the code, then archive it; or keep it on purpose, and say why."
        ),
    ),
    "delivery_failed": Words(
        _("Mails to %(reader)s do not arrive"),
        _("Given up after attempt %(attempts)s: %(error)s. Check the address in the records, or the mail server."),
    ),
    "history_head": Words(
        _("Head of the history chain, %(day)s"),
        _(
            "%(links)s changes are sealed; the head is %(head)s. Keep this mail:"
            " `%(manage)s verify_history --head` with it tells whether history was cut or made anew."
        ),
    ),
}

#: For a kind that this version does not know (any more).
UNKNOWN = Words(_("Message of kind %(kind)s"), _("See the linked page."))

REFUSALS: dict[str, str | Promise] = {
    "delivery_unknown": _("There is no such mail."),
    "delivery_under_way": _("This mail was sent or waits to be sent. Reload the page to see."),
    "reader_unreachable": _("%(reader)s is inactive or has no address. Mend the account first."),
}

#: What kinds of messages belong together, for the inbox's filter.
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
                "incident_deadline",
                "intake_failed",
                "measure_due",
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
    "portal": (_("The portal itself"), frozenset({"delivery_failed", "history_head", "source_silent", "source_back"})),
}

#: What happens next, for a mail: where the body does not say it already.
NEXT: Mapping[str, str | Promise] = {
    "flag_rolled_back": _("The rollout is held. Look at why, then resume it with the other flags or roll back all."),
    "rollout_rolled_back": _(
        "An incident is opened. The release can be planned anew once the rollback is acknowledged."
    ),
    "rollout_held": _("Look at why, then resume or roll back."),
    "rollout_paused": _("No step is done until somebody resumes."),
    "rollout_resumed": _("The next steps are done when they are due."),
    "phase_started": _("The steps of this phase are done when they are due."),
    "step_due_soon": _("It is done on its own. Pause the rollout if it must not be."),
    "rollout_completed": _("Nothing is left to do."),
    "complaint_limit_reached": _("Investigate, then resume or roll back."),
    "pilots_complain": _("Investigate, then resume or roll back."),
    "investigation_overdue": _("Look at the complaints, then dismiss them with a reason or roll back."),
    "guardrail_investigate": _("Look into it, then dismiss it with a reason or roll back."),
    "complaints_investigate": _("Look into it, then dismiss it with a reason or roll back."),
    "guardrail_overdue": _("Look into it, then dismiss it with a reason or roll back."),
    "incident_opened": _("Take command on the incident's page, then stop the harm."),
    "incident_raised": _("Look at the incident's page: the clock is shorter now."),
    "incident_deadline": _("Verify the restoration on the incident's page, or call for help."),
}

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
MOMENTS = frozenset({"deadline", "due"})
DAYS = frozenset({"due_on", "day", "month"})


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
    spoken = _speak(event)
    return [(str(label), str(spoken[name])) for name, label in FACTS.items() if spoken.get(name)]


def _speak(event: "Event") -> _Data:
    spoken = _Data({name: _say_value(name, value) for name, value in event.data.items()})
    if "reason" in event.data:
        spoken["reason"] = say_reason(str(event.data["reason"]))
    spoken["kind"], spoken["manage"] = event.kind, manage()
    spoken["what"] = _say_flags(event.data.get("flags"))
    return spoken


def _say_flags(flags: Any) -> str:
    """Return one flag by its key, several by their number: a subject is one short line."""
    keys = flags if isinstance(flags, list) else []
    return str(keys[0]) if len(keys) == 1 else ngettext("%(n)s flag", "%(n)s flags", len(keys)) % {"n": len(keys)}


def _say_value(name: str, value: Any) -> Any:
    if isinstance(value, float):
        return number_format(value, 1)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    try:
        if name in MOMENTS:
            return moment(datetime.fromisoformat(str(value)))
        if name in DAYS:
            return date_format(date.fromisoformat(str(value)), "D j M Y")
    except ValueError:
        return value
    return CODES.get(name, {}).get(str(value), value)
