"""Investigations of complaints, and rollbacks that they lead to."""

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import rollouts.domain.investigating


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0009_note_pictures"),
        ("rollouts", "0016_guardrails_of_lanes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoricalInvestigation",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("actor_kind", models.CharField(max_length=10)),
                ("actor_label", models.CharField(max_length=200)),
                (
                    "code",
                    models.CharField(
                        choices=[
                            ("complaint_limit", "complaint_limit"),
                            ("pilots_one_flag", "pilots_one_flag"),
                            ("pilots_each_one", "pilots_each_one"),
                        ],
                        max_length=20,
                    ),
                ),
                ("day", models.DateField()),
                ("attempt", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "open"), ("dismissed", "dismissed"), ("rolled_back", "rolled_back")],
                        default=rollouts.domain.investigating.State["OPEN"],
                        max_length=15,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("deadline_at", models.DateTimeField()),
                ("evidence", models.JSONField()),
                ("taken_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("conclusion", models.TextField(blank=True)),
                ("concluded_by", models.CharField(blank=True, max_length=200)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical investigation",
                "verbose_name_plural": "historical investigations",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Investigation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.CharField(
                        choices=[
                            ("complaint_limit", "complaint_limit"),
                            ("pilots_one_flag", "pilots_one_flag"),
                            ("pilots_each_one", "pilots_each_one"),
                        ],
                        max_length=20,
                    ),
                ),
                ("day", models.DateField()),
                ("attempt", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "open"), ("dismissed", "dismissed"), ("rolled_back", "rolled_back")],
                        default=rollouts.domain.investigating.State["OPEN"],
                        max_length=15,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("deadline_at", models.DateTimeField()),
                ("evidence", models.JSONField()),
                ("taken_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("conclusion", models.TextField(blank=True)),
                ("concluded_by", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="rollback",
            name="rollouts_rollback_trigger_known",
        ),
        migrations.AlterField(
            model_name="historicalrollback",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("manual", "manual"),
                    ("critical_errors", "critical errors"),
                    ("error_rate", "error rate"),
                    ("performance", "performance"),
                    ("alert", "alert"),
                    ("complaints", "complaints"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="rollback",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("manual", "manual"),
                    ("critical_errors", "critical errors"),
                    ("error_rate", "error rate"),
                    ("performance", "performance"),
                    ("alert", "alert"),
                    ("complaints", "complaints"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="rollback",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("trigger__in", ["manual", "critical_errors", "error_rate", "performance", "alert", "complaints"])
                ),
                name="rollouts_rollback_trigger_known",
            ),
        ),
        migrations.AddField(
            model_name="historicalinvestigation",
            name="history_user",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="historicalinvestigation",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="historicalinvestigation",
            name="rollback",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="rollouts.rollback",
            ),
        ),
        migrations.AddField(
            model_name="historicalinvestigation",
            name="rollout",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="rollouts.rollout",
            ),
        ),
        migrations.AddField(
            model_name="investigation",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="investigations",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="investigation",
            name="rollback",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="rollouts.rollback",
            ),
        ),
        migrations.AddField(
            model_name="investigation",
            name="rollout",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="investigations", to="rollouts.rollout"
            ),
        ),
        migrations.AddIndex(
            model_name="investigation",
            index=models.Index(
                condition=models.Q(("status", "open")), fields=["deadline_at"], name="rollouts_investigation_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="investigation",
            constraint=models.UniqueConstraint(fields=("rollout", "day", "code"), name="rollouts_investigation_once"),
        ),
        migrations.AddConstraint(
            model_name="investigation",
            constraint=models.CheckConstraint(
                condition=models.Q(("code__in", ["complaint_limit", "pilots_one_flag", "pilots_each_one"])),
                name="rollouts_investigation_code_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="investigation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("concluded_by", ""),
                        ("conclusion", ""),
                        ("ended_at__isnull", True),
                        ("rollback__isnull", True),
                        ("status", "open"),
                    ),
                    models.Q(
                        ("ended_at__isnull", False),
                        ("rollback__isnull", True),
                        ("status", "dismissed"),
                        models.Q(("conclusion", ""), _negated=True),
                        models.Q(("concluded_by", ""), _negated=True),
                    ),
                    models.Q(
                        ("ended_at__isnull", False),
                        ("rollback__isnull", False),
                        ("status", "rolled_back"),
                        models.Q(("conclusion", ""), _negated=True),
                        models.Q(("concluded_by", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="rollouts_investigation_ends_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="investigation",
            constraint=models.CheckConstraint(
                condition=models.Q(("deadline_at__gt", models.F("opened_at"))),
                name="rollouts_investigation_deadline_later",
            ),
        ),
        migrations.AddConstraint(
            model_name="investigation",
            constraint=models.CheckConstraint(
                condition=models.Q(("taken_at__isnull", True), ("owner__isnull", False), _connector="OR"),
                name="rollouts_investigation_taken_by_whom",
            ),
        ),
    ]
