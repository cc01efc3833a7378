"""Complaints are a lane with a mode and a number a day. Back only while nobody has set it: its constraint refuses."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0009_note_pictures"),
        ("health", "0016_prometheus_sources"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="guardrail",
            name="health_guardrail_lane_known",
        ),
        migrations.RemoveConstraint(
            model_name="guardrail",
            name="health_guardrail_threshold",
        ),
        migrations.AddField(
            model_name="guardrail",
            name="most_a_day",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="historicalguardrail",
            name="most_a_day",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="guardrail",
            name="lane",
            field=models.CharField(
                choices=[
                    ("error_rate", "Error rate"),
                    ("performance", "Performance"),
                    ("alert", "Alerts"),
                    ("complaints", "Complaints"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="historicalguardrail",
            name="lane",
            field=models.CharField(
                choices=[
                    ("error_rate", "Error rate"),
                    ("performance", "Performance"),
                    ("alert", "Alerts"),
                    ("complaints", "Complaints"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="guardrail",
            constraint=models.CheckConstraint(
                condition=models.Q(("lane__in", ["error_rate", "performance", "alert", "complaints"])),
                name="health_guardrail_lane_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="guardrail",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("lane", "error_rate"),
                        ("most_a_day__isnull", True),
                        ("threshold_bp__gte", 100),
                        ("threshold_bp__lte", 1000),
                    ),
                    models.Q(
                        ("lane", "performance"),
                        ("most_a_day__isnull", True),
                        ("threshold_bp__gte", 500),
                        ("threshold_bp__lte", 10000),
                    ),
                    models.Q(
                        ("lane", "alert"),
                        ("most_a_day__isnull", True),
                        ("threshold_bp__gte", 0),
                        ("threshold_bp__lte", 0),
                    ),
                    models.Q(
                        ("lane", "complaints"), ("most_a_day__gte", 1), ("most_a_day__lte", 1000), ("threshold_bp", 0)
                    ),
                    _connector="OR",
                ),
                name="health_guardrail_threshold",
            ),
        ),
        migrations.AddConstraint(
            model_name="guardrail",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("lane", "complaints"), _negated=True),
                    models.Q(("flag__isnull", True), models.Q(("mode", "roll_back"), _negated=True)),
                    _connector="OR",
                ),
                name="health_guardrail_complaints",
            ),
        ),
    ]
