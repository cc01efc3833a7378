"""The words of each kind of event: subject and body, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

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
    "rollout_rolled_back": Words(
        _("Release %(release)s rolled back in %(environment)s"),
        _("Every flag of release %(release)s is off in %(environment)s: %(flags)s. Why: %(reason)s"),
    ),
    "rollout_held": Words(
        _("Release %(release)s held in %(environment)s"),
        _("No step is done until a person resumes. Why: %(reason)s"),
    ),
    "step_done": Words(
        _("%(flag)s is on for %(audience)s in %(environment)s"), _("Release %(release)s, phase %(phase)s.")
    ),
    "phase_started": Words(
        _("Release %(release)s in %(environment)s: phase %(phase)s began"),
        _("The gates of the phase before held. Every step is on the rollout's page."),
    ),
    "rollout_completed": Words(
        _("Release %(release)s is out in %(environment)s"), _("Every step is done; everyone has it.")
    ),
    "rollout_paused": Words(_("Release %(release)s paused in %(environment)s"), _("Why: %(reason)s")),
    "rollout_resumed": Words(_("Release %(release)s resumed in %(environment)s"), _("Why: %(reason)s")),
    "step_due_soon": Words(
        _("Due soon in %(environment)s: %(flag)s for %(audience)s"), _("Release %(release)s, at %(due)s.")
    ),
    "complaint_limit_reached": Words(
        _("%(count)s complaints today in %(environment)s: investigate"),
        _("More than %(limit)s complaints on one day about release %(release)s; it is held. Deadline: %(deadline)s."),
    ),
    "incident_opened": Words(
        _("Incident %(number)s, %(tier)s: %(title)s"), _("The clock runs; to be restored by %(deadline)s.")
    ),
    "incident_deadline": Words(
        _("Incident %(number)s: %(percent)s %% of its time is used"), _("To be restored by %(deadline)s: %(title)s")
    ),
}


class _Data(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "—"


def say_subject(event: Event) -> str:
    """Return the subject in the language in force."""
    return str(WORDS[event.kind].subject) % _Data(event.data)


def say_body(event: Event) -> str:
    """Return the body in the language in force."""
    return str(WORDS[event.kind].body) % _Data(event.data)
