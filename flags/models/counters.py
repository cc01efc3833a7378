"""Counters and machine state: none of it tracked."""

from django.db import models

from flags.models.flags import FlagState
from flags.models.places import Environment, Till


class EnvironmentRevision(models.Model):
    """The revision clients see: raised by trigger at commit, never lowered. Untracked."""

    environment = models.OneToOneField(Environment, on_delete=models.CASCADE, primary_key=True, related_name="counter")
    revision = models.BigIntegerField()
    changed_at = models.DateTimeField()


class PendingChange(models.Model):
    """Environments touched by a transaction that has not committed; empty in between. Untracked."""

    transaction = models.CharField(max_length=32)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(name="flags_pending_once", fields=["transaction", "environment"])]


class PendingState(models.Model):
    """Flag states touched by a transaction that has not committed; empty in between. Untracked."""

    transaction = models.CharField(max_length=32)
    state_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(name="flags_pending_state_once", fields=["transaction", "state_id"])]


class StateRevision(models.Model):
    """The revision with which a flag's state or rules last changed: set by trigger at commit. Untracked.

    It goes with its state, by trigger too.
    """

    state = models.OneToOneField(FlagState, on_delete=models.DO_NOTHING, primary_key=True, related_name="counter")
    revision = models.BigIntegerField()
    changed_at = models.DateTimeField()


class TillContact(models.Model):
    """A till's last fetch in an environment, and the revision it got. Untracked."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    till = models.ForeignKey(Till, on_delete=models.CASCADE, related_name="contacts")
    revision = models.BigIntegerField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="flags_contact_once", fields=["environment", "till"])]
