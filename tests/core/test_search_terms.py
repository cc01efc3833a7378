"""What is typed into a search, as terms, and what of a text is shown: pure."""

import pytest

from core.domain.excerpts import BEGIN, END, Piece, cut_excerpt
from core.domain.search_terms import MOST_TERMS, Term, read_terms


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("   ", []),
        ("till ", [[Term("till")]]),
        ("till", [[Term("till", is_begun=True)]]),
        ("ab", [[Term("ab")]]),
        ("frozen till", [[Term("frozen"), Term("till", is_begun=True)]]),
        ('"out of paper"', [[Term("out of paper")]]),
        ("« plus de papier » Lyon", [[Term("plus de papier"), Term("Lyon", is_begun=True)]]),
        ("“no end", [[Term("no end")]]),
        ('""', []),
        ("printer -Lyon", [[Term("printer"), Term("Lyon", is_excluded=True)]]),
        ('printer -"in Lyon"', [[Term("printer"), Term("in Lyon", is_excluded=True)]]),
        ("drawer OR printer ", [[Term("drawer")], [Term("printer")]]),
        ("tiroir OU imprimante x", [[Term("tiroir")], [Term("imprimante"), Term("x")]]),
        ("a | b", [[Term("a")], [Term("b")]]),
        ("OR OR", []),
        ("or ", [[Term("or")]]),
        ("-", [[Term("-")]]),
        ("Les tills ", [[Term("tills")]]),
        ("a\x00b ", [[Term("a"), Term("b")]]),
    ],
)
def test_terms__as_typed__are_read(text: str, wanted: list[list[Term]]) -> None:
    assert read_terms(text) == wanted


def test_terms__too_much__is_cut() -> None:
    assert len(read_terms("ab " * 500)[0]) == MOST_TERMS
    assert read_terms("x" * 10_000) == [[Term("x" * 200, is_begun=True)]]


def test_excerpt__found_far_inside__begins_at_a_word_before_it() -> None:
    text = "nothing here " * 40 + "the printer is out\nof paper " + "and so on " * 40
    marked = text.replace("printer", f"{BEGIN}printer{END}").replace("paper", f"{BEGIN}paper{END}")

    pieces = cut_excerpt(text, [marked, text])

    assert pieces[0] == Piece("… ")
    assert pieces[1].text.startswith(("nothing", "here"))
    assert [piece.text for piece in pieces if piece.is_found] == ["printer", "paper"]
    assert pieces[-1] == Piece(" …")
    assert "out of" in "".join(piece.text for piece in pieces)


def test_excerpt__two_readings__mark_what_either_found_once() -> None:
    text = "Écran gelé"

    pieces = cut_excerpt(text, [f"{BEGIN}Écran{END} gelé", f"{BEGIN}Ecran{END} {BEGIN}gele{END}"])

    assert pieces == [Piece("Écran", is_found=True), Piece(" "), Piece("gelé", is_found=True)]


def test_excerpt__nothing_found__is_the_beginning() -> None:
    assert cut_excerpt("short", []) == [Piece("short")]
    assert "".join(piece.text for piece in cut_excerpt("y" * 999, ["y" * 999])) == "y" * 240 + " …"
