"""Flags that are kept on purpose: they never count as to be removed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0006_targeting"),
    ]

    operations = [
        migrations.AddField(
            model_name="flag",
            name="is_permanent",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="historicalflag",
            name="is_permanent",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddConstraint(
            model_name="flag",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_permanent", False), ("expires_on__isnull", True), _connector="OR"),
                name="flags_flag_permanent_stays",
            ),
        ),
    ]
