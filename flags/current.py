"""The environment a person looks at: the switch in the top bar, kept in the session."""

from django.http import HttpRequest

from flags.models import Environment

SESSION_KEY = "environment"


def list_environments() -> list[Environment]:
    """Return all environments in their order."""
    return list(Environment.objects.all())


def get_current_environment(request: HttpRequest) -> Environment | None:
    """Return the chosen environment, else production, else the last; None where there is none."""
    environments = list_environments()
    chosen = request.session.get(SESSION_KEY)
    by_key = {environment.key: environment for environment in environments}
    if chosen in by_key:
        return by_key[chosen]
    production = [environment for environment in environments if environment.is_production]
    return next(iter(production or environments[::-1]), None)
