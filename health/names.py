"""What samples, verdicts and complaints are called in the records (core.naming)."""

from django.utils.translation import gettext_lazy as _

from core.naming import Names

NAMES = Names(
    app=_("Health"),
    records={
        "Sample": (_("sample"), _("samples")),
        "OtlpSeries": (_("OpenTelemetry series"), _("series of OpenTelemetry")),
        "StoredVerdict": (_("verdict"), _("verdicts")),
        "BreachMemory": (_("unconfirmed breach"), _("unconfirmed breaches")),
        "Guardrail": (_("guardrail"), _("guardrails")),
        "Complaint": (_("complaint"), _("complaints")),
        "ComplaintText": (_("text of a complaint"), _("texts of complaints")),
    },
    fields={
        "at": _("when"),
        "baseline_bp": _("baseline (basis points)"),
        "began_at": _("began at"),
        "bound_bp": _("bound (basis points)"),
        "buckets": _("buckets"),
        "client_id": _("sender’s number"),
        "complaint": _("complaint"),
        "count": _("count"),
        "critical_errors": _("critical errors"),
        "duplicate_of": _("duplicate of"),
        "environment_key": _("environment key"),
        "errors": _("errors"),
        "integrity_errors": _("integrity errors"),
        "k": _("errors (k)"),
        "latency": _("latency"),
        "logged_at": _("logged at"),
        "logged_by": _("logged by"),
        "mode": _("mode"),
        "n": _("requests (n)"),
        "newest_at": _("newest at"),
        "received_at": _("received at"),
        "reporter": _("reporter"),
        "requests": _("requests"),
        "seen_at": _("seen at"),
        "severity": _("severity"),
        "text": _("text"),
        "threshold": _("threshold"),
        "threshold_bp": _("threshold (basis points)"),
        "time_ns": _("time of the last point (ns)"),
        "Sample.transaction": _("named transaction"),
        "verdict": _("verdict"),
        "window": _("window"),
        "window_end": _("window ends at"),
        "window_start": _("window begins at"),
    },
)
