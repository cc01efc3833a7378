"""What is public from the start: production, with its till, its back end and every site."""

from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone

from core.actors import INSTALLATION
from core.history import recorded
from core.reasons import write_reason
from flags.models import Environment, Site
from statuspage.domain.affecting import ComponentKind
from statuspage.models import Component, PublicEnvironment

#: Any number of our own: whoever installs, installs alone.
INSTALL_LOCK = 7_140_220
#: A till, a back end, then sites by name with room between.
DEFAULTS = (
    (ComponentKind.TILL, "Caisse", "Till", "Le logiciel de caisse", "The software of the tills"),
    (ComponentKind.BACK_END, "Serveur", "Back end", "Ce qui garde les ventes", "What keeps the sales"),
)
FIRST_SITE, STEP = 100, 10


def install_all(*, now: datetime) -> None:
    """Give a new database what is public from the start."""
    install_components(now=now)


def install_components(*, now: datetime) -> int:
    """Make sure that each production environment has said what is public, and a component for each site; how many."""
    new = Environment.objects.filter(is_production=True).exclude(pk__in=_known())
    return _install(now=now) if new.exists() or _misses_sites() else 0


def _misses_sites() -> bool:
    """Tell whether an environment with components has fewer of sites than there are sites: two queries."""
    of_sites = Count("pk", filter=Q(site__isnull=False))
    counts = Component.objects.order_by().values("environment").annotate(n=of_sites).values_list("n", flat=True)
    return any(count < Site.objects.count() for count in counts)


def _known() -> list[int]:
    return list(PublicEnvironment.objects.values_list("environment", flat=True))


def _list_missing() -> list[tuple[int, Site]]:
    """Return the sites that an environment with components has none for."""
    having = set(Component.objects.filter(site__isnull=False).values_list("environment", "site"))
    kept = set(Component.objects.values_list("environment", flat=True))
    sites = list(Site.objects.order_by("name", "pk"))
    return [(key, site) for key in sorted(kept) for site in sites if (key, site.pk) not in having]


@transaction.atomic
def _install(*, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [INSTALL_LOCK])
    made = 0
    with recorded(actor=INSTALLATION, reason=write_reason("component_installed"), now=now):
        for environment in Environment.objects.filter(is_production=True).exclude(pk__in=_known()):
            PublicEnvironment.objects.create(environment=environment, is_public=True, changed_at=now)
            made += sum(_make_default(environment, place, now=now) for place in range(len(DEFAULTS)))
    with recorded(actor=INSTALLATION, reason=write_reason("site_added"), now=now):
        for environment_id, site in _list_missing():
            _make_site(environment_id, site, now=now)
            made += 1
    return made


def _make_default(environment: Environment, place: int, *, now: datetime) -> int:
    kind, name_fr, name_en, description_fr, description_en = DEFAULTS[place]
    Component.objects.create(
        environment=environment,
        kind=kind,
        name_fr=name_fr,
        name_en=name_en,
        description_fr=description_fr,
        description_en=description_en,
        position=(place + 1) * STEP,
        counted_from=_first_day(environment, now=now),
        created_at=now,
        changed_at=now,
    )
    return 1


def _make_site(environment_id: int, site: Site, *, now: datetime) -> None:
    beside = Component.objects.filter(environment=environment_id, kind=ComponentKind.SITE)
    Component.objects.create(
        environment_id=environment_id,
        kind=ComponentKind.SITE,
        site=site,
        name_fr=site.name,
        name_en=site.name,
        position=FIRST_SITE + beside.count() * STEP,
        counted_from=_first_day(site, now=now),
        created_at=now,
        changed_at=now,
    )


def _first_day(row: Environment | Site, *, now: datetime) -> date:
    """Return the day from which on the portal knew of something: what happened before is not known."""
    first = type(row).history.filter(id=row.pk).order_by("history_date").first()
    return timezone.localdate(first.history_date if first else now)
