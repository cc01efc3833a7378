"""The environment-variable layer: `FLAG__<ENVIRONMENT>__<KEY>` (design §3)."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from flags.domain.definition import Override

PREFIX = "FLAG__"
ON, OFF = "on", "off"


def name_variable(*, environment_key: str, flag_key: str) -> str:
    """Return the variable that stands above a flag in an environment."""
    return "__".join(("FLAG", write_key(environment_key), write_key(flag_key)))


def write_key(key: str) -> str:
    """Return a key as variables' names have it: upper case, everything but letters and digits an underscore."""
    return re.sub(r"[^A-Z0-9]", "_", key.upper())


def pick_on_variant(variants: Iterable[str], *, off_variant: str, default_variant: str) -> str:
    """Return the variant that "on" means: `on`, else the first that is not the off variant."""
    names = list(variants)
    return ON if ON in names else next((name for name in names if name != off_variant), default_variant)


def read_override(
    variable: str, text: str, *, variants: Mapping[str, object], off_variant: str, default_variant: str
) -> Override | None:
    """Return what a variable's text means for a flag; None where it is `on`, `off` nor a variant.

    `off` and the off variant's name are the same; `on` is what switching on gives.
    """
    said = text.strip()
    if said.lower() == OFF or said == off_variant:
        return Override(variable, off_variant, is_off=True)
    if said in variants:
        return Override(variable, said, is_off=False)
    if said.lower() == ON:
        variant = pick_on_variant(variants, off_variant=off_variant, default_variant=default_variant)
        return Override(variable, variant, is_off=False)
    return None


def find_collisions(given: Iterable[str], *, places: Iterable[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Return the variables given that name more than one (environment, flag), with those."""
    by_name: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for environment_key, flag_key in places:
        by_name[name_variable(environment_key=environment_key, flag_key=flag_key)].append((environment_key, flag_key))
    return {name: sorted(by_name[name]) for name in given if len(by_name.get(name, ())) > 1}
