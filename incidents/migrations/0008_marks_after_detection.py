"""The marks on an incident's clock lie after its detection, by which the report reads it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0007_overdue_warnings")]

    operations = [
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(
                condition=models.Q(("status__in", ["open", "mitigated"])),
                fields=["detected_at"],
                name="incidents_running",
            ),
        ),
        *[
            migrations.AddConstraint(
                model_name="incident",
                constraint=models.CheckConstraint(
                    condition=models.Q(
                        (f"{mark}_at__isnull", True), (f"{mark}_at__gte", models.F("detected_at")), _connector="OR"
                    ),
                    name=f"incidents_{mark}_after_detection",
                ),
            )
            for mark in ("acknowledged", "mitigated")
        ],
    ]
