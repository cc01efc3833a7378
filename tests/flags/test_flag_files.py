"""Flags as files: exported, checked by the published schema, imported whole or not at all."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from core.actors import DEMO
from core.domain.yaml_reading import read_documents
from core.domain.yaml_writing import write_documents
from core.errors import InvalidInput, Refusal
from core.filing import WOULD_CHANGE
from flags.domain.audience import RuleAudience
from flags.domain.flag_file import FORMAT, settle, write_document
from flags.flag_files import export_flags
from flags.models import Flag, FlagState, Rule
from flags.transitions import NewMember, archive_flag, create_segment, edit_flag, kill_flag
from flags.transitions.importing import import_flags
from tests.bad_files import Bad, check_refused
from tests.digest import take_digest
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_rule, make_site

pytestmark = pytest.mark.django_db

_BY: dict[str, Any] = {"actor": DEMO, "reason": "needed by a test", "now": NOW}
EXAMPLE = Path(settings.BASE_DIR) / "examples/files/flags.yaml"
SOUND = EXAMPLE.read_text(encoding="utf-8")
ALL = ["prod", "staging"]


@pytest.fixture(autouse=True)
def _places() -> None:
    make_environment(key="staging")
    make_environment(key="prod")
    make_site(key="lyon")
    create_segment(key="testers", name="Testers", members=[NewMember("mia"), NewMember("noé")], **_BY)


def _import(source: str = SOUND, **given: Any) -> Any:
    return import_flags(source=source, **(_BY | {"environment_keys": ALL} | given))


def _export(*keys: str) -> str:
    return export_flags(keys).split("\n", 1)[1]


def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(Client().get("/schemas/flag.v1.json").content)
    return schema


def _state(key: str = "printer_font_v1_4", environment: str = "prod") -> FlagState:
    return FlagState.objects.get(flag__key=key, environment__key=environment)


def _call(*arguments: str) -> str:
    said = StringIO()
    call_command("flag", *arguments, stdout=said)
    return said.getvalue()


def test_schema__served__is_sound_and_every_field_says_what_it_is() -> None:
    schema = _schema()

    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{settings.SCHEMAS_URL}/schemas/flag.v1.json"
    fields = schema["$defs"]["FlagFile"]["properties"]
    assert {name for name, field in fields.items() if "description" not in field} == set()


def test_example__imported_and_exported__is_the_same_file_and_fits_the_schema() -> None:
    _import()

    assert _export() == SOUND.split("\n", 1)[1]
    validator = Draft202012Validator(_schema())
    assert [fault for one in read_documents(SOUND) for fault in validator.iter_errors(one.value)] == []


def test_import__same_file_again__changes_nothing_and_writes_no_history() -> None:
    _import()
    before = take_digest()

    done = _import()

    assert (done.changes, len(done.unchanged)) == ((), 2)
    assert take_digest() == before


def test_import__no_environment_asked__makes_flags_that_are_off_everywhere() -> None:
    done = _import(environment_keys=())

    assert {state.is_on for state in FlagState.objects.all()} == {False}
    assert not Rule.objects.exists()
    assert all("environments" not in change.after for change in done.changes)


def test_import__one_environment_asked__leaves_the_others_alone() -> None:
    _import(environment_keys=["staging"])

    assert (_state().is_on, _state(environment="staging").is_on) == (False, True)


def test_import__changed_words__are_one_line_of_history() -> None:
    _import()
    flag = Flag.objects.get(key="printer_font_v1_4")
    before, rules = flag.history.count(), Rule.history.count()

    done = _import(SOUND.replace("plus facile", "bien plus facile"), reason="Said better")

    flag.refresh_from_db()
    assert flag.cashier_note_fr == "Le ticket est bien plus facile à lire."
    assert (flag.history.count(), Rule.history.count()) == (before + 1, rules)
    assert flag.history.latest().history_change_reason == "Said better"
    (change,) = done.changes
    assert change.key == "printer_font_v1_4"
    assert [(line.mark, line.text) for line in change.lines if line.mark in "+-"] == [
        ("-", "cashier_note_fr: Le ticket est plus facile à lire."),
        ("+", "cashier_note_fr: Le ticket est bien plus facile à lire."),
    ]


def test_import__rules__says_whom_it_reaches() -> None:
    _import(environment_keys=())

    done = _import()

    [reach] = [one for change in done.changes for one in change.reaches if one.environment_key == "prod"]
    assert [(move.before, move.after, move.people) for move in reach.moves] == [("small", "large", 2)]
    assert reach.unknown == ("version",)


def test_import__kill_switch__stays() -> None:
    _import(environment_keys=())
    state = _state()
    kill_flag(flag_id=state.flag_id, environment_id=state.environment_id, **_BY)

    done = _import()

    state.refresh_from_db()
    assert (state.is_on, state.is_killed) == (True, True)
    [reach] = [one for change in done.changes for one in change.reaches if one.environment_key == "prod"]
    assert reach.is_killed
    assert reach.moves == ()


def test_import__what_clients_know__is_refused_and_nothing_is_written() -> None:
    _import()
    before = take_digest()

    for change, line in (
        (("large: 14 pt", "large: 16 pt"), 10),
        (("default_variant: small", "default_variant: large"), 13),
    ):
        with pytest.raises(InvalidInput) as refused:
            _import(SOUND.replace(*change))
        assert (refused.value.data["cause"], refused.value.data["line"]) == ("flag_file_lasting", line)

    assert take_digest() == before


def test_import__archived__is_refused() -> None:
    _import(environment_keys=())
    archive_flag(flag_id=Flag.objects.get(key="weigh_first_v1_4").pk, **_BY)

    with pytest.raises(Refusal, match="flag_archived"):
        _import()


def test_import__flag_changed_since_it_was_looked_at__is_refused() -> None:
    _import()
    file = SOUND.replace("plus facile", "bien plus facile")
    seen = _import(file, is_dry_run=True).fingerprint
    make_rule(Flag.objects.get(key="printer_font_v1_4"), _state().environment, RuleAudience.everyone(), variant="small")

    with pytest.raises(Refusal, match="changed_meanwhile"):
        _import(file, seen=seen)


def test_import__dry_run__writes_nothing() -> None:
    before = take_digest()

    done = _import(is_dry_run=True)

    assert [change.is_new for change in done.changes] == [True, True]
    assert take_digest() == before


def test_import__second_flag_wrong__changes_none() -> None:
    before = take_digest()

    with pytest.raises(InvalidInput, match="site_not_there"):
        _import(SOUND.replace("site: lyon", "site: mars"))

    assert take_digest() == before


#: A change of the sound file, the refusal, its line, and whether the schema refuses it as well.
BAD = [
    (("kind: flag", "kind: plan-template"), "file_kind_wrong", 2, True),
    (("key: printer_font_v1_4", "key: printer font"), "file_text_wrong", 4, True),
    (("value_type: string", "value_type: text"), "file_value_unknown", 9, True),
    (("value_type: string\n", ""), "file_field_missing", 2, True),
    (("criticality: minor", "criticality: none"), "file_value_unknown", 15, True),
    (("'2027-06-30'", "'30/06/2027'"), "file_text_wrong", 19, True),
    (("is_on: true", "is_on: 1"), "file_wants_yes_or_no", 22, True),
    (("is_on: true", "killed: false\n    is_on: true"), "file_field_unknown", 22, True),
    (("kind: segment", "kind: everybody"), "file_value_unknown", 24, True),
    (("        segment: testers\n", ""), "file_field_missing", 24, True),
    (("kind: segment", "kind: everyone"), "file_field_unknown", 26, True),
    (("operator: version_at_least", "operator: is"), "file_value_unknown", 35, True),
    (("weight_bp: 2500", "weight_bp: 25%"), "file_wants_number", 30, True),
    (("large: 14 pt", "large: [14]"), "file_value_wrong", 11, True),
    (("large: 14 pt", "yes: 14 pt"), "file_word_unclear", 11, False),
    (("'2027-06-30'", "2027-06-30"), "file_word_unclear", 19, False),
    (("'2027-06-30'", "'2027-06-31'"), "file_day_unknown", 19, False),
    (("large: 14 pt", "large: 14"), "variant_not_typed", 2, False),
    (("weight_bp: 2500", "weight_bp: 2400"), "split_not_whole", 27, False),
    (("segment: testers", "segment: nobody"), "segment_not_there", 24, False),
    (("variant: large\n        segment", "variant: huge\n        segment"), "variant_unknown", 24, False),
    (("value: 1.4.0", "value: new"), "condition_wrong", 2, False),
    (("key: weigh_first_v1_4", "key: printer_font_v1_4"), "file_thing_twice", 45, False),
    (("https://example.org/ticket", "nowhere"), "values_wrong", 2, False),
]


@pytest.mark.parametrize("bad", BAD, ids=[f"{one[1]}-{one[2]}" for one in BAD])
def test_import__bad_document__is_refused_with_its_line_and_so_by_the_schema(bad: Bad) -> None:
    check_refused(bad, sound=SOUND, act=_import, schema=_schema)


def test_command__export_then_import__changes_nothing(tmp_path: Path) -> None:
    _call("import", str(EXAMPLE), "--env", "prod", "--env", "staging", "--reason", "Kept in git")
    file = tmp_path / "flags.yaml"
    file.write_text(_call("export"), encoding="utf-8")

    said = _call("import", str(file), "--env", "prod", "--env", "staging", "--dry-run")

    assert said == "nothing to change\n"
    assert "staging" not in _call("export", "--env", "prod")


def test_command__dry_run_with_a_change__says_whom_it_reaches_and_ends_with_2() -> None:
    said = StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("flag", "import", str(EXAMPLE), "--env", "prod", "--dry-run", stdout=said)

    assert end.value.code == WOULD_CHANGE
    assert "printer_font_v1_4: new" in said.getvalue()
    assert "  + name: Grande police sur le ticket\n" in said.getvalue()
    assert "in prod: small becomes large for 0 tills, 2 named people" in said.getvalue()
    assert not Flag.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("import", str(EXAMPLE)), "--reason TEXT"),
        (("import", str(EXAMPLE), "--env", "mars", "--dry-run"), "environment_not_there"),
        (("export", "nothing"), "flag_not_there"),
    ],
)
def test_command__wrong_input__is_one_clear_line(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises((CommandError, Refusal), match=words):
        _call(*arguments)


_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
_NAMES = st.one_of(st.sampled_from(["on", "off", "no", "11:00", "~", "1e3"]), _TEXTS.filter(bool))
_NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(_TEXTS, inside, max_size=3),
    max_leaves=6,
)
_VALUES = {
    "boolean": st.booleans(),
    "string": _TEXTS,
    "integer": st.integers(-(2**70), 2**70),
    "float": _NUMBERS,
    "object": st.dictionaries(_TEXTS, _JSON, max_size=3),
}


@st.composite
def _rules(draw: st.DrawFn, names: list[str]) -> dict[str, Any]:
    audience: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"kind": "everyone"},
                {"kind": "segment", "segment": "testers"},
                {"kind": "site", "site": "lyon"},
            ]
        )
        | st.builds(
            lambda value, negated: {
                "kind": "conditions",
                "conditions": [{"attribute": "a-b", "operator": "equals", "value": value, "negated": negated}],
            },
            st.booleans() | _NUMBERS | _TEXTS.filter(bool),
            st.booleans(),
        )
    )
    if draw(st.booleans()):
        return audience | {"variant": draw(st.sampled_from(names))}
    share = draw(st.integers(0, 10_000))
    weights = [share, 10_000 - share] if len(names) > 1 else [10_000]
    pieces = [{"variant": name, "weight_bp": weight} for name, weight in zip(names, weights, strict=False)]
    return audience | {"split": pieces}


@st.composite
def _documents(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(_VALUES)))
    variants = draw(st.dictionaries(_NAMES, _VALUES[kind], min_size=1, max_size=3))
    names = sorted(variants)
    places = draw(st.sets(st.sampled_from(ALL)))
    return {
        "kind": "flag",
        "schema": 1,
        "key": f"any-{draw(st.integers(1, 10**9))}",
        "name": draw(_TEXTS.filter(str.strip)),
        "description": draw(_TEXTS),
        "value_type": kind,
        "variants": variants,
        "default_variant": draw(st.sampled_from(names)),
        "off_variant": draw(st.sampled_from(names)),
        "criticality": draw(st.sampled_from(["critical", "important", "minor"])),
        "owner": draw(_TEXTS),
        "cashier_note_fr": draw(_TEXTS),
        "environments": {
            place: {"is_on": draw(st.booleans()), "rules": draw(st.lists(_rules(names), max_size=3))}
            for place in places
        },
    }


def _read(text: str) -> str:
    return write_documents([write_document(settle(FORMAT.read(read_documents(text)[0])))])


@given(_documents())
@hypothesis_settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_file__any_flag__says_the_same_after_reading(document: dict[str, Any]) -> None:
    text = _read(write_documents([document]))

    assert _read(text) == text


@given(_documents())
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_export__any_flag_imported__is_what_the_file_says(document: dict[str, Any]) -> None:
    if Flag.objects.filter(key=document["key"]).exists():
        return
    _import(write_documents([document]))
    file = export_flags([document["key"]])

    assert _import(file).changes == ()
    assert _read(file.split("\n", 1)[1]) == file.split("\n", 1)[1]
    flag = Flag.objects.get(key=document["key"])
    edit_flag(
        flag_id=flag.pk,
        name="Elsewhere",
        description="",
        owner="",
        cashier_note_fr="",
        documentation_url="",
        criticality="minor",
        expires_on=None,
        is_permanent=False,
        **_BY,
    )
    make_rule(flag, _state(flag.key).environment, RuleAudience.everyone(), variant=flag.off_variant)

    _import(file)

    assert export_flags([flag.key]) == file
