"""Plan templates as files: exported, checked by the published schema, imported whole or not at all."""

import json
from dataclasses import replace
from datetime import time
from io import BytesIO, StringIO, TextIOWrapper
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
from core.domain.yaml_writing import tidy_text, write_documents
from core.errors import InvalidInput, Refusal
from core.filing import WOULD_CHANGE
from rollouts.domain.template_file import FORMAT, PhaseFile, write_template
from rollouts.domain.templates import BUILT_IN_KEY, FOUR_PHASES, Advance, Gate, PhaseKind, PhaseTemplate, SupportLevel
from rollouts.models import PlanTemplate, PlanTemplateVersion
from rollouts.template_files import export_templates
from rollouts.transitions.importing import import_templates
from rollouts.transitions.templating import archive_template, create_template, edit_template
from tests.bad_files import Bad, check_refused
from tests.digest import take_digest
from tests.factories.core import NOW
from tests.factories.flags import make_flag
from tests.factories.phase_guardrails import guardrails_of_phases

pytestmark = pytest.mark.django_db

_BY: dict[str, Any] = {"actor": DEMO, "reason": "needed by a test", "now": NOW}
EXAMPLE = Path(settings.BASE_DIR) / "examples/files/plan-template.yaml"
SOUND = EXAMPLE.read_text(encoding="utf-8")


def _served_schema() -> dict[str, Any]:
    answer = Client().get("/schemas/plan-template.v1.json")
    assert answer.headers["Content-Type"] == "application/schema+json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    schema: dict[str, Any] = json.loads(answer.content)
    return schema


def _call(*arguments: str) -> str:
    said = StringIO()
    call_command("template", *arguments, stdout=said)
    return said.getvalue()


def test_schema__served__is_sound_and_names_its_address() -> None:
    schema = _served_schema()

    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{settings.SCHEMAS_URL}/schemas/plan-template.v1.json"
    phase = schema["$defs"]["PhaseFile"]
    assert {name for name, field in phase["properties"].items() if "description" not in field} == set()
    assert Client().get("/schemas/nothing.json").status_code == 404


def test_phase_of_a_file__fields__are_those_of_a_plan() -> None:
    older = {"error_rate_mode", "error_rate_bp"}

    assert set(PhaseFile.__struct_fields__) - older == set(PhaseTemplate.__dataclass_fields__)


def test_export__fits_the_served_schema() -> None:
    validator = Draft202012Validator(_served_schema())

    [document] = read_documents(export_templates([BUILT_IN_KEY]))

    assert list(validator.iter_errors(document.value)) == []


def test_example__imported_and_exported__is_the_same_file() -> None:
    import_templates(source=SOUND, **_BY)

    _head, body = export_templates(["careful-share"]).split("\n", 1)
    assert body == SOUND.split("\n", 1)[1]
    assert list(Draft202012Validator(_served_schema()).iter_errors(read_documents(SOUND)[0].value)) == []


def test_import__same_file_again__changes_nothing_and_writes_no_history() -> None:
    import_templates(source=SOUND, **_BY)
    before = take_digest()

    done = import_templates(source=SOUND, **_BY)

    assert (done.changes, done.unchanged) == ((), ("careful-share",))
    assert take_digest() == before


def test_import__other_phases__are_a_new_version_with_the_reason() -> None:
    import_templates(source=SOUND, **_BY)

    done = import_templates(source=SOUND.replace("days: 3", "days: 6"), **_BY | {"reason": "Slower"})

    template = PlanTemplate.objects.get(key="careful-share")
    assert (template.number, template.versions.get(number=2).reason) == (2, "Slower")
    [change] = done.changes
    assert [(line.sign, line.text) for line in change.lines if line.sign in {"added", "removed"}] == [
        ("removed", "    days: 3"),
        ("added", "    days: 6"),
    ]


def test_import__another_name__is_no_new_version() -> None:
    import_templates(source=SOUND, **_BY)

    import_templates(source=SOUND.replace("croissante", "prudente"), **_BY)

    template = PlanTemplate.objects.get(key="careful-share")
    assert (template.number, template.name) == (1, "Testeurs, puis une part prudente")


def test_import__dry_run__writes_nothing_and_refuses_what_the_import_refuses() -> None:
    before = take_digest()

    done = import_templates(source=SOUND, **_BY, is_dry_run=True)

    assert [change.key for change in done.changes] == ["careful-share"]
    assert take_digest() == before
    with pytest.raises(Refusal, match="template_shares_crowded"):
        import_templates(source=SOUND.replace("days: 3", "days: 1"), **_BY, is_dry_run=True)


def test_import__one_of_two_wrong__changes_none() -> None:
    second = SOUND.replace("careful-share", "other").replace("days: 3", "days: 2")
    before = take_digest()

    with pytest.raises(InvalidInput, match="template_shares_crowded"):
        import_templates(source=f"{SOUND}---\n{second}", **_BY)

    assert take_digest() == before


