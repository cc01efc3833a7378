"""Writes of rollouts: planning, driving, stepping, rolling back."""

from rollouts.transitions.driving import (
    cancel_rollout,
    hold_rollout,
    pause_rollout,
    resume_rollout,
    schedule_rollout,
)
from rollouts.transitions.faults import clear_step_fault, note_step_fault
from rollouts.transitions.freezing import add_freeze, preview_freeze, remove_freeze, shorten_freeze
from rollouts.transitions.planning import plan_rollout
from rollouts.transitions.redating import keep_to_open_days
from rollouts.transitions.releasing import create_release, register_release
from rollouts.transitions.rolling_back import acknowledge_flag, redraft_rollout, roll_back
from rollouts.transitions.stepping import run_next_step

__all__ = [
    "acknowledge_flag",
    "add_freeze",
    "cancel_rollout",
    "clear_step_fault",
    "create_release",
    "hold_rollout",
    "keep_to_open_days",
    "note_step_fault",
    "pause_rollout",
    "plan_rollout",
    "preview_freeze",
    "redraft_rollout",
    "register_release",
    "remove_freeze",
    "resume_rollout",
    "roll_back",
    "run_next_step",
    "schedule_rollout",
    "shorten_freeze",
]
