"""Writes of incidents: declaring, handling, learning."""

from incidents.transitions.declaring import declare_incident
from incidents.transitions.handling import (
    acknowledge_incident,
    add_note,
    change_tier,
    close_incident,
    confirm_restored,
    mitigate_incident,
    reopen_incident,
)
from incidents.transitions.learning import add_action_item, finish_action_item, write_post_mortem
from incidents.transitions.locking import add_entry, get_locked_incident
from incidents.transitions.telling import say_incident, tell_raised

__all__ = [
    "acknowledge_incident",
    "add_action_item",
    "add_entry",
    "add_note",
    "change_tier",
    "close_incident",
    "confirm_restored",
    "declare_incident",
    "finish_action_item",
    "get_locked_incident",
    "mitigate_incident",
    "reopen_incident",
    "say_incident",
    "tell_raised",
    "write_post_mortem",
]
