"""Questions that constraints ask of jsonb columns."""

from django.db import models


def is_json(column: str, path: str) -> models.Func:
    """Return whether a jsonb column fulfils a JSON path predicate."""
    return models.Func(
        models.F(column),
        models.Value(path),
        function="jsonb_path_match",
        template="%(function)s(%(expressions)s::jsonpath)",
        output_field=models.BooleanField(),
    )


def has_key(column: str, named_by: str) -> models.Func:
    """Return whether a jsonb column has the key that another column names."""
    return models.Func(
        models.F(column), models.F(named_by), function="jsonb_exists", output_field=models.BooleanField()
    )
