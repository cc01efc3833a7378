"""A plan may fall on public holidays where somebody asked for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rollouts", "0007_freezes"),
    ]

    operations = [
        migrations.AddField(
            model_name="historicalrollout",
            name="allows_holidays",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="rollout",
            name="allows_holidays",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
