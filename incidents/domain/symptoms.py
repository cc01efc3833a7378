"""Which tier an incident has by the customer's own lists: from the signs picked, and from the words typed.

In doubt the higher one: whatever speaks for a graver tier counts, whatever else is said.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from incidents.domain.tiers import Tier, higher_tier


class Symptom(StrEnum):
    """A sign from the customer's lists, the gravest first."""

    TILL_DOWN = "till_down"
    DATA_LOST = "data_lost"
    NOTHING_USABLE = "nothing_usable"
    SLOW = "slow"
    SECONDARY_OUT = "secondary_out"
    MAJORITY_HIT = "majority_hit"
    COSMETIC = "cosmetic"
    SMALL_UX = "small_ux"
    DEGRADED = "degraded"


TIER_OF: Mapping[Symptom, Tier] = {
    Symptom.TILL_DOWN: Tier.CRITICAL,
    Symptom.DATA_LOST: Tier.CRITICAL,
    Symptom.NOTHING_USABLE: Tier.CRITICAL,
    Symptom.SLOW: Tier.IMPORTANT,
    Symptom.SECONDARY_OUT: Tier.IMPORTANT,
    Symptom.MAJORITY_HIT: Tier.IMPORTANT,
    Symptom.COSMETIC: Tier.MINOR,
    Symptom.SMALL_UX: Tier.MINOR,
    Symptom.DEGRADED: Tier.MINOR,
}

#: Where nothing tells how grave it is: too high costs a look, too low costs hours.
UNKNOWN = Tier.IMPORTANT

#: Beyond, words say nothing new about how grave it is.
MOST_CHARACTERS = 4_000

_WORD = re.compile(r"[^\W_]+")

#: Beginnings of words, as in a text without accents and capitals; with `=` the whole word. Of a line each is needed.
_TILL = ("caisse", "till", "checkout", "interface", "ecran", "screen")
_DEAD = (
    *("bloqu", "panne", "noir", "blanc", "bleu", "plant", "fige", "gele", "mort", "eteint", "crash"),
    *("=down", "dead", "frozen", "freez", "=froze", "hang", "hung", "black", "blank", "=white", "offline"),
)
_WORKS = ("marche", "fonctionne", "demarre", "repond", "ouvre", "allume", "lance", "charge")
_DOES = ("work", "start", "open", "respond", "boot", "load")
_NOT_FR, _NOT_EN = ("=pas", "=plus", "=rien"), ("=not", "=t", "=no", "=never", "cannot", "=dont", "=doesnt", "=wont")
_RECORDS = (
    "vente",
    "ticket",
    "transaction",
    "donnee",
    "encaissement",
    "sale",
    "receipt",
    "data",
    "payment",
    "paiement",
)
_LOST = (
    *("perdu", "=perd", "perte", "dispar", "manqu", "efface", "supprime", "corromp", "corrupt", "ecras"),
    *("lost", "=lose", "losing", "loss", "missing", "vanish", "=gone", "delet", "overwrit"),
)
_ALL = ("=tous", "toutes", "plusieurs", "every", "all", "several", "most", "plupart", "majorit", "partout")
_MANY = ("site", "caisse", "boutique", "magasin", "ressourcerie", "till", "shop", "store", "cashier", "user", "client")


