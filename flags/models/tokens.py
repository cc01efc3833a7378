"""Programs' tokens."""

from django.db import models

from core.history import track
from flags.domain.purposes import Purpose
from flags.models.places import Environment


class ApiToken(models.Model):
    """A program's key to one environment for one purpose; only its SHA-256 is stored."""

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="tokens")
    purpose = models.CharField(max_length=10, choices=[(purpose.value, purpose.value) for purpose in Purpose])
    name = models.CharField(max_length=100)
    token_hash = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=16)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    history = track(excluded_fields=["token_hash"])

    class Meta:
        ordering = ["environment", "purpose", "name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class TokenUse(models.Model):
    """When a token was last used. Untracked."""

    token = models.OneToOneField(ApiToken, on_delete=models.CASCADE, primary_key=True, related_name="use")
    last_used_at = models.DateTimeField()
