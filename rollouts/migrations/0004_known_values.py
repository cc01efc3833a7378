"""The database refuses values that mean nothing, and halves of pairs."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0006_targeting"),
        ("rollouts", "0003_step_fault"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="phase",
            constraint=models.CheckConstraint(
                condition=models.Q(("last_day__gte", models.F("first_day"))), name="rollouts_phase_days_forward"
            ),
        ),
        migrations.AddConstraint(
            model_name="phase",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["internal", "pilot", "per_site", "full"])),
                name="rollouts_phase_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="phase",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["pending", "running", "done"])), name="rollouts_phase_status_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="rollback",
            constraint=models.CheckConstraint(
                condition=models.Q(("scope__in", ["flag", "all"])), name="rollouts_rollback_scope_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="rollback",
            constraint=models.CheckConstraint(
                condition=models.Q(("trigger__in", ["manual", "critical_errors", "error_rate"])),
                name="rollouts_rollback_trigger_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="rollback",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="rollouts_rollback_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="rollout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", False), ("status__in", ["cancelled", "completed", "rolled_back"])),
                    models.Q(
                        models.Q(("status__in", ["cancelled", "completed", "rolled_back"]), _negated=True),
                        ("ended_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="rollouts_ended_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="rolloutevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("actor_kind__in", ["user", "system", "token", "command"])),
                name="rollouts_event_actor_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="rolloutflag",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("acknowledged_at__isnull", True), ("rolled_back_at__isnull", False), _connector="OR"
                ),
                name="rollouts_acknowledged_rollback",
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["planned", "done", "skipped"])), name="rollouts_step_status_known"
            ),
        ),
    ]
