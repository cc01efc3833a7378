"""A restore point as a database beside the live one: restored, judged, gone again. Production does not notice."""

import dataclasses
from pathlib import Path

import msgspec

from recovery.databases.identity import check_not_ours
from recovery.databases.scratch import drop_scratch, make_scratch, restore
from recovery.databases.swapping import get_oid
from recovery.databases.validating import validate
from recovery.domain.addresses import Address, name_beside
from recovery.domain.manifest import Manifest
from recovery.errors import Failure
from recovery.jobs import Job, Proof
from recovery.models import RestorePoint

RESTORE_SECONDS = 3_600.0
AMCHECK_SECONDS = 600.0


def get_manifest(job: Job) -> Manifest:
    """Return what the chosen restore point held."""
    point = RestorePoint.objects.get(pk=job.wish["restore_point"], target=job.target)
    return msgspec.convert(point.manifest, Manifest)


def scratch_of(job: Job) -> Address:
    """Return the database beside the live one that this operation restores into."""
    live = job.address
    return live.of(name_beside(live.name, purpose="scratch", number=job.operation_id))


def restore_beside(job: Job) -> Proof:
    """The restore point is a database again, beside the live one."""
    live, scratch = job.address, scratch_of(job)
    if not job.work_file.exists():
        raise Failure("dump_gone")
    check_not_ours(live)
    make_scratch(live, name=scratch.name)
    restore(job.work_file, into=scratch, seconds=RESTORE_SECONDS, on_output=job.say)
    job.remember(scratch_oid=get_oid(live, name=scratch.name), live_oid=get_oid(live, name=live.name))
    return {"database": scratch.name}


def validate_beside(job: Job) -> Proof:
    """What was restored is what the restore point held, and sound."""
    # Only now: a worker killed before the restore was noted does it again from this file.
    job.work_file.unlink(missing_ok=True)
    checks = Path(job.target.checks_folder) if job.target.checks_folder else None
    found = validate(scratch_of(job), manifest=get_manifest(job), checks=checks, seconds=AMCHECK_SECONDS, say=job.say)
    for check in found.checks:
        # Rows are the shop's own data: they are shown with the step, and kept in no history.
        job.say("".join(f"{check.name}: {row}\n" for row in check.rows))
    proof: Proof = {
        "differences": [dataclasses.asdict(one) for one in found.differences],
        "orphans": found.orphans,
        "checks": {one.name: one.error or one.count for one in found.checks},
        "amcheck": found.amcheck,
    }
    if not found.is_passed:
        wrong = [f"{one.kind} {one.what}".strip() for one in found.differences]
        wrong += [f"{key}: {count}" for key, count in found.orphans.items()]
        wrong += [one.name for one in found.checks if not one.is_passed]
        wrong += ["pg_amcheck"] if found.amcheck == "failed" else []
        raise Failure("validation_failed", what=", ".join(wrong))
    return proof


def drop_beside(job: Job) -> Proof:
    """Nothing of this operation is left beside the live database, nor of its dump on the disk."""
    job.work_file.unlink(missing_ok=True)
    return {"dropped": drop_scratch(job.address, name=scratch_of(job).name)}
