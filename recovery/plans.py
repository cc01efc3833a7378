"""Which steps each kind of operation has on a target."""

from collections.abc import Callable, Mapping
from typing import Any

from recovery.domain.lifecycle import Kind
from recovery.jobs import Plan
from recovery.models import Target
from recovery.procedures.deploying import plan_deploying
from recovery.procedures.drilling import plan_drilling
from recovery.procedures.rehearsing import plan_rehearsing
from recovery.procedures.restoring import plan_letting_go, plan_rolling_back, plan_swapping_back
from recovery.procedures.taking import plan_taking, plan_verifying

PLANS: Mapping[Kind, Callable[[Target, dict[str, Any]], Plan]] = {
    Kind.TAKE: plan_taking,
    Kind.VERIFY: plan_verifying,
    Kind.DEPLOY: plan_deploying,
    Kind.ROLL_BACK: plan_rolling_back,
    Kind.SWAP_BACK: plan_swapping_back,
    Kind.LET_GO: plan_letting_go,
    Kind.REHEARSE: plan_rehearsing,
    Kind.DRILL: plan_drilling,
}
