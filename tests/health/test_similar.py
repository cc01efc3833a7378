"""Complaints that say the same: what the customer's people write, in French, and what only looks like it."""

import pytest

from core import clock
from flags.models import Environment, Site
from health.similar_queries import list_similar, match_similar
from tests.factories.flags import make_environment, make_site
from tests.factories.health import make_complaint

pytestmark = pytest.mark.django_db

ALIKE = [
    ("Impossible de changer le prix", "On n’arrive plus à changer les prix des livres"),
    ("Impossible de changer le prix", "Le prix ne peut pas être changé sur la caisse 2"),
    ("Les écrans sont gelés", "écran gelé depuis ce matin, on redémarre"),
    ("ecran gele", "L’ÉCRAN est GELÉ !"),
    ("Le ticket ne s’imprime pas", "Tickets non imprimés depuis 10 h, file d’attente"),
    ("La TVA est fausse sur les vêtements", "TVA fausse pour le vêtement enfant"),
    ("Le tiroir reste bloqué", "tiroir-caisse bloqué"),
    ("Total faux avec la remise", "La remise donne un total faux, 3 clients ce matin"),
    ("The drawer stays shut", "Drawer shut again, customers wait"),
    ("Le cœur de gamme n’apparaît pas dans les catégories", "catégories : le coeur de gamme a disparu"),
    ("Imprimante", "Imprimante en panne"),
    ("CB refusée", "CB refusées toute la matinée"),
]
APART = [
    ("Impossible de changer le prix", "Impossible d’ouvrir le tiroir"),
    ("La caisse ne marche plus depuis ce matin", "Depuis ce matin l’imprimante de la caisse ne marche plus"),
    ("Impossible de changer le prix", "Le prix du pain est affiché en double sur l’écran du client à Lille"),
    ("Le ticket ne s’imprime pas", "Le client veut un avoir"),
    ("Erreur à la caisse", "La caisse affiche une erreur"),
    ("Le total est faux", "Le poids est faux"),
    ("Bonjour, problème de logiciel", "Bonjour, nouveau problème"),
    ("12 34", "12 34"),
    ("💥💥", "💥"),
]


@pytest.fixture
def environment() -> Environment:
    return make_environment()


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.mark.parametrize(("typed", "said"), ALIKE + [(said, typed) for typed, said in ALIKE])
def test_similar__two_words_that_matter__are_found_whatever_their_endings(
    environment: Environment, site: Site, typed: str, said: str
) -> None:
    earlier = make_complaint(environment, site=site, text=said, now=clock.now())

    assert list_similar(environment_key=environment.key, text=typed, now=clock.now()) == [earlier]
    later = make_complaint(environment, site=site, text=typed, now=clock.now())
    found = match_similar([earlier.pk, later.pk], environment_key=environment.key, now=clock.now())
    assert found == {earlier.pk: [], later.pk: [earlier]}


@pytest.mark.parametrize(("typed", "said"), APART + [(said, typed) for typed, said in APART])
def test_similar__words_that_everybody_uses__are_not_enough(
    environment: Environment, site: Site, typed: str, said: str
) -> None:
    make_complaint(environment, site=site, text=said, now=clock.now())

    assert list_similar(environment_key=environment.key, text=typed, now=clock.now()) == []


@pytest.mark.parametrize(
    "text", ["", "\x00", "x" * 4_000, "é" * 4_000, "a" * 2_047, "'\\ \" & | ! :* <script>", "💥" * 99]
)
def test_similar__hostile_words__are_stored_and_find_nothing_else(
    environment: Environment, site: Site, text: str
) -> None:
    if text.strip("\x00"):
        make_complaint(environment, site=site, text=text, now=clock.now())

    assert len(list_similar(environment_key=environment.key, text=text, now=clock.now())) <= 1


def test_similar__more_words_in_common__stands_first(environment: Environment, site: Site) -> None:
    two = make_complaint(environment, site=site, text="Le ticket de remise", now=clock.now())
    three = make_complaint(environment, site=site, text="Ticket de remise imprimé deux fois", now=clock.now())
    other = make_complaint(environment, site=site, text="Remise du ticket", now=clock.now())

    found = list_similar(environment_key=environment.key, text="ticket de remise non imprimé", now=clock.now())

    assert found == [three, other, two]
