"""What each kind of event is called, says, and is followed by, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


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
        _("The day of release %(release)s in %(environment)s: %(feedback)s, complaints: %(complaints)s"),
        _(
            "Of pilots: %(feedback)s. Complaints: %(complaints)s."
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
    "incident_half": Words(
        _("Incident %(number)s: half of its time is used, %(left)s left"),
        _("To be restored by %(deadline)s: %(title)s. In command: %(person)s."),
    ),
    "incident_short": Words(
        _("Incident %(number)s: only %(left)s left to restore"),
        _("To be restored by %(deadline)s: %(title)s. In command: %(person)s."),
    ),
    "incident_missed": Words(
        _("Incident %(number)s is past its time: %(title)s"),
        _("It was to be restored by %(deadline)s and still runs. In command: %(person)s."),
    ),
    "incident_overdue": Words(
        _("Incident %(number)s still runs, %(late)s past its time"),
        _("It was to be restored by %(deadline)s: %(title)s. In command: %(person)s."),
    ),
    "incident_reopened": Words(
        _("Incident %(number)s is open again: %(title)s"),
        _("Its clock counts on from detection: to be restored by %(deadline)s. Why: %(reason)s"),
    ),
    # Written by earlier versions; inboxes still hold it.
    "incident_deadline": Words(
        _("Incident %(number)s: %(percent)s %% of its time is used"), _("To be restored by %(deadline)s: %(title)s")
    ),
    "incident_word": Words(
        _("Incident %(number)s: the public was told something new"),
        _("Say the same on the phone. In French: %(text_fr)s\n\nIn English: %(text_en)s"),
    ),
    "incident_word_due": Words(
        _("Incident %(number)s: the public waits for a word"),
        _("A public word was due at %(due)s about: %(title)s. Even “we are still looking” is one."),
    ),
    "calls_due": Words(
        _("People to call back: %(count)s"),
        _(
            "What they complained of is over (%(title)s, %(environment)s)."
            " The list has their numbers and the words ready."
        ),
    ),
    "incident_command_given": Words(
        _("You command incident %(number)s: %(title)s"), _("%(by)s gave it to you. To be restored by %(deadline)s.")
    ),
    "incident_communications_given": Words(
        _("You speak for incident %(number)s: %(title)s"),
        _("%(by)s gave it to you: tell the shops what is known, and when they hear more."),
    ),
    "source_intake_failed": Words(
        _("An alert or a rollback of a target made no incident (%(source)s)"),
        _("%(attempts)s attempts failed: %(error)s. Declare the incident by hand."),
    ),
    "intake_failed": Words(
        _("An event of release %(release)s made no incident"),
        _("%(attempts)s attempts failed: %(error)s. Declare the incident by hand; the rollback itself stands."),
    ),
    "measure_due": Words(
        _("Due on %(due_on)s: %(title)s"),
        _("You own this measure of incident %(number)s. Say on its page when it is done."),
    ),
    "measure_to_verify": Words(
        _("To be verified: %(title)s"),
        _("Its owner says that this measure of incident %(number)s is done. Look, and say on its page whether it is."),
    ),
    "measure_rejected": Words(
        _("Not done yet: %(title)s"),
        _("Somebody looked and found something missing (incident %(number)s). Why: %(reason)s"),
    ),
    "post_mortem_review": Words(
        _("The post-mortem of incident %(number)s waits for a review"),
        _("%(title)s. Somebody who did not write it reads it, then approves it or sends it back."),
    ),
    "post_mortem_sent_back": Words(
        _("The post-mortem of incident %(number)s was sent back"), _("%(title)s. Why: %(reason)s")
    ),
    "post_mortem_due": Words(
        _("The post-mortem of incident %(number)s is due on %(due_on)s"),
        _("%(title)s. It is written, reviewed and published by then; its page says what is missing."),
    ),
    "flag_removable": Words(
        _("The flag %(flag)s can be removed"),
        _(
            "%(name)s is to be removed since %(due_on)s. Owner: %(owner)s."
            " Take it out of the code, then archive it; or keep it on purpose, and say why."
        ),
    ),
    "daily_digest": Words(
        _("Your day, %(day)s: %(overdue)s overdue, %(today)s today, %(soon)s within a week"),
        _("What you are to do, and %(messages)s messages that waited for this digest."),
    ),
    "delivery_failed": Words(
        _("Messages to %(reader)s do not arrive"),
        _("Given up after attempt %(attempts)s: %(error)s. Check the address, or the service that was to take it."),
    ),
    "channel_broken": Words(
        _("The channel %(channel)s takes nothing any more"),
        _(
            "It was switched off: %(error)s. Give it a new address, or mend it there, then switch it on and test it."
            " Until then its readers hear nothing; tell them yourself."
        ),
    ),
    "channel_test": Words(
        _("A test of %(channel)s"),
        _("%(by)s tries whether messages of the portal arrive here. Tell them the code, or type it in the portal."),
    ),
    "subscription_confirm": Words(
        _("%(page)s: confirm that you want to be told"),
        _(
            "Somebody, you we hope, asked that what happens on the page “%(page)s” be sent to this address. Open the"
            " link and confirm. Was it not you? Then do nothing, and nothing is sent. The link holds for two days."
        ),
    ),
    # What people wrote, in both languages; the reader's is chosen when it is read.
    "announcement": Words("%(announced_title)s", "%(announced_text)s"),
    "status_update": Words("%(announced_title)s", "%(announced_text)s"),
    "announcement_corrected": Words(
        _("Corrected: %(announced_title)s"), _("What was corrected: %(announced_note)s\n\n%(announced_text)s")
    ),
    "announcement_withdrawn": Words(
        _("Withdrawn: %(announced_title)s"),
        _("This does not hold any more. Why: %(announced_note)s\n\nIt said: %(announced_text)s"),
    ),
    "announcement_update_due": Words(
        _("People wait for more: %(announced_title)s"),
        _("An update was promised for %(due)s. Say more, or correct the announcement; “nothing new yet” is an update."),
    ),
    "announcement_failed": Words(
        _("Not said everywhere: %(announced_title)s"),
        _("One of its outlets did not take it (%(outlet)s). Its page says why, and has a button to try again."),
    ),
    "announcement_given_back": Words(
        _("Not sent at its time: %(announced_title)s"),
        _("What it speaks of has changed since it was scheduled. It is a draft again: its page says why."),
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
    "incident_half": _("Take command if nobody has. Raise its tier if it is graver than was thought."),
    "incident_short": _("Help whoever is in command. What cannot be mended in time is taken back now."),
    "incident_missed": _("Take back what can be taken back, call whoever can help, and tell the shops."),
    "incident_overdue": _("If everything works again, verify the restoration on its page; if not, call for help."),
    "incident_reopened": _("Take command on the incident's page, then stop the harm."),
    "incident_deadline": _("Verify the restoration on the incident's page, or call for help."),
}
