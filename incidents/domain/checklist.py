"""What is to be done in an incident, by tier: some the program sees by itself, the rest a person ticks off."""

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from incidents.domain.tiers import Tier


class Item(StrEnum):
    COMMAND = "command"
    SAY_FIRST = "say_first"
    CALL_SHOPS = "call_shops"
    STOP_HARM = "stop_harm"
    WRITE_KNOWN = "write_known"
    COUNT_LOSSES = "count_losses"
    CHECK_AT_TILL = "check_at_till"
    RESTORED = "restored"
    SAY_END = "say_end"


#: In the order in which they are done.
CHECKLISTS: dict[Tier, tuple[Item, ...]] = {
    Tier.CRITICAL: tuple(Item),
    Tier.IMPORTANT: tuple(item for item in Item if item is not Item.COUNT_LOSSES),
    Tier.MINOR: (Item.COMMAND, Item.SAY_FIRST, Item.STOP_HARM, Item.CHECK_AT_TILL, Item.RESTORED, Item.SAY_END),
}
#: Which the program sees by itself: nobody ticks them.
SEEN = frozenset({Item.COMMAND, Item.SAY_FIRST, Item.STOP_HARM, Item.WRITE_KNOWN, Item.RESTORED, Item.SAY_END})


@dataclass(frozen=True)
class Facts:
    """What the program sees of an incident."""

    is_commanded: bool = False
    has_first_word: bool = False
    is_mitigated: bool = False
    has_summary: bool = False
    is_restored: bool = False
    has_last_word: bool = False


def list_done(*, facts: Facts, ticked: Set[str]) -> frozenset[Item]:
    """Return the items that are done. What was restored without a word of the harm's end has none any more."""
    seen = {
        Item.COMMAND: facts.is_commanded,
        Item.SAY_FIRST: facts.has_first_word,
        Item.STOP_HARM: facts.is_mitigated or facts.is_restored,
        Item.WRITE_KNOWN: facts.has_summary,
        Item.RESTORED: facts.is_restored,
        Item.SAY_END: facts.has_last_word,
    }
    return frozenset(item for item in Item if (seen[item] if item in SEEN else str(item) in ticked))


def can_tick(item: str, *, tier: Tier) -> bool:
    """Tell whether a person ticks an item of a tier's list."""
    return item in {str(one) for one in CHECKLISTS[tier] if one not in SEEN}
