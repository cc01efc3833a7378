"""The words that announcements begin with, in French and English: short, plain, for whoever stands at a till.

Each says what happens, what it means at the counter, and what comes next. A line of which a place has no value is
left out, so that a hotline or a next update stands there only where there is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from announcements.domain.kinds import Kind


@dataclass(frozen=True)
class Words:
    title_fr: str
    body_fr: str
    title_en: str
    body_en: str


#: By language: stands where somebody is to write, and never goes out.
HINTS: Mapping[str, str] = {
    "fr": "Écrivez ici ce qu’il faut savoir : ce qui se passe, ce que cela change en caisse, ce qui vient ensuite.",
    "en": "Write here what people need to know: what happens, what it changes at the till, what comes next.",
}
_CALL_FR = "Une question, un souci ? Appelez le {hotline}."
_CALL_EN = "A question, a problem? Call {hotline}."
_NEXT_FR = "Prochaines nouvelles : {next_update}."
_NEXT_EN = "Next update: {next_update}."


def _words(title_fr: str, lines_fr: str, title_en: str, lines_en: str, *, promises: bool = False) -> Words:
    """Return words with the hotline, and the promised update, below."""
    below_fr = f"{_NEXT_FR}\n{_CALL_FR}" if promises else _CALL_FR
    below_en = f"{_NEXT_EN}\n{_CALL_EN}" if promises else _CALL_EN
    return Words(title_fr, f"{lines_fr}\n\n{below_fr}", title_en, f"{lines_en}\n\n{below_en}")


DEFAULTS: Mapping[Kind, Words] = {
    Kind.RELEASE_PLANNED: _words(
        "La version {release} arrive en caisse",
        "La nouvelle version de la caisse sera mise en place petit à petit à partir du {starts}.\n"
        "Au programme : {flags}.\n\n"
        "Vous n’avez rien à installer. Chaque nouveauté apparaît d’elle-même, et peut être retirée à tout moment "
        "si quelque chose ne va pas.",
        "Release {release} is coming to the tills",
        "The new version of the till will reach you step by step, starting {starts}.\n"
        "What is new: {flags}.\n\n"
        "There is nothing to install. Each new feature appears by itself, and can be taken back at any moment if "
        "something is wrong.",
    ),
    Kind.PHASE_BEGINS: _words(
        "Version {release} : l’étape « {phase} » commence",
        "Une nouvelle étape de la mise en place de la version {release} commence : {phase}.\n"
        "Les nouveautés : {flags}.\n"
        "Ensuite : {next_phase}.\n\n"
        "Si quelque chose vous gêne en caisse, dites-le-nous tout de suite : nous pouvons revenir en arrière.",
        "Release {release}: the stage “{phase}” begins",
        "The next stage of release {release} begins: {phase}.\n"
        "What is new: {flags}.\n"
        "After that: {next_phase}.\n\n"
        "If anything bothers you at the till, tell us at once: we can go back.",
    ),
    Kind.ROLLOUT_HELD: _words(
        "Version {release} : la mise en place est en pause",
        "Nous avons mis en pause la mise en place de la version {release} le temps d’une vérification.\n\n"
        "Rien ne change en caisse pour l’instant : continuez comme d’habitude.",
        "Release {release}: the rollout is on hold",
        "We have put the rollout of release {release} on hold while we check something.\n\n"
        "Nothing changes at the till for now: carry on as usual.",
        promises=True,
    ),
    Kind.ROLLBACK_BEGUN: _words(
        "Version {release} : nous revenons en arrière",
        "Nous retirons des nouveautés de la version {release}, parce qu’elles posent un problème.\n"
        "Concerné : {flags}.\n\n"
        "La caisse peut changer d’aspect pendant quelques minutes. Terminez la vente en cours, puis rechargez la page "
        "si on vous le demande. Aucune vente enregistrée n’est perdue.",
        "Release {release}: we are going back",
        "We are taking back features of release {release}, because they cause a problem.\n"
        "Concerned: {flags}.\n\n"
        "The till may look different for some minutes. Finish the sale under way, then reload the page if you are "
        "asked to. No recorded sale is lost.",
        promises=True,
    ),
    Kind.ROLLBACK_DONE: _words(
        "Version {release} : le retour en arrière est terminé",
        "Les nouveautés qui posaient problème sont retirées : {flags}.\n\n"
        "La caisse fonctionne de nouveau comme avant. Si ce n’est pas le cas chez vous, rechargez la page, "
        "puis appelez-nous.",
        "Release {release}: we are back as before",
        "The features that caused the problem are taken back: {flags}.\n\n"
        "The till works again as before. If it does not at yours, reload the page, then call us.",
    ),
    Kind.INCIDENT_INVESTIGATING: _words(
        "Un problème est en cours",
        "Des caisses rencontrent un problème depuis le {since}. Nous cherchons la cause.\n"
        "Sites concernés : {sites}.\n\n"
        "Ce qui fonctionne peut être utilisé normalement. En attendant, notez sur papier ce que vous ne pouvez pas "
        "enregistrer.",
        "There is a problem",
        "Some tills have had a problem since {since}. We are looking for the cause.\n"
        "Sites concerned: {sites}.\n\n"
        "What works can be used as usual. Meanwhile, write down on paper what you cannot record.",
        promises=True,
    ),
    Kind.INCIDENT_IDENTIFIED: _words(
        "Nous avons trouvé la cause du problème",
        "Nous savons d’où vient le problème et nous le corrigeons.\n"
        "Sites concernés : {sites}.\n\n"
        "Continuez comme nous vous l’avons dit ; nous vous prévenons dès que tout fonctionne.",
        "We have found the cause of the problem",
        "We know where the problem comes from and are mending it.\n"
        "Sites concerned: {sites}.\n\n"
        "Carry on as we told you; we will say so as soon as everything works.",
        promises=True,
    ),
    Kind.INCIDENT_MONITORING: _words(
        "Cela fonctionne de nouveau, nous surveillons",
        "Le problème est corrigé et les caisses fonctionnent de nouveau. Nous surveillons encore.\n\n"
        "Vous pouvez enregistrer ce que vous avez noté sur papier. Si quelque chose ne va toujours pas, dites-le-nous.",
        "It works again, we keep watching",
        "The problem is mended and the tills work again. We are still watching.\n\n"
        "You can record now what you wrote down on paper. If anything is still wrong, tell us.",
        promises=True,
    ),
    Kind.INCIDENT_RESOLVED: _words(
        "Le problème est résolu",
        "Tout fonctionne de nouveau, et nous l’avons vérifié en caisse. Merci de votre patience.\n\n"
        "Pensez à enregistrer ce que vous avez noté sur papier.",
        "The problem is solved",
        "Everything works again, and we have checked it at the tills. Thank you for your patience.\n\n"
        "Remember to record what you wrote down on paper.",
    ),
    Kind.MAINTENANCE_PLANNED: _words(
        "Maintenance prévue le {starts}",
        "Une maintenance est prévue. Elle commence le {starts}.\n"
        "Fin prévue : {ends}.\n"
        "Sites concernés : {sites}.\n\n"
        "La caisse peut être indisponible pendant ce temps. Terminez vos ventes en cours avant le début.",
        "Maintenance planned for {starts}",
        "Maintenance will take place from {starts} on.\n"
        "Planned end: {ends}.\n"
        "Sites concerned: {sites}.\n\n"
        "The till may not be available during that time. Close your sales before it begins.",
    ),
    Kind.MAINTENANCE_BEGUN: _words(
        "La maintenance commence",
        "La maintenance annoncée commence maintenant.\n"
        "Fin prévue : {ends}.\n\n"
        "La caisse peut être indisponible. Nous vous prévenons dès que c’est terminé.",
        "Maintenance begins",
        "The maintenance that we announced begins now.\n"
        "Planned end: {ends}.\n\n"
        "The till may not be available. We will tell you as soon as it is over.",
        promises=True,
    ),
    Kind.MAINTENANCE_ENDED: _words(
        "La maintenance est terminée",
        "La maintenance est terminée : vous pouvez utiliser la caisse normalement.",
        "Maintenance is over",
        "Maintenance is over: you can use the till as usual.",
    ),
    Kind.ALL_CLEAR: _words(
        "Tout est en ordre",
        "Tout fonctionne normalement.\nLa version {release} est en place.\n\nMerci de vos retours, ils nous ont aidés.",
        "All is well",
        "Everything works as it should.\nRelease {release} is in place.\n\nThank you for what you told us: it helped.",
    ),
    Kind.FREE: _words(
        "Information",
        HINTS["fr"],
        "Information",
        HINTS["en"],
    ),
}
