"""What the demo consists of, a French shop's words. Names and keys only: no database, no secrets."""

from dataclasses import dataclass

from core.roles import Role
from flags.domain.opening import DayKind

RELEASE_VERSION = "1.3.0"
PRODUCTION = "prod"
STAGING = "staging"
TESTERS_KEY = "testers"
PILOTS_KEY = "pilot-cashiers"
TESTER_COUNT = 6
#: Two, since one till alone may be what is broken.
TEST_BENCHES = ("test-bench-1", "test-bench-2")
REHEARSAL_DAY_SECONDS = 50


@dataclass(frozen=True)
class DemoEnvironment:
    key: str
    name: str
    is_production: bool = False


@dataclass(frozen=True)
class DemoSite:
    key: str
    name: str
    till_count: int
    #: Phones of the ranges that are kept for fiction; people and streets are made up.
    phone: str
    street: str
    postal_code: str
    contact_name: str
    backup_name: str
    backup_phone: str


@dataclass(frozen=True)
class DemoDays:
    """Exceptional days, beginning on the first such weekday at least so many days ahead."""

    site_key: str
    ahead_days: int
    weekday: int
    length: int
    kind: DayKind
    label: str


@dataclass(frozen=True)
class DemoFlag:
    key: str
    name: str
    description: str
    note_fr: str
    criticality: str


@dataclass(frozen=True)
class DemoTill:
    """A till with the people who take turns at it."""

    key: str
    site_key: str
    people: tuple[str, ...]


ENVIRONMENTS = (
    DemoEnvironment("dev", "Développement"),
    DemoEnvironment(STAGING, "Préproduction"),
    DemoEnvironment(PRODUCTION, "Production", is_production=True),
)
SITES = (
    DemoSite(
        *("lyon", "Lyon", 4, "04 65 71 00 11"),
        *("12 rue des Deux Cèdres", "69007", "Maud Ferrand", "Théo Vasseur", "04 65 71 00 21"),
    ),
    DemoSite(
        *("nantes", "Nantes", 2, "02 61 91 00 12"),
        *("3 quai du Vieux Moulin", "44200", "Yann Le Bihan", "Clara Pineau", "02 61 91 00 22"),
    ),
    DemoSite(
        *("lille", "Lille", 2, "03 53 01 00 13"),
        *("48 rue de la Filature", "59800", "Sofia Delattre", "Marc Wallaert", "03 53 01 00 23"),
    ),
    DemoSite(
        *("brest", "Brest", 2, "02 61 91 00 14"),
        *("7 rue des Goélands", "29200", "Enora Kervella", "Loïc Tanguy", "02 61 91 00 24"),
    ),
    DemoSite(
        *("paris", "Paris", 2, "01 99 00 00 15"),
        *("21 passage des Chiffonniers", "75020", "Amine Rahal", "Jeanne Colas", "01 99 00 00 25"),
    ),
    DemoSite(
        *("rennes", "Rennes", 2, "02 61 91 00 16"),
        *("5 allée du Lavoir", "35000", "Gwenaël Roux", "Salomé Hubert", "02 61 91 00 26"),
    ),
)
OPENING_HOURS = "10:00–12:30, 14:00–18:00"
#: Behind the standing rollout's last site, so that it stands calmly whatever they are.
DAYS = (
    DemoDays("lille", 21, 6, 2, DayKind.NO_CHANGE, "Braderie"),
    DemoDays("rennes", 21, 1, 2, DayKind.NO_CHANGE, "Inventaire"),
    DemoDays("nantes", 28, 1, 14, DayKind.CLOSED, "Fermeture annuelle"),
    DemoDays("lyon", 21, 7, 1, DayKind.OPEN, "Ouverture exceptionnelle"),
)
#: On duty for all sites, this week and the next two.
ON_DUTY = (
    ("Inès Garnier", "01 99 00 00 40"),
    ("Bastien Roche", "01 99 00 00 41"),
    ("Inès Garnier", "01 99 00 00 40"),
)
DUTY_HOURS = "8:00–19:00"
#: The number that shops call, the same in every environment.
HOTLINE = "01 99 00 00 90"
#: In the order in which they advance.
FLAGS = (
    DemoFlag(
        "price_buttons_v1_3",
        "Boutons de prix",
        "De grands boutons pour les prix courants.",
        "Les prix courants ont maintenant de grands boutons.",
        "critical",
    ),
    DemoFlag(
        "category_visibility_v1_3",
        "Catégories à cocher",
        "Chaque caisse ne montre que les catégories cochées pour elle.",
        "Vous ne voyez plus que les catégories cochées pour votre caisse.",
        "important",
    ),
    DemoFlag(
        "scrollable_tickets_v1_3",
        "Tickets défilants",
        "Un long ticket défile au lieu de rétrécir.",
        "Un long ticket défile au lieu de rétrécir.",
        "important",
    ),
    DemoFlag(
        "keyboard_shortcuts_v1_3",
        "Raccourcis clavier",
        "Les actions courantes ont une touche.",
        "Les actions courantes ont un raccourci clavier.",
        "important",
    ),
    DemoFlag(
        "visual_signals_v1_3",
        "Signaux visuels",
        "Une couleur dit si la vente est passée.",
        "Une couleur indique si la vente est validée.",
        "minor",
    ),
    DemoFlag(
        "central_block_redesign_v1_3",
        "Bloc central",
        "Le milieu de l’écran de vente est réorganisé.",
        "Le centre de l’écran de vente est réorganisé.",
        "critical",
    ),
    DemoFlag(
        "recyClique_branding_v1_3",
        "Identité RecyClique",
        "Nouveau nom et nouvelles couleurs.",
        "Le nom et les couleurs changent.",
        "minor",
    ),
    DemoFlag(
        "backup_audit_v1_3",
        "Audit des sauvegardes",
        "Chaque sauvegarde est vérifiée et consignée.",
        "Chaque sauvegarde est vérifiée et notée.",
        "critical",
    ),
)
FLAG_KEYS = tuple(flag.key for flag in FLAGS)
#: The names under which `portal.json` lists the accounts, with a full name and the role.
PEOPLE = (
    ("manager", "Camille Moreau", Role.RELEASE_MANAGER),
    ("manager2", "Lucas Bernard", Role.RELEASE_MANAGER),
    ("support", "Inès Garnier", Role.SUPPORT),
    ("auditor", "Hugo Lefèvre", Role.AUDITOR),
    ("admin", "Nora Petit", Role.ADMIN),
)


def list_tills() -> tuple[DemoTill, ...]:
    """Return the tills of all sites, each with its cashier."""
    return tuple(
        DemoTill(f"till-{site.key}-{number:02}", site.key, (f"cashier-{site.key}-{number:02}",))
        for site in SITES
        for number in range(1, site.till_count + 1)
    )


def list_testers() -> tuple[str, ...]:
    """Return the targeting keys of the internal testers."""
    return tuple(f"tester-{number:02}" for number in range(1, TESTER_COUNT + 1))


def list_pilots() -> tuple[str, ...]:
    """Return the targeting keys of the pilot cashiers: those of the first site."""
    return tuple(person for till in list_tills() if till.site_key == SITES[0].key for person in till.people)
