"""Rollbacks of a site and of a phase say which."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0008_required_approvals"),
        ("rollouts", "0008_plans_on_holidays"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="rollback",
            name="rollouts_rollback_scope_known",
        ),
        migrations.AddField(
            model_name="historicalrollback",
            name="phase",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="rollouts.phase",
            ),
        ),
        migrations.AddField(
            model_name="historicalrollback",
            name="site",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="flags.site",
            ),
        ),
        migrations.AddField(
            model_name="rollback",
            name="phase",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="rollouts.phase",
            ),
        ),
        migrations.AddField(
            model_name="rollback",
            name="site",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="flags.site"
            ),
        ),
        migrations.AlterField(
            model_name="historicalrollback",
            name="scope",
            field=models.CharField(
                choices=[("flag", "flag"), ("site", "site"), ("phase", "phase"), ("all", "all")], max_length=10
            ),
        ),
        migrations.AlterField(
            model_name="rollback",
            name="scope",
            field=models.CharField(
                choices=[("flag", "flag"), ("site", "site"), ("phase", "phase"), ("all", "all")], max_length=10
            ),
        ),
        migrations.AddConstraint(
            model_name="rollback",
            constraint=models.CheckConstraint(
                condition=models.Q(("scope__in", ["flag", "site", "phase", "all"])),
                name="rollouts_rollback_scope_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="rollback",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("phase__isnull", True), ("scope", "site"), ("site__isnull", False)),
                    models.Q(("phase__isnull", False), ("scope", "phase"), ("site__isnull", True)),
                    models.Q(
                        models.Q(("scope__in", ["site", "phase"]), _negated=True),
                        ("phase__isnull", True),
                        ("site__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="rollouts_rollback_says_what",
            ),
        ),
    ]
