"""Words of daily feedback."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
    "feedback_closed": _("This link takes no feedback any more."),
    "feedback_flag_unknown": _("Choose a feature from the list."),
    "feedback_rating_wrong": _("Choose how it went."),
    "feedback_too_long": _("Write at most %(limit)s characters."),
    "feedback_too_often": _("You have told us %(limit)s times today: thank you. Tomorrow you can say more."),
    "template_feedback_wrong": _("Phase %(phase)s: only internal and pilot phases can ask for daily feedback."),
}

#: From the worst to the best.
RATINGS: dict[int, str | Promise] = {
    1: _("Very badly"),
    2: _("Badly"),
    3: _("So-so"),
    4: _("Well"),
    5: _("Very well"),
}
