"""A picture beside a flag's note for cashiers."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0008_required_approvals"),
    ]

    operations = [
        migrations.CreateModel(
            name="Picture",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("content", models.BinaryField()),
                ("width", models.PositiveSmallIntegerField()),
                ("height", models.PositiveSmallIntegerField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("key__regex", "^[0-9a-f]{64}$")), name="flags_picture_key"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="flag",
            name="note_picture",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="flags.picture",
            ),
        ),
        migrations.AddField(
            model_name="historicalflag",
            name="note_picture",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="flags.picture",
            ),
        ),
    ]
