"""Tries a release's migrations on a restored copy: forward, back one by one, forward again; production notices nothing.

How it ends is a finding, not a fault: a migration that cannot be gone back behind ends the way back, not the rehearsal.
"""

from pathlib import Path
from typing import Any

from core import clock
from recovery.databases.figures import list_tables, take_figures
from recovery.databases.schema import find_difference, read_schema
from recovery.databases.sessions import open_session
from recovery.databases.visits import count_visits
from recovery.domain.manifest import compare
from recovery.domain.reversals import Looked, Reversal, fill_words, judge, list_gone, list_new, worst
from recovery.errors import Failure
from recovery.jobs import Job, Plan, Proof, Step, StepSkipped
from recovery.models import Target
from recovery.procedures.application import hold_image, run_in, turn_to
from recovery.procedures.beside import drop_beside, get_manifest, restore_beside, scratch_of
from recovery.procedures.reversing import list_way_back, read_ledger
from recovery.procedures.taking import fetch_point
from recovery.transitions.migrating import note_rehearsal


def hold_release(job: Job) -> Proof:
    """The engine holds the image, and its commands read the database's address from the variable that is named.

    Else they would migrate the live database instead of the copy: then nothing is begun.
    """
    proof = hold_image(job)
    return {**proof, "variables": sorted(turn_to(job, scratch_of(job)))}


def forward(job: Job) -> Proof:
    """The migrations have run on the copy."""
    scratch = scratch_of(job)
    before = _file(job, "before")
    if not before.exists():
        _write(before, read_schema(scratch, file=_file(job, "schema")))
    live, visits = read_ledger(job), count_visits(scratch)
    said = run_in(job, str(job.wish["image"]), job.target.migrate, failure="migrate_failed", on=scratch)
    if read_ledger(job) != live:
        raise Failure("live_changed")
    is_visited = count_visits(scratch) > visits
    _write(_file(job, "after"), read_schema(scratch, file=_file(job, "schema")))
    new = list_new(get_manifest(job).migrations, read_ledger(job, on=scratch))
    if not new and (find_difference(_read(job, "before"), _read(job, "after")) or _compare_data(job)):
        # Something ran, and nobody can tell what: no finding is better than a good one.
        raise Failure("ledger_unknown")
    if not new and not is_visited:
        raise Failure("copy_not_read")
    for known in ("back", "again", "shapes"):
        # Of an attempt before this one.
        job.state.pop(known, None)
    job.remember(new=new, looked=[])
    return {**said, "migrations": new}


def backward(job: Job) -> Proof:
    """Each migration was gone back behind, the last one first, as far as that goes."""
    scratch = scratch_of(job)
    looked = [Looked(**told) for told in job.state["looked"]]
    way = list_way_back(job, get_manifest(job).migrations, job.state["new"], on=scratch)
    for one in way[len(looked) :]:
        with open_session(scratch) as session:
            tables = list_tables(session)
        # Kept before: a worker killed in between finds it gone back behind, and not what went.
        shape = job.state.get("shapes", {}).get(one.migration) or {name: list(tables[name]) for name in tables}
        job.remember(shapes={one.migration: shape})
        is_back = _go_back(job, one)
        with open_session(scratch) as session:
            gone = list_gone(shape, list_tables(session))
        looked.append(Looked(one.migration, is_back, gone))
        job.remember(looked=[_tell(each) for each in looked])
        if not is_back:
            break
    return {"reversed": [one.migration for one in looked if one.is_back]}


def again(job: Job) -> Proof:
    """After going back, the release could be deployed once more."""
    scratch = scratch_of(job)
    if not all(one["is_back"] for one in job.state["looked"]):
        raise StepSkipped("not_back")
    if "back" not in job.state:
        schema = find_difference(_read(job, "before"), read_schema(scratch, file=_file(job, "schema")))
        job.remember(back={"schema": schema, "data": _compare_data(job)})
    said = run_in(job, str(job.wish["image"]), job.target.migrate, failure="migrate_failed", on=scratch)
    differs = find_difference(_read(job, "after"), read_schema(scratch, file=_file(job, "schema")))
    job.remember(again=differs)
    return said


def conclude(job: Job) -> Proof:
    """What was found is on record, and nothing is left of the copy."""
    looked = [Looked(**told) for told in job.state["looked"]]
    back = job.state.get("back", {"schema": [], "data": []})
    found = judge(
        looked,
        is_schema_same=not back["schema"],
        is_data_same=not back["data"],
        runs_again=not job.state.get("again"),
    )
    # Behind one that cannot be gone back behind nobody has looked.
    unseen = [name for name in job.state["new"] if name not in found]
    found |= dict.fromkeys(unseen, worst(list(found.values())))
    if job.target.reverse:
        # Without the command nothing was tried: that is this target's alone, and no finding about the release.
        note_rehearsal(
            operation_id=job.operation_id,
            version=str(job.wish["version"]),
            names=job.state["new"],
            found=found,
            gone={one.migration: list(one.gone) for one in looked},
            now=clock.now(),
        )
    for line in [*back["schema"], *back["data"], *job.state.get("again", [])]:
        job.say(f"{line}\n")
    job.remember(found={name: str(kind) for name, kind in found.items()}, verdict=str(worst(list(found.values()))))
    return {"verdict": job.state["verdict"], **clean_up(job)}


def clean_up(job: Job) -> Proof:
    """Leave nothing of a rehearsal on the server or the disk."""
    for name in ("before", "after", "schema"):
        _file(job, name).unlink(missing_ok=True)
    return drop_beside(job)


def plan_rehearsing(target: Target, wish: dict[str, Any]) -> Plan:
    """Return the plan of a rehearsal of a release's migrations."""
    return Plan(REHEARSING, undo=clean_up)


def _go_back(job: Job, one: Reversal) -> bool:
    scratch = scratch_of(job)
    if one.migration not in read_ledger(job, on=scratch):
        return True
    if not job.target.reverse:
        return False
    job.say(f"{one.migration}\n")
    words = fill_words(job.target.reverse, one)
    try:
        run_in(job, str(job.wish["image"]), words, failure="reverse_failed", on=scratch)
    except Failure as failure:
        if failure.code != "reverse_failed":
            raise
        return False
    return one.migration not in read_ledger(job, on=scratch)


def _compare_data(job: Job) -> list[str]:
    """Return in what the copy differs from what was restored into it; numbers that were drawn do not count."""
    with open_session(scratch_of(job)) as session:
        found = compare(get_manifest(job), take_figures(session))
    return [f"{one.kind} {one.what}".strip() for one in found if one.kind != "sequence"]


def _tell(looked: Looked) -> dict[str, Any]:
    return {"migration": looked.migration, "is_back": looked.is_back, "gone": list(looked.gone)}


def _file(job: Job, name: str) -> Path:
    return job.work_file.with_suffix(f".{name}.sql")


def _write(file: Path, lines: list[str]) -> None:
    made = file.with_suffix(".new")
    made.write_text("\n".join(lines), encoding="utf-8")
    made.replace(file)


def _read(job: Job, name: str) -> list[str]:
    file = _file(job, name)
    if not file.exists():
        raise Failure("dump_gone")
    return file.read_text(encoding="utf-8").splitlines()


#: Whatever fails has dropped the copy: it begins again with the file.
REHEARSING = (
    Step("hold_image", hold_release),
    Step("fetch", fetch_point),
    Step("restore", restore_beside, again_from="fetch"),
    Step("forward", forward, again_from="fetch"),
    Step("backward", backward, again_from="fetch"),
    Step("again", again, again_from="fetch"),
    Step("conclude", conclude, again_from="fetch"),
)
