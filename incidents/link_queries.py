"""What belongs to an incident, and what might."""

from datetime import timedelta

from django.db.models import Q, QuerySet

from health.models import Complaint, ComplaintStatus
from incidents.domain.lifecycle import RUNNING
from incidents.models import Incident, LinkedComplaint
from rollouts.models import Rollback, Rollout

#: Shown at once.
MOST_SHOWN = 50
MOST_OFFERED = 30
#: People complain before anybody calls it an incident.
BEFORE = timedelta(hours=1)


def list_linked(incident: Incident) -> list[LinkedComplaint]:
    """Return the complaints of an incident, newest first, with their words where they are kept: one query."""
    rows = incident.linked_complaints.select_related("complaint__site", "complaint__flag", "complaint__words")
    return list(rows[:MOST_SHOWN])


def list_proposed(incident: Incident) -> list[Complaint]:
    """Return the complaints since shortly before detection on the incident's flags or sites, not linked yet.

    Newest first: one query. Without a flag and a site nothing is proposed.
    """
    about = Q(flag__key__in=incident.flag_keys) | Q(flag=None, site__key__in=incident.site_keys)
    if not incident.flag_keys:
        about = Q(site__key__in=incident.site_keys)
    if not incident.flag_keys and not incident.site_keys:
        return []
    until = Q(logged_at__lte=incident.restored_at) if incident.restored_at else Q()
    rows = Complaint.objects.filter(
        about,
        until,
        environment=incident.environment_id,
        logged_at__gte=incident.detected_at - BEFORE,
        status__in=[ComplaintStatus.NEW, ComplaintStatus.DUPLICATE],
    ).exclude(incident_links__incident=incident)
    return list(rows.select_related("site", "flag", "words").order_by("-pk")[:MOST_SHOWN])


def list_mergeable(incident: Incident) -> list[Incident]:
    """Return the running incidents that it may be merged into, newest first: one query."""
    rows = Incident.objects.filter(
        environment=incident.environment_id, is_rehearsal=incident.is_rehearsal, status__in=RUNNING
    )
    return list(rows.exclude(pk=incident.pk).order_by("-pk")[:MOST_OFFERED])


def list_rollouts(incident: Incident) -> QuerySet[Rollout]:
    """Return the rollouts of its environment that it may be about, newest first."""
    rows = Rollout.objects.filter(environment=incident.environment_id).select_related("release", "environment")
    return rows.order_by("-pk")


def list_rollbacks(incident: Incident) -> QuerySet[Rollback]:
    """Return the rollbacks of its environment that no other incident has, newest first."""
    rows = Rollback.objects.filter(Q(incident=None) | Q(incident=incident))
    return rows.filter(rollout__environment=incident.environment_id).select_related("rollout__release").order_by("-pk")
