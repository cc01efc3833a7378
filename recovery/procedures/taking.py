"""Takes a restore point: checked, dumped, read to its last byte, stored, read back."""

import dataclasses
from typing import Any

from core import clock
from recovery import storage
from recovery.databases.dumping import check_versions, decode, dump, measure_database
from recovery.databases.identity import check_not_ours
from recovery.domain.lifecycle import PointStatus
from recovery.errors import Failure
from recovery.jobs import Job, Plan, Proof, Step
from recovery.models import RestorePoint, Target
from recovery.transitions.pointing import (
    expire_points,
    mark_broken,
    mark_verified,
    note_dump,
    note_removed,
    open_point,
)

DUMP_SECONDS = 3_600.0
#: A compressed dump is smaller than its database; two of them lie there for a moment, one of them sealed.
ROOM = 1.2


def plan_taking(target: Target, wish: dict[str, Any]) -> Plan:
    """Return the plan of an operation that takes a restore point."""
    return Plan(TAKING, undo=clean_up)


def plan_verifying(target: Target, wish: dict[str, Any]) -> Plan:
    """Return the plan of an operation that reads a stored restore point again, to its last byte."""
    return Plan((Step("fetch", fetch_point), Step("decode_again", decode_again)), undo=clean_up)


def check_database(job: Job) -> Proof:
    """The server answers, our programs can read it, and there is room for what comes."""
    address = job.address
    check_not_ours(address)
    version = check_versions(address)
    size = measure_database(address)
    free = storage.find_free_bytes()
    needed = int(size * ROOM)
    work = storage.find_work_free_bytes()
    for room in (free, work):
        if room is not None and room < needed:
            raise Failure("disk_full_before", needed_bytes=needed, free_bytes=room)
    job.say(f"{address}: PostgreSQL {version}, {size:,} bytes\n")
    return {"server_version": version, "size_bytes": size, "free_bytes": free}


def make_dump(job: Job) -> Proof:
    """Dump and manifest, of one snapshot."""
    file = job.work_file
    file.unlink(missing_ok=True)
    point = open_point(operation_id=job.operation_id, label=str(job.wish.get("label", "")), now=clock.now())
    manifest, seconds = dump(job.address, into=file, seconds=DUMP_SECONDS, on_output=job.say)
    sha256, size = storage.hash_file(file), file.stat().st_size
    note_dump(
        point_id=point.pk,
        sha256=sha256,
        size_bytes=size,
        manifest=dataclasses.asdict(manifest),
        now=clock.now(),
    )
    rows = sum(table.rows for table in manifest.tables.values())
    return {
        "restore_point": point.pk,
        "sha256": sha256,
        "size_bytes": size,
        "rows": rows,
        "pg_dump_seconds": round(seconds, 2),
    }


def decode_dump(job: Job) -> Proof:
    """The dump can be read to its last byte."""
    point = RestorePoint.objects.get(operation_id=job.operation_id)
    if not job.work_file.exists():
        raise Failure("dump_gone")
    if storage.hash_file(job.work_file) != point.sha256:
        mark_broken(point_id=point.pk, now=clock.now())
        raise Failure("dump_broken")
    try:
        decode(job.work_file, seconds=DUMP_SECONDS)
    except Failure as failure:
        if failure.code == "dump_broken":
            mark_broken(point_id=point.pk, now=clock.now())
        raise
    return {"size_bytes": point.size_bytes}


def store_dump(job: Job) -> Proof:
    """The dump lies in the storage, was read back, and counts as verified from here on."""
    point = RestorePoint.objects.select_related("target").get(operation_id=job.operation_id)
    if point.status == PointStatus.VERIFIED:
        # A worker was killed just after: what follows is done again.
        return _leave(job, point)
    name = f"{point.target.key}/{point.taken_at:%Y%m%d-%H%M%S}-{point.pk}.dump"
    file, is_encrypted = storage.put(job.work_file, name=name)
    mark_verified(point_id=point.pk, file=file, is_encrypted=is_encrypted, now=clock.now())
    point.file, point.is_encrypted = file, is_encrypted
    return _leave(job, point)


def _leave(job: Job, point: RestorePoint) -> Proof:
    """Let the plain dump go, and remember the stored one."""
    job.work_file.unlink(missing_ok=True)
    job.remember(restore_point=point.pk)
    return {"file": point.file, "is_encrypted": point.is_encrypted, "restore_point": point.pk}


def expire_old(job: Job) -> Proof:
    """What is older than the rule keeps goes; never the newest verified one, never one that something needs."""
    gone = expire_points(target_id=job.target.pk, now=clock.now())
    for point_id, file in gone.items():
        storage.remove(file)
        note_removed(point_id=point_id, now=clock.now())
    return {"expired": sorted(gone)}


def fetch_point(job: Job) -> Proof:
    """The chosen restore point is here again, byte for byte as it was taken."""
    point = RestorePoint.objects.get(pk=job.wish["restore_point"], target=job.target)
    if not point.file:
        raise Failure("stored_gone", file="")
    try:
        storage.fetch(point.file, into=job.work_file, sha256=point.sha256, is_encrypted=point.is_encrypted)
    except Failure as failure:
        if failure.code in {"stored_wrong", "stored_gone"}:
            mark_broken(point_id=point.pk, now=clock.now())
        raise
    return {"restore_point": point.pk, "sha256": point.sha256, "size_bytes": point.size_bytes}


def decode_again(job: Job) -> Proof:
    """A stored restore point can still be read to its last byte."""
    point = RestorePoint.objects.get(pk=job.wish["restore_point"], target=job.target)
    try:
        decode(job.work_file, seconds=DUMP_SECONDS)
    except Failure as failure:
        if failure.code == "dump_broken":
            mark_broken(point_id=point.pk, now=clock.now())
        raise
    mark_verified(point_id=point.pk, file=point.file, is_encrypted=point.is_encrypted, now=clock.now())
    job.work_file.unlink(missing_ok=True)
    return {"restore_point": point.pk}


def clean_up(job: Job) -> Proof:
    """Leave nothing of a given-up operation on the disk."""
    job.work_file.unlink(missing_ok=True)
    return {}


#: As part of another operation, which lets old ones go when it is done.
TAKE_STEPS = (
    Step("check_database", check_database),
    Step("dump", make_dump),
    Step("decode", decode_dump, again_from="dump"),
    Step("store", store_dump, again_from="dump"),
)
EXPIRE = Step("expire", expire_old)
TAKING = (*TAKE_STEPS, EXPIRE)
