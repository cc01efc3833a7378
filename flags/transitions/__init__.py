"""Writes to flags: one function an action, in one transaction, with its actor and reason."""

from flags.transitions.editing import create_flag, edit_flag
from flags.transitions.opening import add_site_days, remove_site_days
from flags.transitions.people import NewMember, add_member, create_segment, delete_segment, edit_segment, remove_member
from flags.transitions.places import create_environment, create_site, create_till, edit_environment, edit_site
from flags.transitions.promoting import promote_rules
from flags.transitions.retiring import archive_flag, keep_flag, restore_flag
from flags.transitions.ruling import (
    add_rule,
    edit_rule,
    lay_rule,
    lift_rule,
    move_rule,
    on_variant,
    remove_rule,
    remove_rules,
    shut_site,
)
from flags.transitions.switching import kill_flag, release_flag, switch_off, switch_on
from flags.transitions.tokens import create_token, revoke_token

__all__ = [
    "NewMember",
    "add_member",
    "add_rule",
    "add_site_days",
    "archive_flag",
    "create_environment",
    "create_flag",
    "create_segment",
    "create_site",
    "create_till",
    "create_token",
    "delete_segment",
    "edit_environment",
    "edit_flag",
    "edit_rule",
    "edit_segment",
    "edit_site",
    "keep_flag",
    "kill_flag",
    "lay_rule",
    "lift_rule",
    "move_rule",
    "on_variant",
    "promote_rules",
    "release_flag",
    "remove_member",
    "remove_rule",
    "remove_rules",
    "remove_site_days",
    "restore_flag",
    "revoke_token",
    "shut_site",
    "switch_off",
    "switch_on",
]
