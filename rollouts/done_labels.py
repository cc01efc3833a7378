"""What was done, as the page says it afterwards."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: By the action's name.
DONE: dict[str, str | Promise] = {
    "pause": _("Rollout paused: nothing moves until somebody resumes it."),
    "start_now": _("Rollout started: its first steps are done within seconds."),
    "promote": _("The next phase begins now."),
    "request_approval": _("Approval requested: the others are told."),
    "withdraw": _("Back to draft: nobody is asked any more."),
    "schedule": _("Plan scheduled: it goes by its dates from here on."),
    "resume": _("Rollout resumed."),
    "redraft": _("Planned anew, as a draft: nothing moves until you schedule it."),
    "cancel": _("Rollout cancelled."),
    "acknowledge": _("Rollback acknowledged."),
}
#: By what was decided on, and whether it was approved.
DECIDED: dict[tuple[str, bool], str | Promise] = {
    ("plan", True): _("You approved the plan."),
    ("plan", False): _("You rejected the plan: it is a draft again."),
    ("phase", True): _("You approved the end of the phase."),
    ("phase", False): _("You rejected the end of the phase: the rollout does not leave it."),
}
TICKED: dict[str, str | Promise] = {"tick": _("Ticked off."), "untick": _("Tick taken back.")}
#: By the edit's name.
EDITED: dict[str, str | Promise] = {
    "pause": _("Plan changed: the pause is in."),
    "move": _("Plan changed: the moment is moved."),
    "audience": _("Plan changed: it goes to others."),
    "skip": _("Plan changed: the steps are left out."),
    "restore": _("Plan changed: the steps are planned again."),
    "undo": _("Taken back: it is off. The tills hear of it now."),
}
#: By what was done to an investigation.
INVESTIGATED: dict[str, str | Promise] = {
    "take": _("It is yours now: the others see that you look into it."),
    "hand-over": _("Handed over. Its deadline stays."),
    "dismiss": _("Dismissed. The rollout stays held until somebody resumes it."),
}
