"""The words that announcements begin with: installed, changed with a reason, put back as they came."""

from datetime import datetime

from django.db import connection, transaction

from announcements.default_words import DEFAULTS
from announcements.domain.kinds import Kind
from announcements.models import LONGEST_BODY, LONGEST_TITLE, AnnouncementTemplate
from announcements.transitions.drafting import check_placeholders
from announcements.transitions.locking import check_line, check_words
from core.actors import INSTALLATION, Actor
from core.errors import InvalidInput
from core.history import recorded
from core.reasons import write_reason
from core.versions import check_version

#: Any number of our own: two processes that start install one after the other.
INSTALL_LOCK = 7_140_225


def get_template(kind: Kind) -> AnnouncementTemplate:
    """Return the template of a kind; every database has one of each."""
    return AnnouncementTemplate.objects.get(kind=kind)


@transaction.atomic
def edit_template(
    *,
    kind: Kind,
    title_fr: str,
    body_fr: str,
    title_en: str,
    body_en: str,
    actor: Actor,
    reason: str,
    now: datetime,
    seen: int | None = None,
) -> AnnouncementTemplate:
    """Change the words of a kind, in both languages; drafts that began with the old ones keep those."""
    template = AnnouncementTemplate.objects.select_for_update(of=("self",)).get(kind=kind)
    check_version(template, seen)
    template.title_fr = check_line(title_fr, limit=LONGEST_TITLE)
    template.title_en = check_line(title_en, limit=LONGEST_TITLE)
    template.body_fr = check_words(body_fr, limit=LONGEST_BODY)
    template.body_en = check_words(body_en, limit=LONGEST_BODY)
    if not all((template.title_fr, template.body_fr, template.title_en, template.body_en)):
        raise InvalidInput("template_in_both")
    check_placeholders({name: getattr(template, name) for name in ("title_fr", "body_fr", "title_en", "body_en")})
    with recorded(actor=actor, reason=reason, now=now):
        template.save()
    return template


def restore_template(
    *, kind: Kind, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> AnnouncementTemplate:
    """Give a kind the words again that the portal came with."""
    words = DEFAULTS[kind]
    return edit_template(
        kind=kind,
        title_fr=words.title_fr,
        body_fr=words.body_fr,
        title_en=words.title_en,
        body_en=words.body_en,
        actor=actor,
        reason=reason,
        now=now,
        seen=seen,
    )


@transaction.atomic
def install_templates(*, now: datetime) -> None:
    """Make sure that each kind has its words; what people wrote stays."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [INSTALL_LOCK])
    known = set(AnnouncementTemplate.objects.values_list("kind", flat=True))
    with recorded(actor=INSTALLATION, reason=write_reason("built_in_words"), now=now):
        for kind, words in DEFAULTS.items():
            if kind not in known:
                AnnouncementTemplate(
                    kind=kind,
                    title_fr=words.title_fr,
                    body_fr=words.body_fr,
                    title_en=words.title_en,
                    body_en=words.body_en,
                ).save()
