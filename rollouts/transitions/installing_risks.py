"""The risks that come with the portal: the customer's own lines, each there once, whatever people made of them."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.actors import INSTALLATION
from core.reasons import write_reason
from rollouts.domain.risks import RiskCategory
from rollouts.models import Risk
from rollouts.transitions.keeping_risks import RiskWords, create_risk


@dataclass(frozen=True)
class BuiltInRisk:
    """A risk as the customer named it, in the customer's language; medium, so that it asks and does not stop."""

    key: str
    category: RiskCategory
    title: str
    description: str
    mitigation: str
    likelihood: int
    impact: int


#: Three categories, and their mitigation strategies: tests of the whole, deployment step by step, a written way back.
BUILT_IN: tuple[BuiltInRisk, ...] = (
    BuiltInRisk(
        "ui_performance",
        RiskCategory.TECHNICAL,
        "Performances dégradées par les nouveaux composants de l’interface",
        "Les nouveaux composants peuvent ralentir la caisse, surtout sur les postes les plus anciens.",
        "- Tests d’intégration complets, sur un poste de caisse réel\n"
        "- Déploiement progressif : une fonctionnalité après l’autre, avec le garde-fou de performance (20 %)\n"
        "- Plan de retour arrière documenté : désactiver la fonctionnalité concernée",
        3,
        3,
    ),
    BuiltInRisk(
        "browser_shortcuts",
        RiskCategory.TECHNICAL,
        "Raccourcis clavier incompatibles avec certains navigateurs",
        "Un navigateur ou un système peut garder pour lui une touche dont la caisse a besoin.",
        "- Tests d’intégration complets dans chaque navigateur utilisé en caisse\n"
        "- Déploiement progressif : d’abord les caissiers pilotes, avec un retour chaque jour\n"
        "- Tout reste possible à la souris ; les raccourcis se désactivent seuls",
        3,
        2,
    ),
    BuiltInRisk(
        "type_duplication",
        RiskCategory.INTEGRATION,
        "Conflits avec la « Type Duplication Crisis »",
        "Des types définis deux fois peuvent diverger : une donnée juste d’un côté est fausse de l’autre.",
        "- Tests d’intégration complets entre la caisse et le serveur, sur les types partagés\n"
        "- Recenser les doublons touchés par la version avant de la planifier\n"
        "- Plan de retour arrière documenté, migrations comprises",
        3,
        4,
    ),
    BuiltInRisk(
        "existing_apis",
        RiskCategory.INTEGRATION,
        "Impact sur les API existantes",
        "Un programme qui appelle les API peut ne plus comprendre leurs réponses.",
        "- Tests d’intégration complets avec les appels d’aujourd’hui\n"
        "- Ajouter sans retirer : l’ancienne forme reste tant qu’elle est appelée\n"
        "- Plan de retour arrière documenté : image précédente de l’application",
        2,
        4,
    ),
    BuiltInRisk(
        "till_regression",
        RiskCategory.DEPLOYMENT,
        "Régression de la caisse existante pendant le déploiement",
        "Une fonction qui marchait peut ne plus marcher, en plein service.",
        "- Déploiement progressif : interne, pilotes, puis un site par jour, hors des heures d’ouverture\n"
        "- Garde-fous (erreurs, performance, réclamations) et support renforcé la première semaine\n"
        "- Plan de retour arrière documenté et répété : retour en moins de cinq minutes",
        2,
        5,
    ),
)


@transaction.atomic
def install_risks(*, now: datetime) -> None:
    """Make sure that the customer's lines are in the register; one that people changed or closed stays so."""
    known = set(Risk.objects.exclude(built_in="").values_list("built_in", flat=True))
    for one in BUILT_IN:
        if one.key not in known:
            create_risk(
                words=RiskWords(
                    title=one.title, category=one.category, description=one.description, mitigation=one.mitigation
                ),
                likelihood=one.likelihood,
                impact=one.impact,
                actor=INSTALLATION,
                reason=write_reason("risk_installed"),
                now=now,
                built_in=one.key,
            )
