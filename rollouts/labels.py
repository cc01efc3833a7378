"""Words of rollouts."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext_lazy

from rollouts import guardrail_labels, risk_labels

REFUSALS: dict[str, str | Promise] = {
    "plan_without_flags": _("The release has no flags: add them first."),
    "plan_without_sites": _("Choose at least one site."),
    "plan_without_testers": _(
        "Choose a group of testers with at least one person in it (in a shell --testers SEGMENT, over the API the field"
        " “testers”)."
    ),
    "plan_without_pilots": _("Choose at least one pilot cashier."),
    "pilot_twice": _("A pilot cashier is named twice."),
    "site_twice": _("A site stands twice in the order."),
    "site_never_open": _("The site %(site)s takes no change for two years: mend its opening days, or the freezes."),
    "start_in_past": _("The start lies in the past: the first step would already be due. Choose a later day."),
    "start_missing": _("Choose a start day, or a rehearsal."),
    "day_too_short": _("A day of a rehearsal lasts at least %(least)s second."),
    "image_unpinned": _("Name the image by its digest: registry/name@sha256: and 64 characters."),
    "release_differs": _("Release %(version)s is there with another content: choose another version."),
    "release_unknown": _("There is no release %(version)s."),
    "release_flag_unknown": _("No flag in use has the key %(flag)s."),
    "rollout_flag_unknown": _("%(flag)s is no flag of this rollout."),
    "site_key_unknown": _("There is no site %(site)s."),
    "testers_unknown": _("There is no group of testers %(segment)s."),
    "release_exists": _("Release %(version)s exists already."),
    "release_version_odd": _("A version is letters, digits and signs on one line, without a slash, such as 1.4.0."),
    "release_incomplete": _("A release has a version and at least one flag."),
    "flags_wrong": _("Choose each flag once, from the list."),
    "rollout_unknown": _("There is no such rollout."),
    "flag_in_other_rollout": _("Another rollout drives %(flag)s in this environment. Finish or roll it back first."),
    "freeze_nowhere": _("Choose at least one environment to freeze."),
    "freeze_nameless": _("Say what the freeze is for, in at most %(limit)s characters."),
    "freeze_reversed": _("The freeze ends before it begins."),
    "freeze_too_long": _("A freeze lasts at most %(limit)s days."),
    "freeze_in_past": _("A freeze begins today or later."),
    "freeze_exists": _("This very freeze is set in %(environment)s already: %(label)s."),
    "freeze_over": _("The freeze %(label)s is over: what is past stays as it was."),
    "freeze_has_begun": _("The freeze %(label)s has begun: cut it short instead."),
    "freeze_not_shorter": _("Choose a day before its end on which it still held, and none that has passed."),
    "feed_nameless": _("Give the feed a name of at most %(limit)s characters."),
    "feeds_too_many": _("You have %(limit)s feeds: remove one first."),
    "feed_unknown": _("There is no such feed of yours."),
    "late_verdict": _("The rollout has changed since this was judged."),
    "nothing_to_roll_back": _("Nothing of this is on any more."),
    "nothing_to_give_back": _("Nothing keeps this site off (any more)."),
    "step_not_done": _("This step is not done, or its flag was taken back."),
    "step_superseded": _("Taking this step back would change nothing: a later one gave its people the flag, too."),
    "step_not_planned": _("This step is not to come any more."),
    "step_not_skipped": _("Nothing of this was left out, or its flags were taken back."),
    "nothing_planned": _("No step is left to do."),
    "phase_not_done": _("The running phase has steps left: it cannot end before they are done or left out."),
    "site_shut": _("%(site)s was taken back: give it back first."),
    "phase_over": _("Its phase is over: plan it anew."),
    "gates_do_not_hold": _("The phase’s other gates do not hold yet; see what it takes to leave it."),
    "dates_are_approved": _(
        "Others approved this plan for %(environment)s as it is: earlier or wider needs their approval. Plan it anew."
    ),
    "no_change_today": _("Nothing may go out to them today."),
    "no_change_that_day": _("Nothing may go out to them on %(day)s: %(standing)s."),
    "no_change_that_labelled_day": _("Nothing may go out to them on %(day)s: %(standing)s (%(label)s)."),
    "day_has_a_site": _("Another site has its day on %(day)s: one site a day."),
    "cancel_has_begun": _("It has begun: roll it back instead, whole or in part."),
    "roll_back_not_begun": _("Nothing of it is on yet: cancel it, or change its plan."),
    "promote_while_stopped": _("It is stopped: resume it first."),
    "approval_not_waived": _("Nobody waives other people's approval: let somebody else approve that the phase ends."),
    "request_id_reused": _("%(request)s was the name of another plan: give this one a name of its own."),
    "plan_is_promised": _("This plan is scheduled: change its steps, or cancel it and plan another."),
    "audience_missing": _("Choose for whom instead."),
    "everyone_stays": _("This step is for everyone: leave it out or move it, it cannot be for others."),
    "segment_in_plan": _("This plan reaches %(segment)s with another step already."),
    "segment_empty": _("%(segment)s has no people yet: nobody would get anything."),
    "site_in_plan": _("%(site)s has its place in this plan already."),
    "site_begun": _("%(site)s has a part of the release already: take it back there before another has its place."),
    "share_wrong": _("A share lies above 0 and below 100 %%."),
    "shares_not_growing": _("Each share must be larger than the one before it in its phase."),
    "order_broken": _("There it would come before a step that stands before it, or after one behind it."),
    "moment_past": _("Choose a moment that is still to come."),
    "moment_missing": _("Choose a day and an hour."),
    "pause_wrong": _("A pause lasts from 1 to %(most)s plan days."),
    "rollout_over": _("The rollout is over: its plan stays as it was."),
    "nothing_to_acknowledge": _("This flag was not taken back."),
    "investigation_unknown": _("There is no such investigation."),
    "owner_unfit": _("Choose somebody who may handle incidents: release managers, support, admins."),
    "rollback_not_acknowledged": _("Acknowledge first why these were taken back: %(flags)s."),
    **guardrail_labels.REFUSALS,
}

WARNINGS: dict[str, str | Promise] = {
    "few_pilots": _(
        "Fewer than three pilot cashiers: what one of them never does stays untried, and the pilot says little."
    ),
    "many_pilots": _("More than five pilot cashiers: a fault would hit many before anybody could take it back."),
    "start_far": _("The start is more than a year ahead: check its year."),
    "start_closed": _("No site is open on the start day: the plan begins on the next open day."),
}

#: What rollouts write to history on their own (core.reasons).
REASONS: dict[str, str] = {
    "feed_made": gettext_noop("A calendar feed of one’s own"),
    "due": gettext_noop("Due by the plan"),
    "done": gettext_noop("Every step is done"),
    "sites_delayed": gettext_noop("One site a day stays one site a day after a delay"),
    "plan_moved": gettext_noop("What is late keeps its days and hours, later"),
    "site_set_apart": gettext_noop("%(site)s takes no change on %(day)s: %(standing)s"),
    "frozen": gettext_noop("Freeze %(label)s: no step on %(day)s"),
    "no_site_open": gettext_noop("No site takes a change on %(day)s"),
    "template_installed": gettext_noop("The built-in template comes with the portal"),
    "rule_added": gettext_noop("Release %(release)s in %(environment)s, phase %(phase)s"),
    "soaking": gettext_noop("The days of the phase have not passed yet"),
    "guardrails_do_not_pass": gettext_noop("Guardrails do not pass yet"),
    "guardrails_judged_nothing": gettext_noop("None of it is on: guardrails have nothing to judge"),
    "items_unticked": gettext_noop("The checklist is not done yet"),
    "approval_pending": gettext_noop("Somebody else must approve first"),
    "feedback_missing": gettext_noop("The pilots have not said yet how the day went"),
    "notes_missing": gettext_noop("A flag lacks its note for cashiers or its documentation"),
    "feedback_by_link": gettext_noop("By the link they were given"),
    "switched_by_hand_by": gettext_noop("Changed by hand by %(by)s: %(flags)s. Why: %(why)s"),
    "switched_by_hand": gettext_noop("Changed by hand: %(flags)s"),
    "step_failed": gettext_noop("A due step failed %(attempts)s times: %(error)s"),
    "variable_masks": gettext_noop("The environment variable %(variable)s decides for everybody about %(flag)s"),
    "complaint_limit": gettext_noop("%(count)s complaints today, more than %(limit)s"),
    "pilots_one_flag": gettext_noop("%(count)s people complain of %(flag)s today, in a pilot of %(people)s"),
    "pilots_each_one": gettext_noop("%(count)s complaints today in a pilot of %(people)s"),
    "investigation_taken": gettext_noop("Looks into it"),
    **guardrail_labels.REASONS,
}

STEPS: dict[str, str | Promise] = {"planned": _("◷ planned"), "done": _("✓ done"), "skipped": _("— left out")}

#: What a cell of the board says: its sign, and its words.
CELL_SIGNS: dict[str, str] = {
    "planned": "◷",
    "held": "■",
    "paused": "❚❚",
    "cancelled": "✕",
    "done": "✓",
    "skipped": "—",
    "off": "↩",
    "part": "◐",
}
CELLS: dict[str, str | Promise] = {
    "planned": _("planned"),
    "held": _("held"),
    "paused": _("paused"),
    "cancelled": _("cancelled"),
    "done": _("done"),
    "skipped": _("left out"),
    "off": _("taken back"),
    "part": _("in part"),
}
#: So many of a cell, for who hears it read.
CELL_COUNTS: dict[str, Promise] = {
    "planned": ngettext_lazy("%(n)s planned", "%(n)s planned", "n"),
    "held": ngettext_lazy("%(n)s held", "%(n)s held", "n"),
    "paused": ngettext_lazy("%(n)s paused", "%(n)s paused", "n"),
    "cancelled": ngettext_lazy("%(n)s cancelled", "%(n)s cancelled", "n"),
    "done": ngettext_lazy("%(n)s done", "%(n)s done", "n"),
    "skipped": ngettext_lazy("%(n)s left out", "%(n)s left out", "n"),
    "off": ngettext_lazy("%(n)s taken back", "%(n)s taken back", "n"),
    "part": ngettext_lazy("%(n)s in part", "%(n)s in part", "n"),
}

#: The built-in template's name, as long as nobody gave it another.
TEMPLATES: dict[str, str | Promise] = {
    "Internal, pilot, one site a day, everyone": _("Internal, pilot, one site a day, everyone"),
}

#: Audiences that are no names; others are said as they are.
AUDIENCES: dict[str, str | Promise] = {"everyone": _("everyone")}

STATUSES: dict[str, str | Promise] = {
    "draft": _("✎ draft"),
    "awaiting_approval": _("… awaiting approval"),
    "scheduled": _("◷ scheduled"),
    "running": _("▶ running"),
    "paused": _("❚❚ paused"),
    "held": _("■ held"),
    "completed": _("✓ completed"),
    "rolled_back": _("↩ rolled back"),
    "cancelled": _("✕ cancelled"),
}

#: How a thing on the calendar stands.
ENTRY_STATES: dict[str, str | Promise] = {
    "draft": _("✎ draft"),
    "planned": _("◷ planned"),
    "running": _("▶ running"),
    "paused": _("❚❚ paused"),
    "held": _("■ held"),
    "done": _("✓ done"),
    "cancelled": _("✕ cancelled"),
    "left_out": _("— left out"),
}

TONES: dict[str, str] = {"held": "warn", "paused": "warn", "rolled_back": "bad", "completed": "ok", "draft": "plain"}

PHASES: dict[str, str | Promise] = {
    "internal": _("Internal"),
    "pilot": _("Pilot"),
    "per_site": _("One site a day"),
    "percentage": _("A growing share"),
    "full": _("Everyone"),
}

HELD: dict[str, str | Promise] = {
    "gate": _("A gate of the phase does not hold. Resume when it does, or waive it with a reason."),
    "flag_rolled_back": _("A flag was taken back. Resume to go on with the others."),
    "site_rolled_back": _("A site was taken back. Resume to go on with the others."),
    "phase_rolled_back": _("A phase was taken back. Resume, and its steps are done again."),
    "complaint_limit": _("More complaints today than the limit: investigate, then resume or roll back."),
    "pilots_one_flag": _(
        "Several of the few who have it complain of one feature: investigate, then resume or roll back."
    ),
    "pilots_each_one": _("As many complaints as people who have it: investigate, then resume or roll back."),
    "step_failed": _("A due step fails again and again, so nothing goes on. Mend the cause, then resume."),
    "variable_masks": _(
        "An environment variable decides for everybody, so nobody would see the change. Take it away, then resume."
    ),
    "flag_switched_by_hand": _(
        "Somebody changed a flag by hand. Resume, and it stays as it is; or put it back, or roll it back, first."
    ),
    **guardrail_labels.HELD,
}

#: What stands still, and what starts it (again): by status, or by what holds it.
WAITS: dict[str, str | Promise] = {
    **HELD,
    "draft": _("Nothing moves before somebody schedules it."),
    "awaiting_approval": _("Nothing moves before somebody approves and schedules it."),
    "approved": _("Nothing moves before somebody schedules it."),
    "paused": _("Paused: nothing moves until somebody resumes it. What is late keeps its days, later."),
}

GATES: dict[str, str | Promise] = {
    "soaked": _("Its days have passed"),
    "soaking": _("Its days have not passed yet"),
    "guardrails_pass": _("Guardrails pass"),
    "guardrails_do_not_pass": _("Guardrails do not pass yet"),
    "guardrails_judged_nothing": _("None of it is on: guardrails have nothing to judge"),
    "checklist_done": _("The checklist is done"),
    "items_unticked": _("The checklist is not done yet"),
    "notes_written": _("Each flag has its note and documentation"),
    "notes_missing": _("Notes for cashiers or documentation are missing"),
    "feedback_given": _("Feedback today"),
    "feedback_missing": _("Feedback today is missing"),
    "approved": _("Approved by somebody else"),
    "approval_pending": _("Somebody else must approve first"),
}

#: Why a person cannot decide on a plan or a phase.
WHY_NOT: dict[str, str | Promise] = {
    "no_right": _("Release managers and admins approve, other than the author."),
    "author": _("You wrote this plan or a part of it: somebody else must decide."),
    "not_asked": _("Nobody is asked yet: ask for the approval when the plan is as you want it."),
}

EVENTS: dict[str, str | Promise] = {
    "planned": _("Planned: %(steps)s changes"),
    "approval_requested": _("Asked for approval"),
    "approval_withdrawn": _("Back to draft"),
    "approved": _("Approved"),
    "rejected": _("Rejected: a draft again"),
    "phase_approved": _("Approved to leave the phase: %(phase)s"),
    "phase_rejected": _("Not approved to leave the phase: %(phase)s"),
    "item_ticked": _("Ticked off: %(item)s"),
    "item_unticked": _("Tick taken back: %(item)s"),
    "feedback_given": _("A pilot’s day: %(rating)s of 5"),
    "scheduled": _("Scheduled"),
    "started": _("Started"),
    "step_done": _("%(flag)s on for %(audience)s"),
    "phase_started": _("Phase began: %(phase)s"),
    "phase_ended": _("Phase ended: %(phase)s"),
    "sites_delayed": _("New dates for: %(sites)s"),
    "plan_moved": _("The rest of the plan has new dates"),
    "everyone_delayed": _("Everyone: put off to the next open day"),
    "paused": _("Paused"),
    "resumed": _("Resumed"),
    "held": _("Held: %(held)s"),
    "flag_rolled_back": _("Taken back: %(flags)s"),
    "site_rolled_back": _("Taken back at %(audience)s: %(flags)s"),
    "phase_rolled_back": _("Phase taken back: %(phase)s"),
    "site_given_back": _("Given back: %(audience)s"),
    "steps_undone": _("Taken back: %(flags)s for %(audience)s"),
    "start_hastened": _("Begins today instead of later"),
    "promoted_early": _("Next phase begins early: %(phase)s"),
    "pause_inserted": _("Pause of %(days)s plan days before %(audience)s"),
    "moment_moved": _("New moment for %(audience)s"),
    "replaced": _("Replaced by another plan"),
    "replaces": _("Put in the place of an earlier draft"),
    "audience_changed": _("For %(audience)s instead of %(before)s"),
    "steps_skipped": _("Left out: %(flags)s for %(audience)s"),
    "steps_restored": _("Planned again: %(flags)s for %(audience)s"),
    "rolled_back": _("Rolled back: %(flags)s"),
    "completed": _("Completed"),
    "cancelled": _("Cancelled"),
    "redrafted": _("Planned anew; off since, for another reason: %(still_off)s"),
    "complaint_limit_reached": _("%(count)s complaints today, more than %(limit)s"),
    "pilots_complain": _("%(count)s complaints today in a small pilot (%(people)s people)"),
    "complaints_investigate": _("%(count)s complaints today: to be investigated"),
    "investigation_taken": _("Looks into it"),
    "investigation_handed_over": _("The investigation goes to %(owner)s"),
    "investigation_dismissed": _("Investigated: dismissed"),
    "acknowledged": _("Rollback acknowledged: %(flag)s"),
    **guardrail_labels.EVENTS,
    **risk_labels.EVENTS,
}

#: Their data may lack a word: then the shorter sentence is said.
SHORT_EVENTS: dict[str, str | Promise] = {
    "planned": _("Planned"),
    "step_done": _("On"),
    "phase_started": _("Phase began"),
    "phase_ended": _("Phase ended"),
    "sites_delayed": _("New dates for sites"),
    "plan_moved": _("New dates"),
    "held": _("Held"),
    "flag_rolled_back": _("Flag taken back"),
    "rolled_back": _("Rolled back"),
    "redrafted": _("Planned anew"),
    "acknowledged": _("Rollback acknowledged"),
    "complaint_limit_reached": _("Complaint limit reached"),
    **guardrail_labels.SHORT_EVENTS,
}


#: What is done to a whole rollout, by the action's name.
ACTIONS: dict[str, str | Promise] = {
    "pause": _("Pause"),
    "start_now": _("Start now"),
    "promote": _("Promote early"),
    "request_approval": _("Ask for approval"),
    "withdraw": _("Back to draft"),
    "schedule": _("Schedule"),
    "resume": _("Resume"),
    "redraft": _("Plan anew"),
    "cancel": _("Cancel the rollout"),
    "roll_back": _("Roll back…"),
}

#: What a person chooses for a plan, by the name of the choice.
PLAN_CHOICES: dict[str, str | Promise] = {
    "release": _("Release"),
    "environment": _("Environment"),
    "template": _("Plan template"),
    "promotion_time": _("Hour of promotions at the sites"),
    "allows_holidays": _("May fall on French public holidays"),
    "day_seconds": _("Rehearsal"),
    "testers": _("Testers of the internal phase"),
    "pilots": _("Pilot cashiers"),
    "sites": _("Order of the sites"),
}

#: The register's words, as templates say them.
RISK_CATEGORIES, RISK_STATES = risk_labels.CATEGORIES, risk_labels.STATES
RISK_LEVELS, RISK_SIGNS, RISK_TONES = risk_labels.LEVELS, risk_labels.LEVEL_SIGNS, risk_labels.LEVEL_TONES
RISK_ACTIONS, LIKELIHOODS, IMPACTS = risk_labels.ACTIONS, risk_labels.LIKELIHOODS, risk_labels.IMPACTS
