"""Words of approvals and checklists."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
    "approval_required": _("%(environment)s asks for an approval: ask for it first."),
    "approval_not_required": _("%(environment)s asks for no approval: schedule it."),
    "approval_missing": _(
        "Not approved as it is now: %(missing)s of %(needed)s approvals are missing, or somebody rejects it."
    ),
    "approval_by_no_person": _("Only a person who is signed in may approve: no token, no command."),
    "approval_by_author": _("You wrote this plan or a part of it: somebody else must decide."),
    "phase_not_to_approve": _("This phase waits for no approval now."),
    "check_by_no_person": _("Only a person who is signed in may tick this off."),
    "rollout_ended": _("The rollout has ended: its checklist stays as it is."),
    "template_checklist_wrong": _(
        "Phase %(phase)s: a checklist has 1 to 20 items of at most 200 characters, and only where its gate is set."
    ),
}
