"""Takes a database back to a restore point: beside the live one, judged, counted, then swapped by name.

Until the swap nothing of production changes but for a moment in which it only reads, and then nobody comes in;
whatever fails before it, or is given up, puts that back. After it the former database is kept until a person says.
"""

import dataclasses
import gzip
import json
from typing import Any

from recovery import storage
from recovery.databases.figures import find_migrations, read_sequences
from recovery.databases.identity import check_not_ours
from recovery.databases.losses import Losses, Tally, count_losses, read_lost_rows
from recovery.databases.scratch import drop_scratch
from recovery.databases.sequences import advance_sequences
from recovery.databases.sessions import open_maintenance, open_session
from recovery.databases.swapping import (
    find_oid,
    get_oid,
    make_read_only,
    make_writable,
    open_alone,
    read_limit,
    swap,
)
from recovery.domain.addresses import Address, name_beside
from recovery.errors import Failure
from recovery.jobs import Job, Plan, Proof, Step, StepSkipped, WordNeeded
from recovery.models import Target
from recovery.procedures import application, reversing
from recovery.procedures.beside import drop_beside, get_manifest, restore_beside, scratch_of, validate_beside
from recovery.procedures.taking import fetch_point


def kept_name(job: Job) -> str:
    """Return the name under which the failed database is kept."""
    return name_beside(job.address.name, purpose="kept", number=job.operation_id)


def show_losses(job: Job) -> Proof:
    """What would be lost was counted, and a person said that it may be."""
    return _ask_for_losses(job, beside=scratch_of(job))


def _ask_for_losses(job: Job, *, beside: Address) -> Proof:
    """Count what the live database has and the other one has not, and ask a person, once for each attempt."""
    if job.wish.get("accepts_losses"):
        raise StepSkipped("losses_accepted")
    if "accepted" in job.state:
        # Counted a moment ago, for the person who said so.
        return {**job.state["losses"], "accepted": job.state["accepted"]}
    with open_session(job.address) as live, open_session(beside) as restored:
        losses = count_losses(live, restored, receipts=job.target.receipts)
    told = _describe(losses)
    if losses.rows:
        job.remember(losses=told)
        raise WordNeeded("losses_to_accept", rows=losses.rows)
    return told


def quiesce(job: Job) -> Proof:
    """Nobody writes any more: the application is stopped where there is one, the database only reads."""
    check_not_ours(job.address)
    job.remember(is_quiet=True, limit=job.state.get("limit", read_limit(job.address)))
    stopped = application.stop(job)
    make_read_only(job.address)
    return {"application_stopped": stopped, "read_only": job.address.name}


def archive(job: Job) -> Proof:
    """What is lost is counted exactly, and every row of it lies in the storage, sealed. Nobody comes in any more."""
    file = job.work_file.with_suffix(".lost.jsonl.gz")
    tally = Tally(job.target.receipts)
    with (
        open_alone(job.address) as live,
        open_session(scratch_of(job)) as restored,
        # Sales fit well at any level, and time is short.
        gzip.open(file, "wt", encoding="utf-8", compresslevel=2) as target,
    ):
        for row in read_lost_rows(live, restored):
            tally.add(row)
            target.write(json.dumps(vars(row), ensure_ascii=False) + "\n")
        job.remember(given_out=read_sequences(live))
        told = _describe(tally.losses)
        tail = {"operation": job.operation_id, "restore_point": job.wish["restore_point"], **told}
        target.write(json.dumps(tail) + "\n")
    job.remember(losses=told)
    if not told["rows"]:
        file.unlink()
        return told
    sha256, size = storage.hash_file(file), file.stat().st_size
    name, is_encrypted = storage.put(file, name=f"{job.target.key}/lost-{job.operation_id}.jsonl.gz")
    file.unlink()
    kept = {"file": name, "sha256": sha256, "size_bytes": size, "is_encrypted": is_encrypted}
    job.remember(archive=kept)
    return told | kept


def keep_numbers(job: Job) -> Proof:
    """No number that was given out is given out again: the restored sequences go on behind the live ones."""
    with open_session(scratch_of(job)) as restored:
        moved = advance_sequences(restored, past=job.state["given_out"])
    return {"moved": moved}


def swap_names(job: Job) -> Proof:
    """The restored database has the live one's name; the failed one is kept under another."""
    live, kept = job.address, kept_name(job)
    restored = scratch_of(job).name
    seconds = swap(live, with_name=restored, with_oid=job.state["scratch_oid"], keep_as=kept, limit=job.state["limit"])
    job.remember(is_swapped=True, kept=kept)
    return {"live": live.name, "kept": kept, "seconds": round(seconds, 3)}


def observe(job: Job) -> Proof:
    """Under the live name is what was restored, and it answers."""
    live = job.address
    if get_oid(live, name=live.name) != job.state["scratch_oid"]:
        raise Failure("swap_unclear", live=live.name, restored="", kept=kept_name(job))
    with open_session(live) as session:
        migrations = find_migrations(session)
    expected = get_manifest(job).migrations
    if migrations != expected:
        raise Failure("migrations_differ", found=", ".join(migrations[-1:]), expected=", ".join(expected[-1:]))
    return {"migrations": migrations[-1] if migrations else ""}


