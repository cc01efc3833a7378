"""The tier that signs and words propose: the customer's lists, in doubt the higher one."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.domain.symptoms import TIER_OF, UNKNOWN, WORDS, Symptom, find_symptoms, propose_tier
from incidents.domain.tiers import Tier, higher_tier

SYMPTOMS = st.sets(st.sampled_from(list(Symptom)))
#: Words of every list among others that say nothing.
PIECES = st.lists(
    st.sampled_from(
        [start.removeprefix("=") for lines in WORDS.values() for line in lines for start in line]
        + ["zzz", "Lyon", "é", "œ"]
    ),
    max_size=8,
).map(" ".join)


def _tier(text: str) -> Tier:
    return propose_tier(picked=(), text=text).tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("La caisse de Lyon est bloquée", Tier.CRITICAL),
        ("Écran noir à la caisse 2", Tier.CRITICAL),
        ("La caisse ne démarre plus", Tier.CRITICAL),
        ("Les ventes de ce matin ont disparu", Tier.CRITICAL),
        ("perte de données", Tier.CRITICAL),
        ("Impossible d'encaisser", Tier.CRITICAL),
        ("On ne peut plus encaisser", Tier.CRITICAL),
        ("Rien ne fonctionne à Nantes", Tier.CRITICAL),
        ("The till is down", Tier.CRITICAL),
        ("the TILL doesn't start", Tier.CRITICAL),
        ("Sales of this morning are missing", Tier.CRITICAL),
        ("Nobody can sell", Tier.CRITICAL),
        ("nothing works", Tier.CRITICAL),
        ("C'est très lent depuis midi", Tier.IMPORTANT),
        ("L’imprimante sort des tickets vides", Tier.IMPORTANT),
        ("Search is slow", Tier.IMPORTANT),
        ("Plusieurs boutiques appellent", Tier.IMPORTANT),
        ("everyone sees it", Tier.IMPORTANT),
        ("Le logo est décalé", Tier.MINOR),
        ("Faute d'orthographe", Tier.MINOR),
        ("the colour is wrong", Tier.MINOR),
        ("Libellé déroutant", Tier.MINOR),
        ("Parfois", Tier.MINOR),
        ("Le logo est flou et la caisse est plantée", Tier.CRITICAL),
        ("La caisse marche mais le logo est flou", Tier.MINOR),
        ("", UNKNOWN),
        ("Marie a appelé", UNKNOWN),
    ],
)
def test_propose__words_of_the_customers_lists__give_their_tier(text: str, tier: Tier) -> None:
    assert _tier(text) == tier


@pytest.mark.parametrize("symptom", Symptom)
def test_propose__one_sign_picked__is_its_tier_and_reason(symptom: Symptom) -> None:
    proposal = propose_tier(picked=[symptom], text="")

    assert (proposal.tier, proposal.because) == (TIER_OF[symptom], (symptom,))


@given(picked=SYMPTOMS, more=SYMPTOMS, text=PIECES, words=PIECES)
def test_propose__more_said_or_picked__is_never_lower(
    picked: set[Symptom], more: set[Symptom], text: str, words: str
) -> None:
    before = propose_tier(picked=picked, text=text)
    after = propose_tier(picked=picked | more, text=f"{text} {words}")

    if before.because:
        assert higher_tier(before.tier, after.tier) == after.tier


@given(picked=SYMPTOMS, text=PIECES)
def test_propose__any_sign_at_all__counts_as_grave_as_the_gravest(picked: set[Symptom], text: str) -> None:
    proposal = propose_tier(picked=picked, text=text)

    for symptom in {*picked, *find_symptoms(text)}:
        assert higher_tier(TIER_OF[symptom], proposal.tier) == proposal.tier
    assert {TIER_OF[one] for one in proposal.because} <= {proposal.tier}


@given(text=st.text(max_size=80) | PIECES)
def test_propose__accents_and_capitals__make_no_difference(text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)

    assert find_symptoms(decomposed) == find_symptoms(text)
    assert find_symptoms(text.swapcase()) == find_symptoms(text) or not text.isascii()


def test_symptoms__each__has_a_tier_and_words() -> None:
    assert set(TIER_OF) == set(WORDS) == set(Symptom)
    assert {tier: sum(1 for one in TIER_OF.values() if one == tier) for tier in Tier} == dict.fromkeys(Tier, 3)