def _all_of(*groups: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [tuple(line) for line in product(*groups)]


def _any_of(*starts: str) -> list[tuple[str, ...]]:
    return [(start,) for start in starts]


WORDS: Mapping[Symptom, list[tuple[str, ...]]] = {
    Symptom.TILL_DOWN: [
        *_all_of(_TILL, _DEAD),
        *_all_of(_TILL, _WORKS, _NOT_FR),
        *_all_of(_TILL, _DOES, _NOT_EN),
    ],
    Symptom.DATA_LOST: [*_all_of(_RECORDS, _LOST), *_any_of("corromp", "corrupt")],
    Symptom.NOTHING_USABLE: [
        *_all_of(("impossible",), ("encaiss", "vendre", "travailler", "connect", "payer", "ouvrir", "sell", "work")),
        *_all_of(("=peut", "=peuvent", "=pouvons", "arrive"), ("encaiss", "vendre", "travailler"), _NOT_FR),
        *_all_of(("=rien", "=tout"), ("fonctionne", "marche", "bloqu", "panne")),
        *_all_of(("nothing", "everything"), ("work", "usable", "=down", "broken", "respond")),
        *_all_of(
            ("=can", "cannot", "=cant", "unable", "nobody"), ("sell", "sign", "=pay", "=work"), (*_NOT_EN, "unable")
        ),
        *_all_of(("personne", "nobody"), ("encaiss", "vendre", "=peut", "=can")),
        *_any_of("inutilisable", "unusable", "inaccessible", "unreachable"),
    ],
    Symptom.SLOW: [
        *_any_of("=lent", "=lente", "=lents", "lentement", "lenteur", "ralenti", "=rame", "=rament", "slow", "=lag"),
        *_any_of("laggy", "latenc", "timeout", "performance", "attente", "waits", "waiting"),
    ],
    Symptom.SECONDARY_OUT: [
        *_any_of("imprim", "print", "scanner", "scanne", "douchette", "export", "statisti", "rapport", "report"),
        *_any_of("recherche", "search", "raccourci", "shortcut", "balance", "scale", "bouton", "button", "categorie"),
        *_any_of("panne", "cass", "broken", "=bug", "=bugs", "bugge", "erreur", "error", "fail", "echou", "echec"),
    ],
    Symptom.MAJORITY_HIT: [
        *_all_of(_ALL, _MANY),
        *_all_of(("=tout",), ("monde",)),
        *_any_of("everybody", "everyone", "majorit", "partout", "everywhere"),
    ],
    Symptom.COSMETIC: [
        *_any_of("couleur", "colour", "color", "logo", "icone", "icon", "police", "font", "align", "decal", "typo"),
        *_any_of("faute", "orthograph", "spelling", "cosmeti", "visuel", "moche", "ugly", "traduction", "translation"),
        *_any_of("pixel", "marge", "margin", "chevauch", "overlap", "flou", "blurr"),
    ],
    Symptom.SMALL_UX: [
        *_any_of("derout", "confus", "ergonom", "genant", "agac", "annoying", "libelle", "label", "wording", "awkward"),
        *_all_of(("clic", "click"), ("=trop", "many", "extra")),
    ],
    Symptom.DEGRADED: [
        *_any_of("parfois", "sometimes", "occasion", "intermitt", "degrad", "rarement", "rarely"),
    ],
}


@dataclass(frozen=True)
class Proposal:
    """A tier and what speaks for it; `because` is empty where nothing tells, and the tier is the safe one."""

    tier: Tier
    because: tuple[Symptom, ...]


def propose_tier(*, picked: Collection[Symptom], text: str) -> Proposal:
    """Return the tier of the gravest sign, picked or in the words; what speaks for less is left out."""
    found = {*picked, *find_symptoms(text)}
    if not found:
        return Proposal(UNKNOWN, ())
    tier = Tier.MINOR
    for symptom in found:
        tier = higher_tier(tier, TIER_OF[symptom])
    return Proposal(tier, tuple(one for one in Symptom if one in found and TIER_OF[one] == tier))


def find_symptoms(text: str) -> list[Symptom]:
    """Return the signs that words in French or English speak of; accents and capitals make no difference."""
    words = frozenset(_WORD.findall(plain(text)))
    return [symptom for symptom, lines in WORDS.items() if any(_is_said(line, words) for line in lines)]


def plain(text: str) -> str:
    """Return a text without accents, ligatures and capitals."""
    spread = unicodedata.normalize("NFKD", text[:MOST_CHARACTERS].casefold().replace("œ", "oe").replace("æ", "ae"))
    return "".join(letter for letter in spread if not unicodedata.combining(letter))


def _is_said(line: tuple[str, ...], words: frozenset[str]) -> bool:
    return all(_stands(start, words) for start in line)


def _stands(start: str, words: frozenset[str]) -> bool:
    if start.startswith("="):
        return start[1:] in words
    return any(word.startswith(start) for word in words)
