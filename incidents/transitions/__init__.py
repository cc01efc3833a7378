"""Writes of incidents: declaring, handling, learning."""

from incidents.transitions.assigning import Part, assign_part
from incidents.transitions.calling_back import mark_not_needed, mark_not_reached, mark_told, undo_call
from incidents.transitions.declaring import declare_incident, join_incident
from incidents.transitions.handling import (
    acknowledge_incident,
    change_tier,
    close_incident,
    confirm_restored,
    mitigate_incident,
    reopen_incident,
)
from incidents.transitions.linking import change_subject, link_complaints, unlink_complaint
from incidents.transitions.locking import add_entry, get_locked_incident
from incidents.transitions.measuring import (
    add_action_item,
    drop_action_item,
    finish_action_item,
    hand_over_action_item,
    reject_action_item,
    verify_action_item,
)
from incidents.transitions.merging import merge_incident, undo_merge
from incidents.transitions.noting import add_note, pin_entry, unpin_entry
from incidents.transitions.reviewing import (
    approve_post_mortem,
    hide_post_mortem,
    publish_post_mortem,
    send_back_post_mortem,
    submit_post_mortem,
    withdraw_post_mortem,
)
from incidents.transitions.speaking import say_word
from incidents.transitions.steering import tick_item, untick_item, write_known
from incidents.transitions.telling import say_incident, tell_raised
from incidents.transitions.widening import Finding, widen_incident
from incidents.transitions.writing import ask_for_post_mortem, write_post_mortem

__all__ = [
    "Finding",
    "Part",
    "acknowledge_incident",
    "add_action_item",
    "add_entry",
    "add_note",
    "approve_post_mortem",
    "ask_for_post_mortem",
    "assign_part",
    "change_subject",
    "change_tier",
    "close_incident",
    "confirm_restored",
    "declare_incident",
    "drop_action_item",
    "finish_action_item",
    "get_locked_incident",
    "hand_over_action_item",
    "hide_post_mortem",
    "join_incident",
    "link_complaints",
    "mark_not_needed",
    "mark_not_reached",
    "mark_told",
    "merge_incident",
    "mitigate_incident",
    "pin_entry",
    "publish_post_mortem",
    "reject_action_item",
    "reopen_incident",
    "say_incident",
    "say_word",
    "send_back_post_mortem",
    "submit_post_mortem",
    "tell_raised",
    "tick_item",
    "undo_call",
    "undo_merge",
    "unlink_complaint",
    "unpin_entry",
    "untick_item",
    "verify_action_item",
    "widen_incident",
    "withdraw_post_mortem",
    "write_known",
    "write_post_mortem",
]
