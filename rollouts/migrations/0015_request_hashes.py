"""What a program asked for under its own name: another wish under the same name is refused."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rollouts", "0014_request_ids"),
    ]

    operations = [
        migrations.AddField(
            model_name="historicalrollout",
            name="request_hash",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="rollout",
            name="request_hash",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
    ]
