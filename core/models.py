"""People, and the chain that seals history. Everything else belongs to the apps above."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.errors import Refusal
from core.history import track
from core.roles import Capability, Role, capabilities_of

#: SHA-256 in hex.
HASH = "^[0-9a-f]{64}$"


class Language(models.TextChoices):
    ENGLISH = "en", "English"
    FRENCH = "fr", "Français"


class User(AbstractUser):
    """A person. Never deleted, only deactivated: history points at people."""

    # Sign-ins are the session table's business, not history's.
    last_login = None
    language = models.CharField(_("language"), max_length=5, choices=Language.choices, default=Language.FRENCH)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    #: Set when access is given back to a person: sessions and feeds from before it open nothing any more.
    access_since = models.DateTimeField(_("access since"), null=True, blank=True)

    history = track(excluded_fields=["password"], m2m_fields=["groups"])

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(name="core_user_language_known", condition=models.Q(language__in=["en", "fr"])),
        ]

    def __str__(self) -> str:
        """Return the name that people know, else the one to sign in with."""
        return self.get_full_name() or self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save with history; a re-hash of the same password at sign-in changes nothing to record."""
        if set(kwargs.get("update_fields") or ()) == {"password"}:
            self.skip_history_when_saving = True
        try:
            super().save(*args, **kwargs)
        finally:
            self.__dict__.pop("skip_history_when_saving", None)

    def get_session_auth_hash(self) -> str:
        """Return what a session must know to go on: it ends with a new password, and with a deactivation for good."""
        return self._mark(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Yield the same under each older secret."""
        return map(self._mark, super().get_session_auth_fallback_hash())

    def _mark(self, session_hash: str) -> str:
        return session_hash if self.access_since is None else f"{session_hash}{self.access_since.timestamp()}"

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: deactivate the account instead."""
        raise Refusal("people_are_deactivated", username=self.username)

    @cached_property
    def roles(self) -> set[Role]:
        """The person's roles; a superuser is an admin."""
        known = {str(role) for role in Role}
        found = {Role(group.name) for group in self.groups.all() if group.name in known}
        return found | {Role.ADMIN} if self.is_superuser else found

    @cached_property
    def capabilities(self) -> frozenset[Capability]:
        """What the person may do."""
        return capabilities_of(self.roles)


class AuditEntry(models.Model):
    """A history row as it was written, waiting for its seal. Filled and emptied by the database alone.

    `payload` is the row as PostgreSQL's jsonb text: keys in a fixed order, times in UTC.
    """

    table_name = models.CharField(max_length=63)
    history_id = models.BigIntegerField()
    payload = models.TextField()
    transaction_id = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.table_name} {self.history_id}"


class AuditLink(models.Model):
    """One link of the chain: `hash` covers the link before it and everything in this one."""

    seq = models.BigIntegerField(primary_key=True)
    table_name = models.CharField(max_length=63)
    history_id = models.BigIntegerField()
    payload = models.TextField()
    sealed_at = models.DateTimeField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["seq"]
        constraints = [
            models.UniqueConstraint(name="core_auditlink_row_once", fields=["table_name", "history_id"]),
            models.CheckConstraint(name="core_auditlink_counted_from_one", condition=models.Q(seq__gte=1)),
            models.CheckConstraint(
                name="core_auditlink_hashes",
                condition=models.Q(hash__regex=HASH) & models.Q(previous_hash__regex=HASH),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq}: {self.table_name} {self.history_id}"


class ExportRecord(models.Model):
    """Who took a copy of the changes out of the portal, when and which. Only grows."""

    append_only = True

    exported_at = models.DateTimeField()
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    filters = models.JSONField(default=dict)
    row_count = models.PositiveIntegerField()

    class Meta:
        ordering = ["-exported_at"]

    def __str__(self) -> str:
        return f"{self.exported_at:%Y-%m-%d %H:%M} {self.person}"
