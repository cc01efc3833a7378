"""What people chose of how they are told, and what waits for their next digest."""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from core import clock
from core.history import track
from notifications.domain.digest import (
    DEFAULT_HOUR,
    EARLIEST_HOUR,
    LATEST_HOUR,
    WEEKDAYS,
    DigestTimes,
    Preferences,
)
from notifications.domain.mail_modes import MailChoice, MailMode

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


def list_weekdays() -> list[int]:
    """Return the days of a digest for whoever chose none."""
    return list(WEEKDAYS)


class PersonalSettings(models.Model):
    """A person's own; without a row they have what a new one has. The language stands with the account.

    `time_zone` is empty for the portal's. `mail_in_digest`, `mail_never`: groups of kinds (notifications.labels) whose
    mails wait for the digest, or are not sent; those of no list come at once.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="personal_settings")
    time_zone = models.CharField(max_length=64, blank=True)
    digest_is_on = models.BooleanField(default=True)
    digest_hour = models.PositiveSmallIntegerField(default=DEFAULT_HOUR)
    digest_weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list_weekdays)
    mail_in_digest = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    mail_never = ArrayField(models.CharField(max_length=20), default=list, blank=True)

    history = track()

    class Meta:
        verbose_name_plural = "personal settings"
        ordering = ["user"]
        constraints = [
            models.CheckConstraint(
                name="notifications_digest_hour_of_day", condition=Q(digest_hour__range=(EARLIEST_HOUR, LATEST_HOUR))
            ),
            models.CheckConstraint(
                name="notifications_digest_weekdays",
                condition=Q(digest_weekdays__contained_by=EVERY_DAY, digest_weekdays__len__gte=1),
            ),
            models.CheckConstraint(
                name="notifications_one_mode_for_a_group", condition=~Q(mail_in_digest__overlap=F("mail_never"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}"

    @property
    def preferences(self) -> Preferences:
        """The same as a value, with the portal's zone where the person has none."""
        zone = ZoneInfo(self.time_zone) if self.time_zone else clock.get_zone()
        modes = dict.fromkeys(self.mail_in_digest, MailMode.DIGEST) | dict.fromkeys(self.mail_never, MailMode.NEVER)
        return Preferences(
            times=DigestTimes(zone=zone, hour=self.digest_hour, weekdays=tuple(self.digest_weekdays)),
            choice=MailChoice(has_digest=self.digest_is_on, modes=modes),
        )


class DigestState(models.Model):
    """The newest local day whose digest was made, or found to be empty. Untracked: each digest is an event."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="digest_state")
    last_on = models.DateField()

    class Meta:
        ordering = ["user"]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.last_on}"


class HeldMessage(models.Model):
    """A message whose mail waits for the reader's next digest, and the digest that told of it. Untracked.

    `settled_at` without a digest: it was read meanwhile, or its reader gave the digest up.
    """

    event = models.ForeignKey("notifications.Event", on_delete=models.PROTECT, related_name="held")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="held", db_index=False)
    digest = models.ForeignKey(
        "notifications.Event", on_delete=models.PROTECT, null=True, blank=True, related_name="told_of"
    )
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(name="notifications_held_once", fields=["event", "reader"]),
            models.CheckConstraint(
                name="notifications_told_in_a_digest_when",
                condition=Q(digest__isnull=True) | Q(settled_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="notifications_held", fields=["reader", "id"], condition=Q(settled_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.event_id} → {self.reader_id}"
