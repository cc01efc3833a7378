"""Words of plan templates."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
    "shift_of_nobody": _("Say who is on duty, and their phone number."),
    "shift_days_wrong": _("A shift lasts from 1 to %(most)s days, and ends after it begins."),
    "template_unknown": _("There is no such plan template (any more)."),
    "template_not_there": _("There is no plan template %(template)s."),
    "template_unnamed": _("Give the template a name with letters in it."),
    "template_exists": _("There is a template “%(template)s” already: choose another name."),
    "template_unreadable": _("This is no plan template: %(fault)s"),
    "template_without_phases": _("A template has at least one phase."),
    "template_too_long": _("A template has at most %(most)s phases."),
    "template_days_wrong": _("Phase %(phase)s: it lasts from 1 to 60 plan days."),
    "template_slots_wrong": _("Phase %(phase)s: at most 12 hours, each once, in order."),
    "template_order_wrong": _("Phase %(phase)s: a given order names at least one flag, each once."),
    "template_segment_wrong": _("Phase %(phase)s: only internal and pilot phases are for a segment."),
    "template_segment_unknown": _("There is no segment %(segment)s."),
    "template_flag_unknown": _("There is no flag %(flag)s."),
    "template_shares_missing": _("Phase %(phase)s: say which shares it reaches, such as 10, 25, 50."),
    "template_shares_wrong": _("Phase %(phase)s: shares grow, from above 0 to below 100 %%, at most 20 of them."),
    "template_shares_crowded": _("Phase %(phase)s: it has more shares than days."),
    "template_gates_last": _(
        "Phase %(phase)s is the last: nothing comes after it that gates could hold up. Leave them out."
    ),
    "template_gates_wrong": _("Phase %(phase)s: a gate stands there twice."),
    "template_guardrail_mode": _("Phase %(phase)s: a guardrail has no such mode here, and is not switched off."),
    "template_guardrail_scope": _("Phase %(phase)s: a guardrail has no such scope."),
    "template_guardrail_twice": _("Phase %(phase)s: a guardrail stands there twice."),
    "template_guardrail_unknown": _("Phase %(phase)s: there is no such guardrail, or it says nothing."),
    "template_guardrail_wrong": _("Phase %(phase)s: the limit of a guardrail lies outside of what can be set."),
    "template_narrows": _("Phase %(phase)s reaches fewer than a phase before it: put it further up."),
    "template_after_everyone": _("Phase %(phase)s comes after everyone has it: put it further up."),
}

ADVANCES: dict[str, str | Promise] = {
    "together": _("together"),
    "one_by_one": _("one by one, in the release’s order"),
    "in_order": _("one by one, in a given order"),
}

SUPPORT_LEVELS: dict[str, str | Promise] = {"standard": _("standard"), "heightened": _("heightened")}

GATES: dict[str, str | Promise] = {
    "soak": _("its days have passed"),
    "guardrails": _("guardrails pass, with enough data"),
    "checklist": _("its checklist is done"),
    "feedback": _("daily feedback is there: of three people, or of all where they are fewer"),
    "notes": _("each flag has its note for cashiers and its documentation"),
    "approval": _("somebody else approves"),
}
