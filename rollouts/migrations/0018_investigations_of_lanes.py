"""A lane in mode investigate opens an investigation. Back only while none was opened: the constraint refuses it then."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rollouts", "0017_investigations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="investigation",
            name="rollouts_investigation_code_known",
        ),
        migrations.AlterField(
            model_name="historicalinvestigation",
            name="code",
            field=models.CharField(
                choices=[
                    ("complaint_limit", "complaint_limit"),
                    ("pilots_one_flag", "pilots_one_flag"),
                    ("pilots_each_one", "pilots_each_one"),
                    ("error_rate", "error_rate"),
                    ("performance", "performance"),
                    ("alert", "alert"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="investigation",
            name="code",
            field=models.CharField(
                choices=[
                    ("complaint_limit", "complaint_limit"),
                    ("pilots_one_flag", "pilots_one_flag"),
                    ("pilots_each_one", "pilots_each_one"),
                    ("error_rate", "error_rate"),
                    ("performance", "performance"),
                    ("alert", "alert"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="investigation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "code__in",
                        ["complaint_limit", "pilots_one_flag", "pilots_each_one", "error_rate", "performance", "alert"],
                    )
                ),
                name="rollouts_investigation_code_known",
            ),
        ),
    ]
