"""Reads for those who keep the public page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.files.storage import storages
from django.db.models import Max

from flags.models import Environment
from statuspage.copying import STORAGE, name_place
from statuspage.models import Component, CopiedFile, CopyState, PublicEnvironment


@dataclass(frozen=True)
class EnvironmentCard:
    """An environment with what of it is public; `public` None: nobody has said."""

    environment: Environment
    public: PublicEnvironment | None
    components: Sequence[Component]


@dataclass(frozen=True)
class Copy:
    """Where the static copy lies, and how it does; `state` None: it was never written."""

    place: str
    state: CopyState | None
    written_at: datetime | None


def list_environments() -> list[EnvironmentCard]:
    """Return the environments with their components, production first: three queries."""
    public = {one.environment_id: one for one in PublicEnvironment.objects.all()}
    found: dict[int, list[Component]] = {}
    for component in Component.objects.select_related("site", "target"):
        found.setdefault(component.environment_id, []).append(component)
    rows = Environment.objects.order_by("-is_production", "position", "key")
    return [EnvironmentCard(one, public.get(one.pk), found.get(one.pk, [])) for one in rows]


def find_copy() -> Copy:
    """Return how the static copy does: two queries."""
    place = name_place(storages[STORAGE])
    written = CopiedFile.objects.filter(place=place).aggregate(at=Max("written_at"))["at"]
    return Copy(place, CopyState.objects.filter(place=place).first(), written)
