"""How many approvals an environment asks for, in place of whether it asks for one.

The column changes its type in place: an update would leave deferred triggers behind, which forbid to alter
the table.
"""

from django.db import migrations, models

TABLES = ("flags_environment", "flags_historicalenvironment")
FORWARD = """
ALTER TABLE {table} ALTER COLUMN requires_approval TYPE smallint USING requires_approval::integer::smallint;
ALTER TABLE {table} RENAME COLUMN requires_approval TO required_approvals;
ALTER TABLE {table} ALTER COLUMN required_approvals SET DEFAULT 0;
ALTER TABLE {table} ADD CONSTRAINT {table}_required_approvals_check CHECK (required_approvals >= 0);
"""
BACKWARD = """
ALTER TABLE {table} DROP CONSTRAINT {table}_required_approvals_check;
ALTER TABLE {table} ALTER COLUMN required_approvals DROP DEFAULT;
ALTER TABLE {table} RENAME COLUMN required_approvals TO requires_approval;
ALTER TABLE {table} ALTER COLUMN requires_approval TYPE boolean USING requires_approval > 0;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0007_flag_life"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "".join(FORWARD.format(table=table) for table in TABLES),
                    "".join(BACKWARD.format(table=table) for table in TABLES),
                )
            ],
            state_operations=[
                operation
                for model in ("environment", "historicalenvironment")
                for operation in (
                    migrations.RemoveField(model_name=model, name="requires_approval"),
                    migrations.AddField(
                        model_name=model,
                        name="required_approvals",
                        field=models.PositiveSmallIntegerField(db_default=0, default=0),
                    ),
                )
            ],
        ),
        migrations.AddConstraint(
            model_name="environment",
            constraint=models.CheckConstraint(
                condition=models.Q(("required_approvals__lte", 5)), name="flags_environment_approvals"
            ),
        ),
    ]
