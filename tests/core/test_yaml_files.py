"""YAML that people write: read one way only, bounded, each refusal with its line; written the same for the same."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.difference import compare_texts, take_fingerprint
from core.domain.documents import Format
from core.domain.yaml_reading import MOST_BYTES, is_read_alike, read_documents
from core.domain.yaml_writing import write_documents
from core.errors import InvalidInput


class Shelf(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    schema: int
    books: dict[str, int]


SHELF = Format(kind="shelf", version=1, struct=Shelf, title="Shelf")
LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_WORDS = st.sampled_from(["on", "no", "y", "11:00", "2026-12-01", "0x1F", "007", "1_000", ".5", "1e3", "~", "=", "<<"])


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        (LAUGHS, "file_anchor", 1),
        ("a: 1\nb: *a\n", "file_anchor", 2),
        ("a: 1\nb: !!python/object:os.system x\n", "file_tag", 2),
        ("a: 1\nb: 2\na: 3\n", "file_key_twice", 3),
        ("[" * 40 + "]" * 40, "file_too_deep", 1),
        ("[" * 100_000, "file_too_deep", 1),
        ("- a\n" * 250_000, "file_too_many", 200_000),
        ("---\na: 1\n" * 2_100, "file_too_many", 4_002),
        ("a: 1\n? [b]\n: 2\n", "file_key_no_text", 2),
        ('a: "\\0"\n', "file_character_unstorable", 1),
        ("a: 1\nb: [\n", "file_no_yaml", 3),
        ("a: \x07\n", "file_no_yaml", 1),
        (f"a: {'9' * 5_000}\n", "file_word_unclear", 1),
        ("a: 1\nno: 2\n", "file_word_unclear", 2),
    ],
)
def test_read__not_clear_or_too_much__is_refused_with_its_line(source: str, code: str, line: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_documents(source)

    assert (refused.value.code, refused.value.data["line"]) == (code, line)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"", "file_empty"),
        (b"---\n# nothing\n", "file_empty"),
        (b"\xff\xfe", "file_not_utf8"),
        ("\ud800", "file_not_utf8"),
    ],
)
def test_read__no_file__is_refused(source: bytes | str, code: str) -> None:
    with pytest.raises(InvalidInput, match=code):
        read_documents(source)


def test_read__too_large__is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidInput, match="file_too_large"):
        read_documents(b"[" * (MOST_BYTES + 1))


@pytest.mark.parametrize("word", ["no", "Yes", "on", "OFF", "y", "11:00", "06:00", "2026-12-01", "1_000", "0o7", "+5"])
def test_read__word_that_readers_take_differently__wants_quotes(word: str) -> None:
    with pytest.raises(InvalidInput, match="file_word_unclear"):
        read_documents(f"a: {word}")

    assert read_documents(f"a: '{word}'")[0].value == {"a": word}


def test_read__plain_words__are_what_every_reader_takes_them_for() -> None:
    [document] = read_documents("a: [true, false, null, 1, -2, 0.5, 1.0e+300, 1.4.0, été, nothing]")

    assert document.value["a"] == [True, False, None, 1, -2, 0.5, 1e300, "1.4.0", "été", "nothing"]


def test_read__mark_of_the_byte_order__is_no_text() -> None:
    assert read_documents("\ufeffa: é".encode())[0].value == {"a": "é"}


@given(st.dictionaries(_TEXTS | _WORDS, _TEXTS | _WORDS | st.integers() | st.booleans() | st.none(), min_size=1))
def test_write__whatever_is_written__is_read_back(value: dict[str, object]) -> None:
    text = write_documents([value])

    assert read_documents(text)[0].value == value
    assert write_documents([read_documents(text)[0].value]) == text


@given(_WORDS)
def test_write__unclear_words__stand_in_quotes(word: str) -> None:
    assert not is_read_alike(word)
    assert write_documents([{"a": word}]) == f"a: '{word}'\n"


def test_write__several_lines__are_a_block() -> None:
    assert write_documents([{"a": "été\n\nhiver"}, {"b": []}]) == "a: |-\n  été\n\n  hiver\n---\nb: []\n"


def test_compare__far_lines__are_a_gap() -> None:
    before = "\n".join("abcdefghijk")

    lines = compare_texts(before, before.replace("f", "F"))

    assert "".join(line.mark for line in lines) == "…   -+   …"
    assert compare_texts(before, before) == ()


def test_compare__texts_too_long_to_compare_well__are_one_change_in_its_place() -> None:
    before = [str(number) for number in range(2_000)]
    after = [*before[:500], *(f"a{number}" for number in range(900)), *before[1_500:]]

    lines = compare_texts("\n".join(before), "\n".join(after))

    assert [line.text for line in lines if line.mark == "-"] == before[500:1_500]
    assert [line.text for line in lines if line.mark == "+"] == after[500:1_400]
    assert [line.text for line in lines if line.mark == " "] == [*before[497:500], *before[1_500:1_503]]
    assert (lines[0].mark, lines[-1].mark) == ("…", "…")
    assert compare_texts("\n".join(before), "\n".join(before)) == ()


@pytest.mark.parametrize("at", [0, 1_234, 2_999])
def test_format__one_of_many_keys_is_wrong__is_named_after_few_tries(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "kind: shelf\nschema: 1\nbooks:\n"
    source += "".join(f"  b{number}: {'x' if number == at else 1}\n" for number in range(3_000))
    tries: list[str] = []
    asked = Format._is_wrong

    def count(self: Format[Shelf], value: object, words: str) -> bool:
        tries.append(words)
        return asked(self, value, words)

    monkeypatch.setattr(Format, "_is_wrong", count)

    with pytest.raises(InvalidInput) as refused:
        SHELF.read(read_documents(source)[0])

    assert (refused.value.data["line"], refused.value.data["field"]) == (at + 4, f"b{at}")
    assert len(tries) < 20


def test_fingerprint__where_a_text_ends__counts() -> None:
    assert take_fingerprint(["ab", "c"]) != take_fingerprint(["a", "bc"])
