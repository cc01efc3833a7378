"""Who plays: every till of the demo, and the internal testers' bench."""

from releaseportal.demo.catalogue import SITES, TEST_BENCH, DemoTill, list_testers, list_tills

#: Where the fleet plays unless told otherwise.
PLAYED = ("prod", "staging")


def list_players() -> tuple[DemoTill, ...]:
    """Return the tills, with the testers taking turns at a bench of the first site."""
    return (DemoTill(TEST_BENCH, SITES[0].key, list_testers()), *list_tills())
