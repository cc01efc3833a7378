import django.contrib.postgres.fields
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("flags", "0009_note_pictures"),
        ("incidents", "0014_full_text"),
        ("rollouts", "0022_risk_register"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Announcement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("release_planned", "release_planned"),
                            ("phase_begins", "phase_begins"),
                            ("rollout_held", "rollout_held"),
                            ("rollback_begun", "rollback_begun"),
                            ("rollback_done", "rollback_done"),
                            ("incident_investigating", "incident_investigating"),
                            ("incident_identified", "incident_identified"),
                            ("incident_monitoring", "incident_monitoring"),
                            ("incident_resolved", "incident_resolved"),
                            ("maintenance_planned", "maintenance_planned"),
                            ("maintenance_begun", "maintenance_begun"),
                            ("maintenance_ended", "maintenance_ended"),
                            ("all_clear", "all_clear"),
                            ("free", "free"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("scheduled", "scheduled"),
                            ("publishing", "publishing"),
                            ("published", "published"),
                            ("corrected", "corrected"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="draft",
                        max_length=12,
                    ),
                ),
                ("title_fr", models.CharField(blank=True, max_length=150)),
                ("body_fr", models.TextField(blank=True)),
                ("title_en", models.CharField(blank=True, max_length=150)),
                ("body_en", models.TextField(blank=True)),
                ("one_language_reason", models.CharField(blank=True, max_length=300)),
                (
                    "outlets",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), blank=True, default=list, size=None
                    ),
                ),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), blank=True, default=list, size=None
                    ),
                ),
                (
                    "places",
                    models.CharField(
                        choices=[
                            ("everywhere", "everywhere"),
                            ("sites", "sites"),
                            ("flag", "flag"),
                            ("nowhere", "nowhere"),
                        ],
                        default="everywhere",
                        max_length=12,
                    ),
                ),
                (
                    "site_keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), blank=True, default=list, size=None
                    ),
                ),
                ("starts_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("next_update_at", models.DateTimeField(blank=True, null=True)),
                ("publish_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("request_id", models.CharField(blank=True, max_length=100)),
                ("request_hash", models.CharField(blank=True, max_length=64)),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="announcements",
                        to="flags.environment",
                    ),
                ),
                (
                    "flag",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="announcements",
                        to="flags.flag",
                    ),
                ),
                (
                    "follows",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="followers",
                        to="announcements.announcement",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="announcements",
                        to="incidents.incident",
                    ),
                ),
                (
                    "rollout",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="announcements",
                        to="rollouts.rollout",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="AnnouncementTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("release_planned", "release_planned"),
                            ("phase_begins", "phase_begins"),
                            ("rollout_held", "rollout_held"),
                            ("rollback_begun", "rollback_begun"),
                            ("rollback_done", "rollback_done"),
                            ("incident_investigating", "incident_investigating"),
                            ("incident_identified", "incident_identified"),
                            ("incident_monitoring", "incident_monitoring"),
                            ("incident_resolved", "incident_resolved"),
                            ("maintenance_planned", "maintenance_planned"),
                            ("maintenance_begun", "maintenance_begun"),
                            ("maintenance_ended", "maintenance_ended"),
                            ("all_clear", "all_clear"),
                            ("free", "free"),
                        ],
                        max_length=30,
                        unique=True,
                    ),
                ),
                ("title_fr", models.CharField(max_length=150)),
                ("body_fr", models.TextField()),
                ("title_en", models.CharField(max_length=150)),
                ("body_en", models.TextField()),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "release_planned",
                                    "phase_begins",
                                    "rollout_held",
                                    "rollback_begun",
                                    "rollback_done",
                                    "incident_investigating",
                                    "incident_identified",
                                    "incident_monitoring",
                                    "incident_resolved",
                                    "maintenance_planned",
                                    "maintenance_begun",
                                    "maintenance_ended",
                                    "all_clear",
                                    "free",
                                ],
                            )
                        ),
                        name="announcements_template_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("title_fr", ""), _negated=True),
                            models.Q(("body_fr", ""), _negated=True),
                            models.Q(("title_en", ""), _negated=True),
                            models.Q(("body_en", ""), _negated=True),
                        ),
                        name="announcements_template_in_both",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AnnouncementVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                (
                    "act",
                    models.CharField(
                        choices=[("first", "first"), ("correction", "correction"), ("withdrawal", "withdrawal")],
                        max_length=12,
                    ),
                ),
                ("title_fr", models.CharField(blank=True, max_length=300)),
                ("body_fr", models.TextField(blank=True)),
                ("title_en", models.CharField(blank=True, max_length=300)),
                ("body_en", models.TextField(blank=True)),
                ("note_fr", models.CharField(blank=True, max_length=500)),
                ("note_en", models.CharField(blank=True, max_length=500)),
                ("one_language_reason", models.CharField(blank=True, max_length=300)),
                ("hotline", models.CharField(blank=True, max_length=60)),
                (
                    "outlets",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=30), size=None),
                ),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), blank=True, size=None
                    ),
                ),
                (
                    "site_keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), blank=True, size=None
                    ),
                ),
                ("is_everywhere", models.BooleanField()),
                ("tills", models.PositiveIntegerField()),
                ("starts_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("next_update_at", models.DateTimeField(blank=True, null=True)),
                ("at", models.DateTimeField()),
                ("by_label", models.CharField(max_length=200)),
                ("reason", models.TextField()),
                (
                    "announcement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="announcements.announcement",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-number"],
            },
        ),
        migrations.CreateModel(
            name="HistoricalAnnouncement",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("actor_kind", models.CharField(max_length=10)),
                ("actor_label", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("release_planned", "release_planned"),
                            ("phase_begins", "phase_begins"),
                            ("rollout_held", "rollout_held"),
                            ("rollback_begun", "rollback_begun"),
                            ("rollback_done", "rollback_done"),
                            ("incident_investigating", "incident_investigating"),
                            ("incident_identified", "incident_identified"),
                            ("incident_monitoring", "incident_monitoring"),
                            ("incident_resolved", "incident_resolved"),
                            ("maintenance_planned", "maintenance_planned"),
                            ("maintenance_begun", "maintenance_begun"),
                            ("maintenance_ended", "maintenance_ended"),
                            ("all_clear", "all_clear"),
                            ("free", "free"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("scheduled", "scheduled"),
                            ("publishing", "publishing"),
                            ("published", "published"),
                            ("corrected", "corrected"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="draft",
                        max_length=12,
                    ),
                ),
                ("title_fr", models.CharField(blank=True, max_length=150)),
                ("body_fr", models.TextField(blank=True)),
                ("title_en", models.CharField(blank=True, max_length=150)),
                ("body_en", models.TextField(blank=True)),
                ("one_language_reason", models.CharField(blank=True, max_length=300)),
                (
                    "outlets",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), blank=True, default=list, size=None
                    ),
                ),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), blank=True, default=list, size=None
                    ),
                ),
                (
                    "places",
                    models.CharField(
                        choices=[
                            ("everywhere", "everywhere"),
                            ("sites", "sites"),
                            ("flag", "flag"),
                            ("nowhere", "nowhere"),
                        ],
                        default="everywhere",
                        max_length=12,
                    ),
                ),
                (
                    "site_keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), blank=True, default=list, size=None
                    ),
                ),
                ("starts_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("next_update_at", models.DateTimeField(blank=True, null=True)),
                ("publish_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("request_id", models.CharField(blank=True, max_length=100)),
                ("request_hash", models.CharField(blank=True, max_length=64)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "environment",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="flags.environment",
                    ),
                ),
                (
                    "flag",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="flags.flag",
                    ),
                ),
                (
                    "follows",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="announcements.announcement",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="incidents.incident",
                    ),
                ),
                (
                    "rollout",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="rollouts.rollout",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical announcement",
                "verbose_name_plural": "historical announcements",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalAnnouncementTemplate",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("actor_kind", models.CharField(max_length=10)),
                ("actor_label", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("release_planned", "release_planned"),
                            ("phase_begins", "phase_begins"),
                            ("rollout_held", "rollout_held"),
                            ("rollback_begun", "rollback_begun"),
                            ("rollback_done", "rollback_done"),
                            ("incident_investigating", "incident_investigating"),
                            ("incident_identified", "incident_identified"),
                            ("incident_monitoring", "incident_monitoring"),
                            ("incident_resolved", "incident_resolved"),
                            ("maintenance_planned", "maintenance_planned"),
                            ("maintenance_begun", "maintenance_begun"),
                            ("maintenance_ended", "maintenance_ended"),
                            ("all_clear", "all_clear"),
                            ("free", "free"),
                        ],
                        db_index=True,
                        max_length=30,
                    ),
                ),
                ("title_fr", models.CharField(max_length=150)),
                ("body_fr", models.TextField()),
                ("title_en", models.CharField(max_length=150)),
                ("body_en", models.TextField()),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical announcement template",
                "verbose_name_plural": "historical announcement templates",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalHotline",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("actor_kind", models.CharField(max_length=10)),
                ("actor_label", models.CharField(max_length=200)),
                ("phone", models.CharField(blank=True, max_length=40)),
                ("hours_fr", models.CharField(blank=True, max_length=100)),
                ("hours_en", models.CharField(blank=True, max_length=100)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "environment",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="flags.environment",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical hotline",
                "verbose_name_plural": "historical hotlines",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Hotline",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("phone", models.CharField(blank=True, max_length=40)),
                ("hours_fr", models.CharField(blank=True, max_length=100)),
                ("hours_en", models.CharField(blank=True, max_length=100)),
                (
                    "environment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="hotline", to="flags.environment"
                    ),
                ),
            ],
            options={
                "ordering": ["environment"],
            },
        ),
        migrations.CreateModel(
            name="OutletRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("outlet", models.CharField(max_length=30)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("dropped", "dropped"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField()),
                ("failure", models.CharField(blank=True, max_length=60)),
                ("last_error", models.TextField(blank=True)),
                ("reached", models.PositiveIntegerField(default=0)),
                ("url", models.CharField(blank=True, max_length=300)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="announcements.announcementversion",
                    ),
                ),
            ],
            options={
                "ordering": ["version", "pk"],
            },
        ),
        migrations.CreateModel(
            name="UpdateReminder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField()),
                ("at", models.DateTimeField()),
                (
                    "announcement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reminders",
                        to="announcements.announcement",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="announcement",
            index=models.Index(
                condition=models.Q(("status", "scheduled")), fields=["publish_at"], name="announcements_due"
            ),
        ),
        migrations.AddIndex(
            model_name="announcement",
            index=models.Index(
                condition=models.Q(("next_update_at__isnull", False), ("status__in", ["published", "corrected"])),
                fields=["next_update_at"],
                name="announcements_promised",
            ),
        ),
        migrations.AddIndex(
            model_name="announcement",
            index=models.Index(fields=["environment", "-id"], name="announcements_by_place"),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["draft", "scheduled", "publishing", "published", "corrected", "withdrawn"])
                ),
                name="announcements_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "release_planned",
                            "phase_begins",
                            "rollout_held",
                            "rollback_begun",
                            "rollback_done",
                            "incident_investigating",
                            "incident_identified",
                            "incident_monitoring",
                            "incident_resolved",
                            "maintenance_planned",
                            "maintenance_begun",
                            "maintenance_ended",
                            "all_clear",
                            "free",
                        ],
                    )
                ),
                name="announcements_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.CheckConstraint(
                condition=models.Q(("places__in", ["everywhere", "sites", "flag", "nowhere"])),
                name="announcements_places_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("publish_at__isnull", False), ("status", "scheduled")),
                    models.Q(models.Q(("status", "scheduled"), _negated=True), ("publish_at__isnull", True)),
                    _connector="OR",
                ),
                name="announcements_scheduled_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["corrected", "published", "publishing", "scheduled"]), _negated=True),
                    models.Q(
                        models.Q(("title_fr", ""), _negated=True),
                        models.Q(("body_fr", ""), _negated=True),
                        models.Q(("title_en", ""), _negated=True),
                        models.Q(("body_en", ""), _negated=True),
                    ),
                    models.Q(
                        models.Q(("one_language_reason", ""), _negated=True),
                        models.Q(
                            models.Q(
                                models.Q(("title_fr", ""), _negated=True), models.Q(("body_fr", ""), _negated=True)
                            ),
                            models.Q(
                                models.Q(("title_en", ""), _negated=True), models.Q(("body_en", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="announcements_said_in_a_language",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["corrected", "published", "publishing", "scheduled"]), _negated=True),
                    ("outlets__len__gte", 1),
                    _connector="OR",
                ),
                name="announcements_said_somewhere",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("flag__isnull", False), ("places", "flag"), ("site_keys__len", 0)),
                    models.Q(("flag__isnull", True), ("places", "sites")),
                    models.Q(("flag__isnull", True), ("places__in", ["everywhere", "nowhere"]), ("site_keys__len", 0)),
                    _connector="OR",
                ),
                name="announcements_at_which_sites",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("starts_at__isnull", True),
                    ("ends_at__isnull", True),
                    ("ends_at__gt", models.F("starts_at")),
                    _connector="OR",
                ),
                name="announcements_window_forward",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("follows__isnull", True), models.Q(("follows", models.F("id")), _negated=True), _connector="OR"
                ),
                name="announcements_follow_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("request_id", ""), _negated=True),
                fields=("environment", "request_id"),
                name="announcements_request_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcementversion",
            constraint=models.UniqueConstraint(fields=("announcement", "number"), name="announcements_version_once"),
        ),
        migrations.AddConstraint(
            model_name="announcementversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("act__in", ["first", "correction", "withdrawal"])),
                name="announcements_version_act_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcementversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(models.Q(("title_fr", ""), _negated=True), models.Q(("body_fr", ""), _negated=True)),
                    models.Q(models.Q(("title_en", ""), _negated=True), models.Q(("body_en", ""), _negated=True)),
                    _connector="OR",
                ),
                name="announcements_version_said",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcementversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("act", "first"), ("note_en", ""), ("note_fr", ""), ("number", 1)),
                    models.Q(
                        models.Q(("act", "first"), _negated=True),
                        ("number__gt", 1),
                        models.Q(
                            models.Q(("note_fr", ""), _negated=True),
                            models.Q(("note_en", ""), _negated=True),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="announcements_version_says_what_was_wrong",
            ),
        ),
        migrations.AddConstraint(
            model_name="announcementversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="announcements_version_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="announcementversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("outlets__len__gte", 1)), name="announcements_version_somewhere"
            ),
        ),
        migrations.AddIndex(
            model_name="outletrun",
            index=models.Index(
                condition=models.Q(("status", "pending")), fields=["next_attempt_at"], name="announcements_run_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="outletrun",
            constraint=models.UniqueConstraint(fields=("version", "outlet"), name="announcements_outlet_once"),
        ),
        migrations.AddConstraint(
            model_name="outletrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["pending", "done", "failed", "dropped"])),
                name="announcements_run_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="outletrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("url", ""),
                    models.Q(("url__startswith", "/"), models.Q(("url__startswith", "//"), _negated=True)),
                    _connector="OR",
                ),
                name="announcements_run_leads_within",
            ),
        ),
        migrations.AddConstraint(
            model_name="outletrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("done_at__isnull", False), ("status", "done")),
                    models.Q(models.Q(("status", "done"), _negated=True), ("done_at__isnull", True)),
                    _connector="OR",
                ),
                name="announcements_run_done_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="updatereminder",
            constraint=models.UniqueConstraint(fields=("announcement", "due_at"), name="announcements_reminded_once"),
        ),
    ]
