"""How often a rollout's due step failed, and when it is tried again."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rollouts", "0002_error_rate_trigger"),
    ]

    operations = [
        migrations.CreateModel(
            name="StepFault",
            fields=[
                (
                    "rollout",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="step_fault",
                        serialize=False,
                        to="rollouts.rollout",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField()),
                ("last_error", models.CharField(max_length=200)),
                ("next_attempt_at", models.DateTimeField()),
            ],
        ),
    ]
