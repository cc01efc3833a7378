"""The image that runs a release, by its digest."""

from django.db import migrations, models

PATTERN = "^[A-Za-z0-9][A-Za-z0-9._:/-]*@sha256:[0-9a-f]{64}$"


class Migration(migrations.Migration):
    dependencies = [
        ("rollouts", "0009_partial_rollbacks"),
    ]

    operations = [
        migrations.AddField(
            model_name="historicalrelease",
            name="image",
            field=models.CharField(blank=True, db_default="", default="", max_length=300),
        ),
        migrations.AddField(
            model_name="release",
            name="image",
            field=models.CharField(blank=True, db_default="", default="", max_length=300),
        ),
        migrations.AddConstraint(
            model_name="release",
            constraint=models.CheckConstraint(
                condition=models.Q(("image", ""), ("image__regex", PATTERN), _connector="OR"),
                name="rollouts_release_image_pinned",
            ),
        ),
    ]
