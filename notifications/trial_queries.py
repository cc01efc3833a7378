"""Reads of tests of channels."""

from notifications.models import ChannelTrial


def find_mail_trial(user_id: int) -> ChannelTrial | None:
    """Return the newest test of a person's own e-mail address."""
    trials = ChannelTrial.objects.filter(endpoint=None, asked_by_id=user_id)
    return trials.select_related("delivery").first()