def undo(job: Job) -> Proof:
    """Before the swap: everybody writes again, the application runs again, nothing is left beside."""
    if "restore_point" not in job.wish:
        return reversing.undo(job)
    live = job.address
    with open_maintenance(live) as session:
        if "scratch_oid" in job.state and find_oid(session, live.name) == job.state["scratch_oid"]:
            # The swap went through, and its answer was lost: what comes now is the way forward.
            job.state["is_swapped"], job.state["kept"] = True, kept_name(job)
            return {"is_swapped": True}
    undone = _open_again(job) | drop_beside(job)
    job.work_file.with_suffix(".lost.jsonl.gz").unlink(missing_ok=True)
    return undone


def _open_again(job: Job) -> Proof:
    """Let everybody write again and the application run; what was accepted counts no more, for time went by."""
    job.state.pop("accepted", None)
    if not job.state.get("is_quiet"):
        return {}
    make_writable(job.address, limit=int(job.state["limit"]))
    started = application.start_again(job)
    job.state["is_quiet"] = False
    return {"writable": job.address.name, **started}


def show_sold_since(job: Job) -> Proof:
    """What was written since the databases changed places was counted, and a person said that it may go."""
    return _ask_for_losses(job, beside=_former(job))


def _former(job: Job) -> Address:
    return job.address.of(str(job.wish["database"]))


def swap_back(job: Job) -> Proof:
    """The database that was swapped out is live again; the restored one is kept instead."""
    live, back = job.address, str(job.wish["database"])
    kept = name_beside(live.name, purpose="kept", number=job.operation_id)
    current = get_oid(live, name=live.name)
    if current != int(job.wish["oid"]):
        job.remember(live_oid=current)
    limit = int(job.state["limit"])
    seconds = swap(live, with_name=back, with_oid=int(job.wish["oid"]), keep_as=kept, limit=limit)
    job.remember(is_swapped=True, kept=kept)
    make_writable(live, limit=limit)
    return {"live": live.name, "kept": kept, "seconds": round(seconds, 3)}


def keep_numbers_back(job: Job) -> Proof:
    """The numbers given out since the swap are not given out again after swapping back, either. Nobody comes in."""
    with open_alone(job.address) as now_live, open_session(_former(job)) as former:
        former.execute("SET default_transaction_read_only = off")
        moved = advance_sequences(former, past=read_sequences(now_live))
    return {"moved": moved}


def start_after(job: Job) -> Proof:
    """The application runs again, where there is one."""
    return application.start_again(job)


def undo_swapping_back(job: Job) -> Proof:
    """Before the swap: everybody writes again, the application runs again."""
    live = job.address
    with open_maintenance(live) as session:
        if find_oid(session, live.name) == int(job.wish["oid"]):
            kept = name_beside(live.name, purpose="kept", number=job.operation_id)
            job.state |= {"is_swapped": True, "kept": kept}
            return {"is_swapped": True}
    return _open_again(job)


def let_go(job: Job) -> Proof:
    """A database that was kept is gone, as a person said."""
    return {"dropped": drop_scratch(job.address, name=str(job.wish["database"])), "database": job.wish["database"]}


def _describe(losses: Losses) -> dict[str, Any]:
    return {
        "rows": losses.rows,
        "tables": [dataclasses.asdict(one) for one in losses.tables],
        "receipts": [list(stretch) for stretch in losses.receipts],
    }


#: Whatever fails before the swap has been put back: it begins again with the file.
DATABASE_STEPS = (
    Step("fetch", fetch_point),
    Step("restore", restore_beside, again_from="fetch"),
    Step("validate", validate_beside, again_from="fetch"),
    Step("show_losses", show_losses, again_from="fetch"),
    Step("quiesce", quiesce, again_from="fetch"),
    Step("archive", archive, again_from="fetch"),
    Step("keep_numbers", keep_numbers, again_from="fetch"),
    Step("swap", swap_names, again_from="fetch"),
    Step("observe", observe),
)


def plan_rolling_back(target: Target, wish: dict[str, Any]) -> Plan:
    """Return the plan that takes a target back: its database, its application, or both as it was asked for."""
    steps: list[Step] = []
    if "image" in wish:
        steps.append(Step("check_image", application.check_image))
    if "restore_point" in wish:
        steps += DATABASE_STEPS
    elif "reverse" in wish:
        steps += reversing.REVERSE_STEPS
    if "image" in wish:
        steps += reversing.REVERSED_STEPS if "reverse" in wish else application.BACK_STEPS
    return Plan(steps, undo=undo, is_past=lambda job: bool(job.state.get("is_swapped") or job.state.get("is_up")))


def plan_swapping_back(target: Target, wish: dict[str, Any]) -> Plan:
    """Return the plan that brings back a database that was swapped out."""
    steps = (
        Step("show_losses", show_sold_since),
        Step("quiesce", quiesce, again_from="show_losses"),
        Step("keep_numbers", keep_numbers_back, again_from="show_losses"),
        Step("swap", swap_back, again_from="show_losses"),
        Step("start", start_after),
    )
    return Plan(steps, undo=undo_swapping_back, is_past=lambda job: bool(job.state.get("is_swapped")))


def plan_letting_go(target: Target, wish: dict[str, Any]) -> Plan:
    """Return the plan that drops a database that was kept."""
    return Plan((Step("drop", let_go),))
