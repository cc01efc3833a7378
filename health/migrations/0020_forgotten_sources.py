"""That a person took a source of alerts away which is gone."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0009_note_pictures"),
        ("health", "0019_flag_minutes"),
    ]

    operations = [
        migrations.CreateModel(
            name="ForgottenSource",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "origin",
                    models.CharField(
                        choices=[("alertmanager", "Alertmanager"), ("grafana", "Grafana"), ("sentry", "Sentry")],
                        max_length=12,
                    ),
                ),
                ("last_received_at", models.DateTimeField()),
                ("forgotten_at", models.DateTimeField()),
                ("forgotten_by", models.CharField(max_length=200)),
                ("reason", models.TextField()),
                ("alerts_ended", models.PositiveIntegerField()),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="flags.environment"
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("origin__in", ["alertmanager", "grafana", "sentry"])),
                        name="health_forgotten_source_origin_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", ""), _negated=True), models.Q(("forgotten_by", ""), _negated=True)
                        ),
                        name="health_forgotten_source_says_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("forgotten_at__gte", models.F("last_received_at"))),
                        name="health_forgotten_source_forward",
                    ),
                ],
            },
        ),
    ]
