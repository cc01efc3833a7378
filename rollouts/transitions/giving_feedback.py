"""Takes a pilot's feedback of a day, by a link that needs no account."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from core.actors import PILOT
from core.domain.business_time import local_day
from core.errors import InvalidInput, Refusal
from core.reasons import write_reason
from flags.models import SegmentMember
from rollouts.domain.feedback import LEAST_RATING, MOST_A_DAY, MOST_RATING, MOST_TEXT_CHARACTERS, Door
from rollouts.feedback_links import Link
from rollouts.feedback_queries import find_door
from rollouts.models import Feedback, FeedbackText, Rollout
from rollouts.story import add_event


@transaction.atomic
def give_feedback(*, link: Link, rating: int, text: str, flag_id: int | None, now: datetime) -> Feedback:
    """Store what a pilot says of today; the first of their day stands in the story, without their words.

    Refuses a link that is not open, a flag of another rollout, and more than `MOST_A_DAY` on one day.
    """
    _check(rating, text)
    rollout = Rollout.objects.select_related("release", "environment").filter(pk=link.rollout_id).first()
    if rollout is None or find_door(rollout, link, now=now) is not Door.OPEN:
        raise Refusal("feedback_closed")
    if flag_id is not None and not rollout.rollout_flags.filter(flag=flag_id).exists():
        raise InvalidInput("feedback_flag_unknown")
    # The person's own rows in one order: two sendings at once are counted one after the other.
    list(SegmentMember.objects.select_for_update(of=("self",)).filter(targeting_key=link.targeting_key).order_by("pk"))
    day = local_day(now, zone=ZoneInfo(rollout.zone))
    before = rollout.feedback.filter(targeting_key=link.targeting_key, day=day).count()
    if before >= MOST_A_DAY:
        raise Refusal("feedback_too_often", limit=MOST_A_DAY)
    feedback = Feedback.objects.create(
        rollout=rollout,
        attempt=rollout.attempt,
        targeting_key=link.targeting_key,
        day=day,
        rating=rating,
        flag_id=flag_id,
        received_at=now,
    )
    if text.strip():
        FeedbackText.objects.create(feedback=feedback, text=text.strip())
    if not before:
        reason = write_reason("feedback_by_link")
        add_event(rollout, kind="feedback_given", actor=PILOT, reason=reason, now=now, data={"rating": rating})
    return feedback


def _check(rating: int, text: str) -> None:
    if not LEAST_RATING <= rating <= MOST_RATING:
        raise InvalidInput("feedback_rating_wrong")
    if len(text) > MOST_TEXT_CHARACTERS:
        raise InvalidInput("feedback_too_long", limit=MOST_TEXT_CHARACTERS)
    if "\x00" in text:
        raise InvalidInput("input_unreadable")


@transaction.atomic
def forget_feedback_words(*, received_before: datetime, at_most: int) -> int:
    """Delete the words of feedback received before a moment, oldest first; return how many. The ratings stay."""
    rows = FeedbackText.objects.select_for_update(of=("self",), skip_locked=True)
    old = rows.filter(feedback__received_at__lt=received_before).order_by("feedback__received_at", "pk")
    deleted, _by_model = FeedbackText.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:at_most])).delete()
    return deleted
