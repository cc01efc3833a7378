"""Words of the risk register."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

REFUSALS: dict[str, str | Promise] = {
    "risk_unknown": _("There is no such risk."),
    "risk_untitled": _("Say in at most %(limit)s characters what may go wrong."),
    "risk_category_unknown": _("Choose the category from the list."),
    "risk_words_too_long": _("Cause and mitigation may have at most %(limit)s characters each."),
    "risk_links_wrong": _("Choose releases and flags from the list."),
    "risk_rating_wrong": _("Likelihood and impact go from %(least)s to %(most)s."),
    "risk_settled": _("“%(risk)s” is not open: open it again first."),
    "risk_mitigation_missing": _("Write down first how it is mitigated."),
    "risk_elsewhere": _("This risk is about another release: it is not reviewed here."),
    "risk_review_by_no_person": _("Only a person who is signed in may say that a risk was reviewed."),
    "risk_lowered_by_no_person": _("Only a person who is signed in may say that a high risk is high no more."),
    "risk_review_too_late": _("The rollout has ended: its review of risks stays as it is."),
    "risks_unreviewed": _(
        "High risks have not been reviewed for this plan: %(risks)s. Review them on the rollout’s page, under Risks."
    ),
}

REASONS: dict[str, str] = {
    "risk_installed": gettext_noop("One of the customer’s risks, which come with the portal"),
    "risk_taken": gettext_noop("Owns this risk from now on"),
}

EVENTS: dict[str, str | Promise] = {
    "risk_reviewed": _("Risk reviewed: %(risk)s (likelihood %(likelihood)s, impact %(impact)s)"),
}

CATEGORIES: dict[str, str | Promise] = {
    "technical": _("technical"),
    "integration": _("integration"),
    "deployment": pgettext_lazy("category of a risk", "deployment"),
}
STATES: dict[str, str | Promise] = {
    "open": _("○ open"),
    "mitigated": _("✓ mitigated"),
    "accepted": _("= accepted"),
    "closed": _("■ closed"),
}
#: A level is told by its sign and its word, by its colour only beside them.
LEVELS: dict[str, str | Promise] = {
    "low": _("○ low"),
    "medium": _("◆ medium"),
    "high": _("▲ high"),
}
LEVEL_SIGNS: dict[str, str] = {"low": "○", "medium": "◆", "high": "▲"}
LEVEL_TONES: dict[str, str] = {"low": "plain", "medium": "warn", "high": "bad"}
LIKELIHOODS: dict[str, str | Promise] = {
    "1": _("1 – rare"),
    "2": _("2 – unlikely"),
    "3": _("3 – possible"),
    "4": _("4 – likely"),
    "5": _("5 – almost certain"),
}
IMPACTS: dict[str, str | Promise] = {
    "1": _("1 – hardly noticed"),
    "2": _("2 – a nuisance"),
    "3": _("3 – work is slower"),
    "4": _("4 – a shop is stopped"),
    "5": _("5 – tills stand still, or data is lost"),
}
#: By the action's name: its button, and what the page says afterwards.
ACTIONS: dict[str, str | Promise] = {
    "mitigate": _("It is mitigated"),
    "accept": _("Accept it"),
    "close": _("Close it"),
    "reopen": _("Open it again"),
}
DONE: dict[str, str | Promise] = {
    "create": _("Risk written down."),
    "edit": _("Risk saved."),
    "rate": _("Rated anew."),
    "take": _("It is yours now."),
    "mitigate": _("It counts as mitigated."),
    "accept": _("It counts as accepted."),
    "close": _("Closed."),
    "reopen": _("Open again."),
    "review": _("Reviewed for this plan."),
}
