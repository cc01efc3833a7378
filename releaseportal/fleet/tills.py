"""Who plays: every till of the demo, and the internal testers' benches."""

from releaseportal.demo.catalogue import SITES, TEST_BENCHES, DemoTill, list_testers, list_tills

#: Where the fleet plays unless told otherwise.
PLAYED = ("prod", "staging")


def list_players() -> tuple[DemoTill, ...]:
    """Return the tills, with the testers taking turns at the benches of the first site."""
    testers = list_testers()
    benches = (
        DemoTill(bench, SITES[0].key, testers[number :: len(TEST_BENCHES)]) for number, bench in enumerate(TEST_BENCHES)
    )
    return (*benches, *list_tills())
