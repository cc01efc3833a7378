"""Links that need no account: a pilot's address of the feedback page, signed."""

from dataclasses import dataclass
from datetime import date

from django.core.signing import BadSignature, Signer

SALT = "rollouts.feedback"
#: No link of ours is longer: a targeting key has at most 200 characters.
MOST_CHARACTERS = 1_500


@dataclass(frozen=True)
class Link:
    """Whose feedback on which rollout a link takes, and since which day it is out."""

    rollout_id: int
    targeting_key: str
    issued_on: date


def write_token(link: Link) -> str:
    """Return the link's token: the same for the whole of its day."""
    return Signer(salt=SALT).sign_object([link.rollout_id, link.targeting_key, link.issued_on.toordinal()])


def read_token(token: str) -> Link | None:
    """Return what a token says, None where we did not sign it."""
    if len(token) > MOST_CHARACTERS:
        return None
    try:
        rollout_id, targeting_key, ordinal = Signer(salt=SALT).unsign_object(token)
    except BadSignature:
        return None
    return Link(rollout_id, targeting_key, date.fromordinal(ordinal))
