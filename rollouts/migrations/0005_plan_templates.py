"""Plan templates in the database, with their versions; a rollout keeps the one it was made from.

Rollouts made before were all made from the built-in template: its first version is laid down here for them.
"""

import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models


def _phase(kind, days, *, slots=(), advance="one_by_one", gates=("soak", "guardrails"), support="standard"):
    return {
        "kind": kind,
        "days": days,
        "slots": list(slots),
        "advance": advance,
        "flag_order": [],
        "segment_key": "",
        "shares_bp": [],
        "gates": list(gates),
        "error_rate_mode": "",
        "error_rate_bp": None,
        "support": support,
    }


FOUR_PHASES = [
    _phase("internal", 2, slots=["09:00:00", "11:00:00", "14:00:00", "16:00:00"]),
    _phase("pilot", 3, slots=["06:00:00", "11:00:00", "15:00:00"]),
    _phase("per_site", 5, advance="together", support="heightened"),
    _phase("full", 1, advance="together", gates=[]),
]


def lay_down(apps, schema_editor):
    """Give rollouts that there are the built-in template's first version."""
    rollouts = apps.get_model("rollouts", "Rollout").objects.order_by("pk")
    first = rollouts.first()
    if first is None:
        return
    template = apps.get_model("rollouts", "PlanTemplate").objects.create(
        key="four-phases", name="Internal, pilot, one site a day, everyone"
    )
    version = apps.get_model("rollouts", "PlanTemplateVersion").objects.create(
        template=template,
        number=1,
        phases=FOUR_PHASES,
        created_at=first.created_at,
        reason="The built-in template comes with the portal",
    )
    rollouts.update(template_version=version)


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0006_targeting"),
        ("rollouts", "0004_known_values"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoricalPlanTemplate",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("actor_kind", models.CharField(max_length=10)),
                ("actor_label", models.CharField(max_length=200)),
                (
                    "key",
                    models.CharField(
                        db_index=True,
                        max_length=100,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
                                "Letters, digits, dot, dash and underscore; at most 100 characters.",
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("description", models.TextField(blank=True)),
                ("number", models.PositiveIntegerField(default=1)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical plan template",
                "verbose_name_plural": "historical plan templates",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="PlanTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.CharField(
                        max_length=100,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
                                "Letters, digits, dot, dash and underscore; at most 100 characters.",
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("description", models.TextField(blank=True)),
                ("number", models.PositiveIntegerField(default=1)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="PlanTemplateVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("phases", models.JSONField()),
                ("created_at", models.DateTimeField()),
                ("reason", models.TextField()),
            ],
            options={
                "ordering": ["template", "-number"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="phase",
            name="rollouts_phase_kind_known",
        ),
        migrations.AddField(
            model_name="historicalphase",
            name="error_rate_bp",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="historicalphase",
            name="error_rate_mode",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
        migrations.AddField(
            model_name="historicalphase",
            name="support",
            field=models.CharField(
                choices=[("standard", "standard"), ("heightened", "heightened")],
                db_default="standard",
                default="standard",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="historicalstep",
            name="share_bp",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="phase",
            name="error_rate_bp",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="phase",
            name="error_rate_mode",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
        migrations.AddField(
            model_name="phase",
            name="support",
            field=models.CharField(
                choices=[("standard", "standard"), ("heightened", "heightened")],
                db_default="standard",
                default="standard",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="step",
            name="share_bp",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="historicalphase",
            name="kind",
            field=models.CharField(
                choices=[
                    ("internal", "internal"),
                    ("pilot", "pilot"),
                    ("per_site", "per_site"),
                    ("percentage", "percentage"),
                    ("full", "full"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="phase",
            name="kind",
            field=models.CharField(
                choices=[
                    ("internal", "internal"),
                    ("pilot", "pilot"),
                    ("per_site", "per_site"),
                    ("percentage", "percentage"),
                    ("full", "full"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="rollout",
            name="pilots",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="flags.segment"
            ),
        ),
        migrations.AlterField(
            model_name="rollout",
            name="testers",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="flags.segment"
            ),
        ),
        migrations.AddConstraint(
            model_name="phase",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["internal", "pilot", "per_site", "percentage", "full"])),
                name="rollouts_phase_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="phase",
            constraint=models.CheckConstraint(
                condition=models.Q(("support__in", ["standard", "heightened"])), name="rollouts_phase_support_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="phase",
            constraint=models.CheckConstraint(
                condition=models.Q(("error_rate_mode__in", ("", "observe", "hold", "roll_back"))),
                name="rollouts_phase_error_rate_mode_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="phase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("error_rate_bp__isnull", True),
                    models.Q(("error_rate_bp__gte", 100), ("error_rate_bp__lte", 1000)),
                    _connector="OR",
                ),
                name="rollouts_phase_error_rate_bounds",
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("share_bp__isnull", True),
                    models.Q(("audience_kind", "everyone"), ("share_bp__gt", 0), ("share_bp__lt", 10000)),
                    _connector="OR",
                ),
                name="rollouts_step_share_of_everyone",
            ),
        ),
        migrations.AddField(
            model_name="historicalplantemplate",
            name="history_user",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="plantemplate",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="rollouts_template_named"
            ),
        ),
        migrations.AddConstraint(
            model_name="plantemplate",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 1)), name="rollouts_template_numbered"
            ),
        ),
        migrations.AddField(
            model_name="plantemplateversion",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="plantemplateversion",
            name="template",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="rollouts.plantemplate"
            ),
        ),
        migrations.AddField(
            model_name="historicalrollout",
            name="template_version",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="rollouts.plantemplateversion",
            ),
        ),
        migrations.AddField(
            model_name="rollout",
            name="template_version",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rollouts",
                to="rollouts.plantemplateversion",
            ),
        ),
        migrations.AddConstraint(
            model_name="plantemplateversion",
            constraint=models.UniqueConstraint(fields=("template", "number"), name="rollouts_template_version_once"),
        ),
        migrations.AddConstraint(
            model_name="plantemplateversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Func(
                        models.F("phases"),
                        models.Value('$.type() == "array" && $.size() > 0'),
                        function="jsonb_path_match",
                        output_field=models.BooleanField(),
                        template="%(function)s(%(expressions)s::jsonpath)",
                    )
                ),
                name="rollouts_template_has_phases",
            ),
        ),
        migrations.AddConstraint(
            model_name="plantemplateversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="rollouts_template_version_says_why"
            ),
        ),
        migrations.RunPython(lay_down, migrations.RunPython.noop),
        # Foreign keys are checked at commit; the table cannot be altered before.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="rollout",
            name="template_version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="rollouts", to="rollouts.plantemplateversion"
            ),
        ),
        migrations.AlterField(
            model_name="rollout", name="template_key", field=models.CharField(default="four-phases", max_length=50)
        ),
        migrations.AlterField(
            model_name="historicalrollout",
            name="template_key",
            field=models.CharField(default="four-phases", max_length=50),
        ),
        migrations.RemoveField(
            model_name="historicalrollout",
            name="template_key",
        ),
        migrations.RemoveField(
            model_name="rollout",
            name="template_key",
        ),
    ]
