"""The environment-variable layer as this process has it (flags.domain.variables).

Each process reads its own environment: set a variable for web, worker and shell alike.
"""

import os
from collections.abc import Collection
from dataclasses import replace

from core.errors import InvalidInput
from flags.domain.definition import EnvironmentDefinition, FlagDefinition, Override
from flags.domain.variables import PREFIX, find_collisions, name_variable, read_override
from flags.models import Environment, Flag, FlagState


def find_override(state: FlagState) -> Override | None:
    """Return what a variable says of a flag in an environment; None where none does."""
    return _find(state.environment.key, state.flag)


def list_overrides(*, environment_id: int, flag_ids: Collection[int]) -> dict[str, Override]:
    """Return what variables say of some flags in an environment, by the flag's key: at most one query."""
    if not any(name.startswith(PREFIX) for name in os.environ):
        return {}
    states = FlagState.objects.filter(environment=environment_id, flag__in=flag_ids)
    found = {state.flag.key: find_override(state) for state in states.select_related("flag", "environment")}
    return {key: override for key, override in sorted(found.items()) if override is not None}


def _find(environment_key: str, flag: Flag | FlagDefinition) -> Override | None:
    name = name_variable(environment_key=environment_key, flag_key=flag.key)
    text = os.environ.get(name)
    if text is None:
        return None
    return read_override(
        name, text, variants=flag.variants, off_variant=flag.off_variant, default_variant=flag.default_variant
    )


def with_overrides(definition: EnvironmentDefinition) -> EnvironmentDefinition:
    """Return what an environment serves with the variables of this process, whatever was laid over it before."""
    flags = {key: replace(flag, override=_find(definition.key, flag)) for key, flag in definition.flags.items()}
    return replace(definition, flags=flags)


def without_overrides(definition: EnvironmentDefinition) -> EnvironmentDefinition:
    """Return what the database says: variables belong to a process and are kept nowhere."""
    flags = {key: replace(flag, override=None) for key, flag in definition.flags.items()}
    return replace(definition, flags=flags)


def check_variables() -> None:
    """Refuse variables that name more than one flag, or say what is neither on, off nor a variant.

    One that names no flag is let be: the flag may still be made.
    """
    given = [name for name in os.environ if name.startswith(PREFIX)]
    if not given:
        return
    environments = list(Environment.objects.values_list("key", flat=True))
    flags = list(Flag.objects.filter(archived_at=None))
    places = [(environment, flag.key) for environment in environments for flag in flags]
    for name, taken in sorted(find_collisions(given, places=places).items()):
        both = ", ".join(f"{flag} ({environment})" for environment, flag in taken)
        raise InvalidInput("variable_ambiguous", variable=name, flags=both)
    for environment in environments:
        for flag in flags:
            _check_text(environment, flag)


def _check_text(environment: str, flag: Flag) -> None:
    name = name_variable(environment_key=environment, flag_key=flag.key)
    if name not in os.environ:
        return
    if _find(environment, flag) is None:
        choices = ", ".join(["on", "off", *flag.variants])
        raise InvalidInput("variable_unclear", variable=name, text=os.environ[name][:100], choices=choices)
