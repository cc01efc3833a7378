"""Deadlines are told of again while they are passed: a warning carries the hours past its deadline."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0006_closed_is_learnt")]

    operations = [
        migrations.AddField(
            model_name="deadlinewarning",
            name="overdue_hours",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.RemoveConstraint(model_name="deadlinewarning", name="incidents_warned_once"),
        migrations.AddConstraint(
            model_name="deadlinewarning",
            constraint=models.UniqueConstraint(
                fields=("incident", "percent", "overdue_hours"), name="incidents_warned_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="deadlinewarning",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("overdue_hours", 0),
                    models.Q(("overdue_hours__in", (1, 2, 4, 8, 24, 48, 72, 96, 120, 144, 168)), ("percent", 100)),
                    _connector="OR",
                ),
                name="incidents_overdue_known",
            ),
        ),
    ]
