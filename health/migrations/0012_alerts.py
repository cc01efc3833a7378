"""Alerts of other monitoring systems, who sends them, and Sentry's integrations."""

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0009_note_pictures"),
        ("health", "0011_roll_ups"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoricalSentryHook",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("actor_kind", models.CharField(max_length=10)),
                ("actor_label", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=100)),
                ("secret_end", models.CharField(max_length=4)),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("off_at", models.DateTimeField(blank=True, null=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "environment",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="flags.environment",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical sentry hook",
                "verbose_name_plural": "historical sentry hooks",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="SentryHook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("sealed_secret", models.TextField()),
                ("secret_end", models.CharField(max_length=4)),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("off_at", models.DateTimeField(blank=True, null=True)),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="flags.environment"
                    ),
                ),
            ],
            options={
                "ordering": ["environment", "name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="SentryReceipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("body_hash", models.CharField(max_length=64)),
                ("request_id", models.CharField(blank=True, max_length=100)),
                ("received_at", models.DateTimeField()),
                (
                    "hook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="health.sentryhook"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "origin",
                    models.CharField(
                        choices=[("alertmanager", "Alertmanager"), ("grafana", "Grafana"), ("sentry", "Sentry")],
                        max_length=12,
                    ),
                ),
                ("fingerprint", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=200)),
                ("summary", models.TextField(blank=True)),
                (
                    "severity",
                    models.CharField(
                        choices=[("critical", "critical"), ("warning", "warning"), ("info", "for information")],
                        max_length=10,
                    ),
                ),
                ("labels", models.JSONField(default=dict)),
                ("release", models.CharField(blank=True, max_length=100)),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("received_at", models.DateTimeField()),
                ("last_received_at", models.DateTimeField()),
                ("times_received", models.PositiveIntegerField(default=1)),
                ("link", models.CharField(blank=True, max_length=1000)),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="flags.environment"
                    ),
                ),
                (
                    "flag",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="flags.flag",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="flags.site",
                    ),
                ),
            ],
            options={
                "ordering": ["-started_at", "-pk"],
                "indexes": [
                    models.Index(fields=["environment", "ended_at"], name="health_alert_firing"),
                    models.Index(fields=["environment", "-started_at"], name="health_alert_newest"),
                    models.Index(fields=["last_received_at"], name="health_alert_last_heard"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("environment", "origin", "fingerprint", "started_at"), name="health_alert_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("name", ""), _negated=True), models.Q(("fingerprint", ""), _negated=True)
                        ),
                        name="health_alert_named",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("origin__in", ["alertmanager", "grafana", "sentry"])),
                        name="health_alert_origin_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("severity__in", ["critical", "warning", "info"])),
                        name="health_alert_severity_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at__isnull", True), ("ended_at__gte", models.F("started_at")), _connector="OR"
                        ),
                        name="health_alert_forward",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("last_received_at__gte", models.F("received_at")), ("times_received__gte", 1)
                        ),
                        name="health_alert_received",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("link", ""), ("link__iregex", "^https?://[^[:space:]]+$"), _connector="OR"),
                        name="health_alert_link_safe",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertSource",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "origin",
                    models.CharField(
                        choices=[("alertmanager", "Alertmanager"), ("grafana", "Grafana"), ("sentry", "Sentry")],
                        max_length=12,
                    ),
                ),
                ("first_received_at", models.DateTimeField()),
                ("last_received_at", models.DateTimeField()),
                ("watchdog_at", models.DateTimeField(blank=True, null=True)),
                ("watchdog_ended_at", models.DateTimeField(blank=True, null=True)),
                ("left_out", models.PositiveIntegerField(default=0)),
                ("left_out_at", models.DateTimeField(blank=True, null=True)),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="flags.environment"
                    ),
                ),
            ],
            options={
                "ordering": ["environment", "origin"],
                "constraints": [
                    models.UniqueConstraint(fields=("environment", "origin"), name="health_alert_source_once"),
                    models.CheckConstraint(
                        condition=models.Q(("origin__in", ["alertmanager", "grafana", "sentry"])),
                        name="health_alert_source_origin_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("watchdog_ended_at__isnull", True), ("watchdog_at__isnull", False), _connector="OR"
                        ),
                        name="health_alert_source_watched",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("left_out", 0), ("left_out_at__isnull", True)),
                            models.Q(("left_out__gte", 1), ("left_out_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="health_alert_source_left_out",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="sentryhook",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="health_sentry_hook_named"
            ),
        ),
        migrations.AddConstraint(
            model_name="sentryhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("off_at__isnull", True), models.Q(("sealed_secret", ""), _negated=True)),
                    models.Q(("off_at__isnull", False), ("sealed_secret", "")),
                    _connector="OR",
                ),
                name="health_sentry_hook_sealed",
            ),
        ),
        migrations.AddConstraint(
            model_name="sentryhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("changed_at__gte", models.F("created_at")),
                    models.Q(("off_at__isnull", True), ("off_at__gte", models.F("created_at")), _connector="OR"),
                ),
                name="health_sentry_hook_forward",
            ),
        ),
        migrations.AddIndex(
            model_name="sentryreceipt",
            index=models.Index(fields=["received_at"], name="health_sentry_receipt_old"),
        ),
        migrations.AddConstraint(
            model_name="sentryreceipt",
            constraint=models.UniqueConstraint(fields=("hook", "body_hash"), name="health_sentry_body_once"),
        ),
        migrations.AddConstraint(
            model_name="sentryreceipt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("request_id", ""), _negated=True),
                fields=("hook", "request_id"),
                name="health_sentry_request_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="sentryreceipt",
            constraint=models.CheckConstraint(
                condition=models.Q(("body_hash__regex", "^[0-9a-f]{64}$")), name="health_sentry_body_hashed"
            ),
        ),
    ]
