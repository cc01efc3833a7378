"""Which complaints say the same: two words that matter in both, whatever their endings and accents.

A word is given as all that PostgreSQL finds it by, in French and in English; two are the same one where they share any.
"""

from collections.abc import Iterable
from dataclasses import dataclass

#: A word, by its lexemes.
Word = frozenset[str]

#: At most so many words of both are asked for, and at least such a share of the shorter text's.
WORDS, SHARE = 2, 0.3
#: What nearly every complaint says; without accents.
WEAK = frozenset(
    (
        *("appareil", "application", "aujourd", "bonjour", "bug", "caisse", "caisses", "client", "cliente", "clients"),
        *("cassier", "caissiere", "erreur", "erreurs", "logiciel", "probleme", "problemes", "systeme", "version"),
        *(
            "fait",
            "faire",
            "faut",
            "fonctionne",
            "fonctionnent",
            "marche",
            "marchent",
            "peut",
            "peux",
            "veut",
            "arrive",
        ),
        *("impossible", "possible", "mauvais", "mauvaise", "nouveau", "nouvelle", "bien", "mal", "rien", "trop"),
        *("alors", "apres", "avant", "cela", "cette", "comme", "depuis", "encore", "hier", "hui", "ici", "jamais"),
        *("les", "matin", "midi", "moment", "parfois", "plus", "plusieurs", "quand", "sans", "soir", "souvent"),
        *("toujours", "tout", "toute", "toutes", "tous", "tres", "deux", "trois", "fois", "jour", "merci", "svp"),
        *("cannot", "customer", "customers", "error", "even", "morning", "please", "problem", "since", "still", "till"),
        *("tills", "today", "wont", "work", "working", "works", "always", "never", "nothing", "get", "gets", "got"),
    )
)


@dataclass(frozen=True)
class Said:
    """The words of a text that matter, each once, and all that they are found by."""

    words: frozenset[Word]
    lexemes: Word


def read_words(words: Iterable[Word]) -> Said:
    """Return the words of a text that matter: no numbers, no single letters, nothing that nearly everybody says."""
    strong = frozenset(
        word for word in words if not word & WEAK and any(len(one) > 1 and one.isalpha() for one in word)
    )
    return Said(strong, frozenset[str]().union(*strong))


def count_alike(ours: Said, theirs: Said) -> int:
    """Return how many words that matter two texts share, 0 where they do not say the same.

    Two words that matter are asked for, or the only one that the shorter text has.
    """
    if ours.lexemes.isdisjoint(theirs.lexemes):
        return 0
    shorter, longer = (ours, theirs) if len(ours.words) <= len(theirs.words) else (theirs, ours)
    many = len(shorter.words)
    shared = sum(not word.isdisjoint(longer.lexemes) for word in shorter.words)
    return shared if shared >= min(WORDS, many) and shared >= SHARE * many else 0
