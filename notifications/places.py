"""Environments and sites that channels may be narrowed to: the app above that keeps them says which there are."""

from collections.abc import Callable, Sequence

#: A key and what people call it.
Choice = tuple[str, str]
Lister = Callable[[], Sequence[Choice]]

_listers: dict[str, Lister] = {}


def offer_places(*, environments: Lister, sites: Lister) -> None:
    """Say where choices come from: called once, when the apps are ready."""
    _listers.update(environments=environments, sites=sites)


def list_environments() -> Sequence[Choice]:
    """Return the environments to choose from: one query."""
    return _listers["environments"]()


def list_sites() -> Sequence[Choice]:
    """Return the sites to choose from: one query."""
    return _listers["sites"]()
