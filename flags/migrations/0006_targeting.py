"""Typed variants, rules and segments by conditions, splits.

A split's weights are summed by a function, since a constraint takes no subquery. What the variants
of a flag made before are tells its type; those of a mixed flag fit none, and the constraint refuses.
"""

import django.db.models.lookups
from django.db import migrations, models

SPLIT_TOTAL = """
CREATE FUNCTION flags_split_total(split jsonb) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(sum((piece ->> 1)::integer), 0)::integer FROM jsonb_array_elements(split) AS piece;
$$;
"""

#: A type by what no variant may be other than; the default, boolean, is asked last.
TELL_TYPES = """
UPDATE flags_flag SET value_type = CASE
    WHEN NOT jsonb_path_exists(variants, '$.* ? (@.type() != "string")') THEN 'string'
    WHEN NOT jsonb_path_exists(variants, '$.* ? (@.type() != "object")') THEN 'object'
    WHEN NOT jsonb_path_exists(variants, '$.* ? (@.type() != "number" || @ % 1 != 0)') THEN 'integer'
    WHEN NOT jsonb_path_exists(variants, '$.* ? (@.type() != "number")') THEN 'float'
    ELSE 'boolean' END
WHERE jsonb_path_exists(variants, '$.* ? (@.type() != "boolean")');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0005_site_sheet"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="rule",
            name="flags_rule_audience_whole",
        ),
        migrations.AddField(
            model_name="flag",
            name="value_type",
            field=models.CharField(
                choices=[
                    ("boolean", "boolean"),
                    ("string", "string"),
                    ("integer", "integer"),
                    ("float", "float"),
                    ("object", "object"),
                ],
                db_default="boolean",
                default="boolean",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="historicalflag",
            name="value_type",
            field=models.CharField(
                choices=[
                    ("boolean", "boolean"),
                    ("string", "string"),
                    ("integer", "integer"),
                    ("float", "float"),
                    ("object", "object"),
                ],
                db_default="boolean",
                default="boolean",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="historicalrule",
            name="conditions",
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="historicalrule",
            name="split",
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="historicalsegment",
            name="conditions",
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="rule",
            name="conditions",
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="rule",
            name="split",
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="segment",
            name="conditions",
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AlterField(
            model_name="historicalrule",
            name="kind",
            field=models.CharField(
                choices=[
                    ("everyone", "everyone"),
                    ("segment", "segment"),
                    ("site", "site"),
                    ("conditions", "conditions"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="historicalrule",
            name="variant",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AlterField(
            model_name="rule",
            name="kind",
            field=models.CharField(
                choices=[
                    ("everyone", "everyone"),
                    ("segment", "segment"),
                    ("site", "site"),
                    ("conditions", "conditions"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="rule",
            name="variant",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.RunSQL(SPLIT_TOTAL, reverse_sql="DROP FUNCTION flags_split_total(jsonb);"),
        # Deferred triggers raise the revision; the table is altered after they have.
        migrations.RunSQL(TELL_TYPES + "SET CONSTRAINTS ALL IMMEDIATE;", reverse_sql=migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="flag",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Func(
                            models.F("variants"),
                            models.Value('$.type() == "object" && !exists($.* ? (@.type() != "boolean"))'),
                            function="jsonb_path_match",
                            output_field=models.BooleanField(),
                            template="%(function)s(%(expressions)s::jsonpath)",
                        ),
                        ("value_type", "boolean"),
                    ),
                    models.Q(
                        models.Func(
                            models.F("variants"),
                            models.Value('$.type() == "object" && !exists($.* ? (@.type() != "string"))'),
                            function="jsonb_path_match",
                            output_field=models.BooleanField(),
                            template="%(function)s(%(expressions)s::jsonpath)",
                        ),
                        ("value_type", "string"),
                    ),
                    models.Q(
                        models.Func(
                            models.F("variants"),
                            models.Value('$.type() == "object" && !exists($.* ? (@.type() != "number" || @ % 1 != 0))'),
                            function="jsonb_path_match",
                            output_field=models.BooleanField(),
                            template="%(function)s(%(expressions)s::jsonpath)",
                        ),
                        ("value_type", "integer"),
                    ),
                    models.Q(
                        models.Func(
                            models.F("variants"),
                            models.Value('$.type() == "object" && !exists($.* ? (@.type() != "number"))'),
                            function="jsonb_path_match",
                            output_field=models.BooleanField(),
                            template="%(function)s(%(expressions)s::jsonpath)",
                        ),
                        ("value_type", "float"),
                    ),
                    models.Q(
                        models.Func(
                            models.F("variants"),
                            models.Value('$.type() == "object" && !exists($.* ? (@.type() != "object"))'),
                            function="jsonb_path_match",
                            output_field=models.BooleanField(),
                            template="%(function)s(%(expressions)s::jsonpath)",
                        ),
                        ("value_type", "object"),
                    ),
                    _connector="OR",
                ),
                name="flags_flag_variants_typed",
            ),
        ),
        migrations.AddConstraint(
            model_name="rule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("conditions", []), ("kind", "everyone"), ("segment__isnull", True), ("site__isnull", True)
                    ),
                    models.Q(
                        ("conditions", []), ("kind", "segment"), ("segment__isnull", False), ("site__isnull", True)
                    ),
                    models.Q(("conditions", []), ("kind", "site"), ("segment__isnull", True), ("site__isnull", False)),
                    models.Q(
                        models.Func(
                            models.F("conditions"),
                            models.Value('$.type() == "array" && $.size() > 0'),
                            function="jsonb_path_match",
                            output_field=models.BooleanField(),
                            template="%(function)s(%(expressions)s::jsonpath)",
                        ),
                        ("kind", "conditions"),
                        ("segment__isnull", True),
                        ("site__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="flags_rule_audience_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="rule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("split", []), models.Q(("variant", ""), _negated=True)),
                    models.Q(
                        django.db.models.lookups.Exact(
                            models.Func(
                                models.F("split"), function="flags_split_total", output_field=models.IntegerField()
                            ),
                            10000,
                        ),
                        ("variant", ""),
                    ),
                    _connector="OR",
                ),
                name="flags_rule_gift_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Func(
                        models.F("conditions"),
                        models.Value('$.type() == "array"'),
                        function="jsonb_path_match",
                        output_field=models.BooleanField(),
                        template="%(function)s(%(expressions)s::jsonpath)",
                    )
                ),
                name="flags_segment_conditions_listed",
            ),
        ),
    ]