def test_import__template_changed_since_it_was_looked_at__is_refused() -> None:
    import_templates(source=SOUND, **_BY)
    file = SOUND.replace("days: 3", "days: 6")
    seen = import_templates(source=file, **_BY, is_dry_run=True).fingerprint
    template = PlanTemplate.objects.get(key="careful-share")
    edit_template(template_id=template.pk, name="Renamed", phases=FOUR_PHASES, **_BY)

    with pytest.raises(Refusal, match="changed_meanwhile"):
        import_templates(source=file, **_BY, seen=seen)

    template.refresh_from_db()
    assert (template.name, template.number) == ("Renamed", 2)


def test_import__archived__is_changed_and_stays_archived() -> None:
    import_templates(source=SOUND, **_BY)
    template = PlanTemplate.objects.get(key="careful-share")
    archive_template(template_id=template.pk, **_BY)

    import_templates(source=SOUND.replace("days: 3", "days: 6"), **_BY)

    template.refresh_from_db()
    assert (template.number, template.archived_at) == (2, NOW)
    assert "careful-share" not in export_templates()


#: A change of the sound file, the refusal, its line, and whether the schema refuses it as well.
BAD = [
    (("kind: plan-template", "kind: flag"), "file_kind_wrong", 2, True),
    (("schema: 1", "schema: 2"), "file_too_new", 3, True),
    (("schema: 1", "schema: true"), "file_wants_number", 3, True),
    (("schema: 1\n", ""), "file_field_missing", 2, True),
    (("key: careful-share", "key: careful share"), "file_text_wrong", 4, True),
    (("name: Testeurs", "names: Testeurs"), "file_field_unknown", 5, True),
    (("name: Testeurs, puis une part croissante", "name: 3"), "file_wants_text", 5, True),
    (("name: Testeurs", f"name: {'x' * 100}"), "file_length_wrong", 5, True),
    (("days: 2", "days: 0"), "file_number_wrong", 11, True),
    (("days: 2", "days: '2'"), "file_wants_number", 11, True),
    (("days: 2", "days: 2.5"), "file_wants_number", 11, True),
    (("'09:00'", "'24:00'"), "file_text_wrong", 13, True),
    (("kind: internal", "kind: everybody"), "file_value_unknown", 10, True),
    (("      - guardrails", "      - luck"), "file_value_unknown", 17, True),
    (("gates: []", "gates: none"), "file_wants_list", 42, True),
    (("    gates: []\n", ""), "file_field_missing", 39, True),
    (("limit_bp: 300", "limit_bp: 3"), "file_number_wrong", 35, True),
    (("'09:00'", "09:00"), "file_word_unclear", 13, False),
    (("days: 2", "days: 2\n    days: 3"), "file_key_twice", 12, False),
    (("days: 2", "days: &days 2"), "file_anchor", 11, False),
    (("days: 2", "days: !!int 2"), "file_tag", 11, False),
    (("phases:", "phases: ["), "file_no_yaml", 10, False),
    (("days: 3", "days: 2"), "template_shares_crowded", 22, False),
    (("      - checklist\n", ""), "template_checklist_wrong", 10, False),
    (("kind: internal", "kind: full"), "template_narrows", 22, False),
    (("    advance: together\n    shares", "    advance: in_order\n    shares"), "template_order_wrong", 22, False),
    (("days: 2", "days: 2\n    segment_key: nobody"), "template_segment_unknown", 2, False),
]


@pytest.mark.parametrize("bad", BAD, ids=[f"{one[1]}-{one[2]}" for one in BAD])
def test_import__bad_document__is_refused_with_its_line_and_so_by_the_schema(bad: Bad) -> None:
    check_refused(bad, sound=SOUND, act=lambda file: import_templates(source=file, **_BY), schema=_served_schema)


_NEWER = (
    "    guardrails:\n      error_rate:\n        mode: roll_back\n        limit_bp: 300\n"
    "      complaints:\n        limit_a_day: 5\n"
)
_OLDER = "    error_rate_mode: roll_back\n    error_rate_bp: 300\n"


def test_import__file_of_an_older_form__says_the_same_of_the_error_rate() -> None:
    import_templates(source=SOUND.replace(_NEWER, _OLDER), **_BY)

    file = export_templates(["careful-share"])
    assert "error_rate_mode" not in file
    assert "      error_rate:\n        mode: roll_back\n        limit_bp: 300\n" in file
    assert import_templates(source=SOUND.replace(_NEWER, _OLDER), **_BY).changes == ()


def test_import__error_rate_in_both_forms__is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        import_templates(source=SOUND.replace(_NEWER, _NEWER + _OLDER), **_BY)

    assert refused.value.data["cause"] == "template_guardrail_twice"


def test_command__export_then_import__changes_nothing() -> None:
    assert _call("import", str(EXAMPLE), "--reason", "Kept in git").splitlines()[0] == "careful-share: new"
    before = take_digest()

    assert "nothing to change" in _call("import", str(EXAMPLE), "--dry-run")
    assert take_digest() == before
    assert _call("export", "careful-share").split("\n", 1)[1] == SOUND.split("\n", 1)[1]


