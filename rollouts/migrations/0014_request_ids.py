"""A program's own name for the wish that made a rollout: asked twice, it is planned once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rollouts", "0013_calendar_feeds"),
    ]

    operations = [
        migrations.AddField(
            model_name="historicalrollout",
            name="request_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.AddField(
            model_name="rollout",
            name="request_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.AddConstraint(
            model_name="rollout",
            constraint=models.UniqueConstraint(
                condition=models.Q(("request_id", ""), _negated=True),
                fields=("environment", "request_id"),
                name="rollouts_request_once",
            ),
        ),
    ]
