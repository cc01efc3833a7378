"""What channels and outcomes are called."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from notifications.endpoint_labels import KINDS
from notifications.ledger_queries import Outcome
from notifications.models import Channel

CHANNELS: Mapping[Channel, str | Promise] = {
    Channel.INBOX: _("Inbox"),
    Channel.EMAIL: pgettext_lazy("channel", "E-mail"),
    **{kind: name for kind, (name, _purpose, _source) in KINDS.items()},
}
OUTCOMES: Mapping[Outcome, str | Promise] = {
    Outcome.GIVEN_UP: pgettext_lazy("delivery", "given up"),
    Outcome.RETRIED: pgettext_lazy("delivery", "failed, tried again"),
    Outcome.WAITING: pgettext_lazy("delivery", "waiting to be sent"),
    Outcome.SENT: pgettext_lazy("delivery", "handed over"),
    Outcome.REPLACED: pgettext_lazy("delivery", "replaced by a newer one"),
}
TONES: Mapping[Outcome, str] = {
    Outcome.GIVEN_UP: "bad",
    Outcome.RETRIED: "warn",
    Outcome.WAITING: "plain",
    Outcome.SENT: "ok",
    Outcome.REPLACED: "plain",
}
SIGNS: Mapping[Outcome, str] = {
    Outcome.GIVEN_UP: "▲",
    Outcome.RETRIED: "↻",
    Outcome.WAITING: "…",
    Outcome.SENT: "✓",
    Outcome.REPLACED: "⇢",
}