def test_command__dry_run_with_a_change__says_it_and_ends_with_2(tmp_path: Path) -> None:
    _call("import", str(EXAMPLE), "--reason", "Kept in git")
    file = tmp_path / "changed.yaml"
    file.write_text(SOUND.replace("days: 3", "days: 6"), encoding="utf-8")
    said = StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("template", "import", str(file), "--dry-run", stdout=said)

    assert end.value.code == WOULD_CHANGE
    assert "  -     days: 3\n  +     days: 6\n" in said.getvalue()
    assert PlanTemplate.objects.get(key="careful-share").number == 1


def test_command__dash__reads_what_is_piped_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(SOUND.encode()), encoding="utf-8"))

    assert "1 of 1 changed" in _call("import", "-", "--reason", "Piped")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("import", str(EXAMPLE)), "--reason TEXT"),
        (("import", "/nowhere/at.all", "--reason", "x"), "cannot be read"),
        (("export", "nothing"), "template_not_there"),
    ],
)
def test_command__wrong_input__is_one_clear_line(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises((CommandError, Refusal), match=words):
        _call(*arguments)


_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
_NAMES = _TEXTS.map(lambda text: tidy_text(text[:100])).filter(bool)
_HOURS = st.lists(st.times(), max_size=4, unique=True).map(lambda slots: tuple(sorted(slots)))
_ITEMS = st.lists(_NAMES, min_size=1, max_size=3).map(tuple)


_SPREADS = st.sampled_from([Advance.TOGETHER, Advance.ONE_BY_ONE])


@st.composite
def _phases(draw: st.DrawFn) -> tuple[PhaseTemplate, ...]:
    """Phases that grow, each with whatever its kind may have."""
    found = []
    for kind in draw(st.sets(st.sampled_from(list(PhaseKind)), min_size=1)):
        items = draw(st.one_of(st.just(()), _ITEMS))
        is_ordered = draw(st.booleans())
        found.append(
            PhaseTemplate(
                kind=kind,
                days=draw(st.integers(2, 60)),
                slots=draw(_HOURS),
                advance=Advance.IN_ORDER
                if is_ordered
                else draw(st.sampled_from([Advance.TOGETHER, Advance.ONE_BY_ONE])),
                flag_order=("buttons",) if is_ordered else (),
                shares_bp=(draw(st.integers(1, 99)), draw(st.integers(100, 9_999))) if kind == "percentage" else (),
                gates=(Gate.SOAK, Gate.CHECKLIST) if items else draw(st.sampled_from([(), (Gate.NOTES,)])),
                checklist=items,
                guardrails=draw(guardrails_of_phases()),
                support=draw(st.sampled_from(list(SupportLevel))),
            )
        )
    order = list(PhaseKind)
    *before, last = sorted(found, key=lambda phase: order.index(phase.kind))
    return (*before, replace(last, gates=(), checklist=()))


@given(name=_NAMES, description=_TEXTS, phases=_phases())
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_file__any_template__says_the_same_after_reading(
    name: str, description: str, phases: tuple[PhaseTemplate, ...]
) -> None:
    text = write_documents([write_template(key="any", name=name, description=description, phases=phases)])

    [document] = read_documents(text)
    content = FORMAT.read(document)

    assert content.plan_phases == phases
    again = write_template(
        key=content.key, name=content.name, description=content.description, phases=content.plan_phases
    )
    assert write_documents([again]) == text


@given(name=_NAMES, description=_TEXTS, phases=_phases())
@hypothesis_settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_export__any_template_imported_elsewhere__is_the_same_bytes(
    name: str, description: str, phases: tuple[PhaseTemplate, ...]
) -> None:
    if not PlanTemplate.objects.filter(key="any").exists():
        make_flag(key="buttons")
        create_template(key="any", name="Any", phases=FOUR_PHASES, **_BY)
    template = PlanTemplate.objects.get(key="any")
    edit_template(template_id=template.pk, name=name, description=description, phases=phases, **_BY)
    file = export_templates(["any"])

    edit_template(
        template_id=template.pk, name="Elsewhere", phases=[PhaseTemplate(PhaseKind.FULL, days=1, gates=())], **_BY
    )
    import_templates(source=file, **_BY)

    assert export_templates(["any"]) == file
    assert import_templates(source=file, **_BY).changes == ()


def test_hours__with_seconds__are_kept() -> None:
    phase = PhaseTemplate(PhaseKind.INTERNAL, days=1, slots=(time(6), time(6, 0, 30)))

    assert PhaseFile.of(phase).slots == ("06:00", "06:00:30")
    assert PhaseFile.of(phase).to_phase() == phase


def test_export__versions__is_of_the_newest() -> None:
    import_templates(source=SOUND, **_BY)
    import_templates(source=SOUND.replace("days: 3", "days: 6"), **_BY)

    assert PlanTemplateVersion.objects.filter(template__key="careful-share").count() == 2
    assert "days: 6" in export_templates(["careful-share"])
