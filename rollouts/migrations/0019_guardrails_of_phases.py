"""A phase overrides any guardrail, not the error rate alone: one list in place of two columns.

Both columns came with this release, which nobody runs beside its own schema: they go in the same step. On the way
back a phase keeps what it asks of the error rate; what it asks of others has no column there.
History is append-only: its rows of before say nothing of it any more, the sealed payloads still do.
"""

from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_LANE = "error_rate"
#: The modes that the older column knows.
_OLDER_MODES = {"", "observe", "hold", "roll_back"}


def _gather(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for model in (apps.get_model("rollouts", "Phase"),):
        asked = model.objects.exclude(error_rate_mode="", error_rate_bp=None)
        for mode, limit in asked.order_by().values_list("error_rate_mode", "error_rate_bp").distinct():
            one = {"lane": _LANE, "mode": mode, "limit": limit, "scope": ""}
            same = asked.filter(error_rate_mode=mode, error_rate_bp=limit)
            same.update(guardrails=[one])


def _spread(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for model in (apps.get_model("rollouts", "Phase"),):
        for asked in model.objects.exclude(guardrails=[]).order_by().values_list("guardrails", flat=True).distinct():
            one: dict[str, Any] = next((each for each in asked if each["lane"] == _LANE), {})
            mode = one.get("mode", "")
            model.objects.filter(guardrails=asked).update(
                error_rate_mode=mode if mode in _OLDER_MODES else "", error_rate_bp=one.get("limit")
            )


class Migration(migrations.Migration):
    dependencies = [
        ("rollouts", "0018_investigations_of_lanes"),
    ]

    operations = [
        migrations.AddField(
            model_name="historicalphase",
            name="guardrails",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="phase",
            name="guardrails",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.RunPython(_gather, _spread),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL IMMEDIATE"),
        migrations.RemoveConstraint(
            model_name="phase",
            name="rollouts_phase_error_rate_mode_known",
        ),
        migrations.RemoveConstraint(
            model_name="phase",
            name="rollouts_phase_error_rate_bounds",
        ),
        migrations.RemoveField(
            model_name="historicalphase",
            name="error_rate_bp",
        ),
        migrations.RemoveField(
            model_name="historicalphase",
            name="error_rate_mode",
        ),
        migrations.RemoveField(
            model_name="phase",
            name="error_rate_bp",
        ),
        migrations.RemoveField(
            model_name="phase",
            name="error_rate_mode",
        ),
        migrations.AddConstraint(
            model_name="phase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Func(
                        models.F("guardrails"),
                        models.Value('$.type() == "array"'),
                        function="jsonb_path_match",
                        output_field=models.BooleanField(),
                        template="%(function)s(%(expressions)s::jsonpath)",
                    )
                ),
                name="rollouts_phase_guardrails_listed",
            ),
        ),
    ]
