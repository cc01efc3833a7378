"""Words of post-mortems and measures."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

REFUSALS: dict[str, str | Promise] = {
    "post_mortem_incomplete": _("Still missing: %(gaps)s."),
    "post_mortem_published": _("The post-mortem is published: make a draft of it again first."),
    "post_mortem_not_public": _("This post-mortem is not public."),
    "post_mortem_wanted_already": _("A post-mortem is asked for already."),
    "review_by_no_person": _("A review is given by a person who is signed in."),
    "review_by_author": _("You wrote in this post-mortem: somebody else reviews it."),
    "public_text_names_people": _("The public text names people: %(names)s. Say what happened, not who."),
    "section_unknown": _("A post-mortem has no section “%(section)s”."),
    "visibility_unknown": _("Choose who may read it from the list."),
    "earlier_incident_unknown": _("There is no earlier incident %(incident)s."),
    "measure_missing": _("Say what is to be done."),
    "measure_unknown": _("There is no such measure on this incident."),
    "measure_of_another": _(
        "Its owner says that it is done: %(owner)s. Hand it over first if that is somebody else now."
    ),
    "verified_by_no_person": _("A measure is verified by a person who is signed in."),
    "verified_by_owner": _("Somebody other than its owner verifies a measure."),
    "measure_needs_handler": _("%(person)s may not handle incidents: choose somebody who may."),
    "verifier_is_owner": _("Somebody other than the owner verifies: choose another person."),
    "due_in_past": _("The due date lies in the past."),
    "action_kind_unknown": _("Choose the kind of measure from the list."),
}

#: What is written to history without a person's reason (core.reasons).
REASONS: dict[str, str] = {
    "post_mortem_written": gettext_noop("Post-mortem written"),
    "action_item_added": gettext_noop("Action item added"),
}

#: What is lacking (incidents.domain.gaps), as it stands in a list.
GAPS: dict[str, str | Promise] = {
    "root_cause_missing": _("the root cause"),
    "documentation_missing": _("which documentation is updated, or that none needs to be"),
    "measures_missing": _("a preventive measure with its owner and date"),
    "impact_missing": _("the impact"),
    "detection_missing": _("how it was detected"),
    "went_well_missing": _("what went well"),
    "went_badly_missing": _("what went badly"),
    "lucky_missing": _("where we were lucky"),
    "public_text_missing": _("the public title and text"),
    "not_restored": _("the verified restoration"),
    "not_approved": _("the approval of somebody who did not write it"),
    "not_published": _("its publication"),
}

#: A post-mortem's texts, in the order they are read.
SECTIONS: dict[str, str | Promise] = {
    "root_cause": _("Root cause"),
    "impact": _("Impact"),
    "detection": _("Detection"),
    "went_well": _("What went well"),
    "went_badly": _("What went badly"),
    "lucky": _("Where we were lucky"),
    "documentation_updates": _("Documentation updates"),
}

STAGES: dict[str, str | Promise] = {
    "draft": _("✎ draft"),
    "in_review": _("◐ in review"),
    "approved": _("✓ approved"),
    "published": _("■ published"),
}
STAGE_TONES: dict[str, str] = {"draft": "plain", "in_review": "warn", "approved": "ok", "published": "ok"}

MEASURE_STATES: dict[str, str | Promise] = {
    "open": _("○ open"),
    "done": _("◐ done, to be verified"),
    "verified": _("✓ verified"),
    "dropped": _("✕ given up"),
}
MEASURE_TONES: dict[str, str] = {"open": "plain", "done": "warn", "verified": "ok", "dropped": "plain"}

KINDS: dict[str, str | Promise] = {
    "documentation": _("documentation update"),
    "preventive": _("preventive measure"),
    "detection": _("better detection"),
}

#: Moments of an incident, in the order they come.
MOMENTS: dict[str, str | Promise] = {
    "detected_at": _("Detected"),
    "opened_at": _("Declared"),
    "acknowledged_at": _("Somebody took command"),
    "mitigated_at": _("The harm had stopped"),
    "restored_at": _("Restoration verified"),
}

#: What took back: a person, or a guardrail.
TRIGGERS: dict[str, str | Promise] = {
    "manual": _("by hand"),
    "complaints": _("complaints"),
    "critical_errors": _("critical errors"),
    "error_rate": _("error rate"),
    "performance": _("performance"),
    "alert": _("alert of the monitoring"),
    "query": _("query of one’s own"),
}

#: Why an earlier incident is shown.
ALIKE: dict[str, str | Promise] = {
    "same_cause": _("the same root cause, as somebody said"),
    "same_flag": _("the same flag"),
    "same_site_and_words": _("the same site and title"),
}

#: What was done, as the page says it afterwards, by the action's name.
DONE: dict[str, str | Promise] = {
    "save": _("Post-mortem saved."),
    "ask": _("A post-mortem is asked for: it is reviewed, published and has a date."),
    "submit": _("A review is asked for: the others see that it waits."),
    "approve": _("Approved: it can be published."),
    "send-back": _("Sent back to its authors."),
    "publish": _("Post-mortem published."),
    "withdraw": _("It is a draft again."),
    "hide": _("It is no longer public."),
    "add": _("Measure added."),
    "finish": _("Measure done: somebody else verifies it."),
    "verify": _("Measure verified."),
    "reject": _("Measure open again: its owner is told."),
    "drop": _("Measure given up."),
    "hand-over": _("Measure handed over."),
}
