"""A post-mortem as a Markdown file: its sections, measures, and what the portal knows."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from core.markdown import defuse_markdown, write_plain
from core.reasons import say_reason
from core.templatetags.portal import civil_day, moment, name_of, span
from core.templatetags.words import say
from flags.queries import get_flag_names, get_site_names
from health.templatetags.verdicts import sentence
from incidents.evidence_queries import Evidence, read_evidence
from incidents.models import Incident
from incidents.post_mortem_labels import KINDS, MEASURE_STATES, MOMENTS, SECTIONS, STAGES, TRIGGERS
from incidents.timeline_labels import draw_line


def write_markdown(incident: Incident, *, now: datetime) -> str:
    """Return the whole file, in the language in force: at most a dozen queries."""
    evidence = read_evidence(incident, incident.post_mortem.evidence, now=now)
    blocks = [*_head(incident), *_sections(incident), *_measures(incident), *_evidence(evidence)]
    # Once more as a whole: a link in one section may have its address in another.
    return defuse_markdown("\n\n".join(blocks)) + "\n"


def _head(incident: Incident) -> Iterator[str]:
    post_mortem = incident.post_mortem
    yield f"# {_('Post-mortem')} #{incident.pk}: {write_plain(incident.title)}"
    lines = [
        f"{_('State')}: {STAGES[post_mortem.status]}",
        f"{_('Tier')}: {say(incident.highest_tier, 'incidents.TIERS')}",
        f"{_('Environment')}: {write_plain(incident.environment)}",
    ]
    authors = ", ".join(write_plain(name_of(one.user)) for one in post_mortem.authors.select_related("user"))
    if authors:
        lines.append(f"{_('Written by')}: {authors}")
    if post_mortem.approved_by is not None:
        lines.append(
            f"{_('Approved by')}: {write_plain(name_of(post_mortem.approved_by))}, {moment(post_mortem.approved_at)}"
        )
    yield "\n".join(f"- {line}" for line in lines)


def _sections(incident: Incident) -> Iterator[str]:
    for name, label in SECTIONS.items():
        yield f"## {label}"
        yield defuse_markdown(getattr(incident.post_mortem, name)) or "—"


def _measures(incident: Incident) -> Iterator[str]:
    yield f"## {_('Measures')}"
    rows = incident.post_mortem.action_items.select_related("owner", "verified_by")
    lines = []
    for item in rows:
        due = f"{_('due')} {civil_day(item.due_on)}"
        said = [KINDS[item.kind], write_plain(name_of(item.owner)), due, MEASURE_STATES[item.status]]
        said += [write_plain(text) for text in (item.proof, item.checked, item.drop_reason) if text]
        lines.append(f"- {write_plain(item.title)} ({' · '.join(str(part) for part in said)})")
    yield "\n".join(lines) or "—"


def _evidence(evidence: Evidence) -> Iterator[str]:
    yield f"## {_('What the portal knows')}"
    yield "\n".join(
        f"- {MOMENTS[one.code]}: {moment(one.at)}{f' (+{span(one.after)})' if one.after else ''}"
        for one in evidence.moments
    )
    facts = [
        f"{_('Deadline')}: {moment(evidence.deadline)}",
        f"{_('Flags')}: {write_plain(', '.join(evidence.flag_keys)) or '—'}",
        f"{_('Sites')}: {write_plain(', '.join(evidence.site_keys)) or '—'}",
        f"{_('Complaints')}: {evidence.complaints}",
    ]
    yield "\n".join(f"- {fact}" for fact in facts)
    if evidence.exposed:
        yield f"### {_('Who was exposed')}"
        yield "\n".join(
            f"- {write_plain(one.flag_key)}: {write_plain(_('everyone') if one.whom == 'everyone' else one.whom)},"
            f" {moment(one.since)}"
            for one in evidence.exposed
        )
    if evidence.taken_back or evidence.decisions:
        yield f"### {_('What guardrails said and did')}"
        yield "\n".join(
            [f"- {moment(row.at)}: {write_plain(f'{row.flag_key}: {sentence(row)}')}" for row in evidence.decisions]
            + [
                f"- {moment(one.at)}: {_('taken back')} ({TRIGGERS[one.trigger]}):"
                f" {write_plain(', '.join(one.flag_keys))}: {write_plain(say_reason(one.reason))}"
                for one in evidence.taken_back
            ]
        )
    yield f"### {_('Timeline')}"
    sites, flags = get_site_names(), get_flag_names()
    lines = [draw_line(row, sites=sites, flags=flags) for row in evidence.timeline]
    yield "\n".join(
        f"- {moment(line.entry.at)}: {write_plain(line.heading)} {write_plain(line.words or line.prose)}"
        f" ({write_plain(line.actor)})"
        for line in lines
    )
