"""How many mails one person gets at their own pace, and which of them are never one line among others."""

from datetime import timedelta

from notifications.domain.mail_modes import DIGEST_KIND, HISTORY_HEAD_KIND

#: Who got a flood's worth of usual mails within this time gets the next when the first of them is so old.
CALM = timedelta(minutes=5)
#: More than their line: what is due, the proof that history stands, a test with its code, what people wrote.
ALONE = frozenset(
    {
        *(DIGEST_KIND, HISTORY_HEAD_KIND, "channel_test"),
        *("announcement", "announcement_corrected", "announcement_withdrawn"),
    }
)
