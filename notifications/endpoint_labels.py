"""What channels of teams are called, and how each kind's address is had."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.domain.wishes import Drills
from notifications.models import Channel, EndpointStatus

#: By kind: its name, what it is for, and where its address comes from.
KINDS: Mapping[Channel, tuple[str | Promise, str | Promise, str | Promise]] = {
    Channel.SLACK: (
        "Slack",
        _("A channel of a Slack workspace."),
        _("In Slack: Apps, Incoming Webhooks, Add to Slack, choose the channel, copy the Webhook URL."),
    ),
    Channel.MATTERMOST: (
        "Mattermost",
        _("A channel of a Mattermost server, also one of your own."),
        _("In Mattermost: Integrations, Incoming Webhooks, Add, choose the channel, copy the address."),
    ),
    Channel.TEAMS: (
        "Microsoft Teams",
        _("A channel of a team, by a workflow."),
        _(
            "In Teams: the channel's …, Workflows, “Post to a channel when a webhook request is received”;"
            " copy the address."
        ),
    ),
    Channel.WEBHOOK: (
        _("Signed webhook"),
        _("A program of your own; each message is signed by Standard Webhooks."),
        _("Where your program takes POST requests with JSON. Its secret is shown once, when the channel is made."),
    ),
    Channel.APPRISE: (
        _("SMS and others"),
        _("A telephone, or one of the services that Apprise knows and this portal allows."),
        _("Apprise's own address of the service, for example twilio://SID:TOKEN@FROM/TO"),
    ),
}
STATES: Mapping[EndpointStatus, tuple[str, str, str | Promise]] = {
    EndpointStatus.ACTIVE: ("ok", "✓", _("in use")),
    EndpointStatus.PAUSED: ("plain", "■", _("switched off")),
    EndpointStatus.BROKEN: ("bad", "▲", _("given up: it takes nothing any more")),
}
DRILLS: Mapping[Drills, str | Promise] = {
    Drills.NO: _("no rehearsals"),
    Drills.TOO: _("rehearsals, too"),
    Drills.ONLY: _("rehearsals only"),
}
LEAST_TIERS: Mapping[str, str | Promise] = {
    "": _("all"),
    "important": _("important and critical ones"),
    "critical": _("critical ones only"),
}
