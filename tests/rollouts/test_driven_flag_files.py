"""Files of flags that a rollout drives: its rules are in no file, and no file changes what it drives."""

from datetime import timedelta

import pytest

from core.actors import SCHEDULER
from core.errors import InvalidInput
from core.labels import say_refusal
from flags.flag_files import export_flags
from flags.models import FlagState, Rule
from flags.transitions.importing import import_flags
from tests.digest import take_digest
from tests.factories.world import NOW, WHY, make_rehearsal, make_world, play

pytestmark = pytest.mark.django_db


def test_import__driven_by_a_rollout__is_refused_and_its_rules_are_in_no_file() -> None:
    world = make_world()
    file = export_flags(["buttons"])
    rollout = make_rehearsal(world, now=NOW)
    now = play(world, rollout, start=NOW, seconds=100) + timedelta(seconds=1)
    assert Rule.objects.filter(state__flag__key="buttons").exclude(origin="").exists()
    before = take_digest()

    assert FlagState.objects.get(flag__key="buttons").is_on
    assert "rules:" not in export_flags(["buttons"])
    by = {"actor": SCHEDULER, "reason": WHY, "now": now}
    with pytest.raises(InvalidInput) as refused:
        import_flags(source=file, environment_keys=["staging"], **by)  # type: ignore[arg-type]  # keyword arguments
    assert refused.value.data["cause"] == "flag_file_driven"
    assert "drives the flag in staging" in say_refusal(refused.value)
    assert take_digest() == before

    # What it says of itself may change meanwhile.
    words = file.replace("name: Buttons", "name: Price buttons")
    assert import_flags(source=words, **by).changes  # type: ignore[arg-type]  # keyword arguments
