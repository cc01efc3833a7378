"""Plan templates from a file: all of it or nothing, and only what differs."""

from datetime import datetime
from typing import Any

from core.actors import Actor
from core.domain.difference import take_fingerprint
from core.domain.yaml_reading import Document
from core.domain.yaml_writing import tidy_text, write_documents
from core.errors import Refusal
from core.filing import Change, Import, at_line, check_once, read_file, run_import
from rollouts.domain.template_file import FORMAT, TemplateFile, write_template
from rollouts.models import PlanTemplate
from rollouts.template_files import describe_templates
from rollouts.transitions.templating import create_template, edit_template


def import_templates(
    *,
    source: bytes | str,
    actor: Actor,
    reason: str,
    now: datetime,
    seen: str | None = None,
    is_dry_run: bool = False,
) -> Import[Change]:
    """Make or change the templates of a file; other phases make a new version.

    `seen` is the fingerprint of the import that a person looked at: refused where the file or a template
    is another now. A dry run writes nothing.
    """
    return run_import(lambda: _import(source, actor=actor, reason=reason, now=now, seen=seen), is_dry_run=is_dry_run)


def _import(source: bytes | str, *, actor: Actor, reason: str, now: datetime, seen: str | None) -> Import[Change]:
    found = read_file(source, FORMAT)
    once: set[str] = set()
    for document, content in found:
        check_once(document, content.key, once)
    rows = PlanTemplate.objects.select_for_update(of=("self",)).filter(key__in=once).order_by("pk")
    templates = {template.key: template for template in rows}
    before = describe_templates(templates.values())
    wanted = {content.key: _write(document, content) for document, content in found}
    fingerprint = take_fingerprint([*wanted.values(), *(before.get(key, "") for key in wanted)])
    if seen is not None and seen != fingerprint:
        raise Refusal("changed_meanwhile")
    changes = []
    for document, content in found:
        if wanted[content.key] != before.get(content.key):
            with at_line(document):
                _save(content, templates.get(content.key), actor=actor, reason=reason, now=now)
            changes.append(Change(content.key, before.get(content.key, ""), wanted[content.key]))
    unchanged = [key for key in wanted if wanted[key] == before.get(key)]
    return Import(fingerprint, tuple(changes), tuple(unchanged))


def _write(document: Document, content: TemplateFile) -> str:
    """Return a document as it would be exported once it is imported."""
    with at_line(document):
        phases = content.plan_phases
        return write_documents(
            [write_template(key=content.key, name=content.name, description=content.description, phases=phases)]
        )


def _save(
    content: TemplateFile, template: PlanTemplate | None, *, actor: Actor, reason: str, now: datetime
) -> PlanTemplate:
    wish: dict[str, Any] = {
        "name": tidy_text(content.name),
        "description": tidy_text(content.description),
        "phases": content.plan_phases,
        "actor": actor,
        "reason": reason,
        "now": now,
    }
    if template is None:
        return create_template(key=content.key, **wish)
    return edit_template(template_id=template.pk, **wish)
