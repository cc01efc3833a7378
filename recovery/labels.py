"""Words of targets, operations and restore points."""

from collections.abc import Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
    "target_retired": _("The target %(target)s is retired."),
    "target_taken": _("Operation %(operation)s has the target %(target)s: let it end, resume it or abort it first."),
    "target_unknown": _("There is no target %(target)s."),
    "target_has_no_database": _("The target %(target)s has no database."),
    "operation_not_stopped": _("It neither failed nor waits for a word: there is nothing to resume."),
    "operation_runs": _("It runs: it ends by itself, or asks. Then it can be aborted."),
    "drill_running": _("A drill of %(environment)s runs already."),
    "drill_of_nothing": _("%(environment)s has neither a flag nor a target: there is nothing to try."),
    "drill_unknown": _("There is no such drill."),
    "operation_unknown": _("There is no such operation."),
    "word_missing": _("Say what you decide: it waits for that."),
    "past_aborting": _(
        "It is past the point where it can be put back. Resume it, leave it as it stands, or begin another rollback."
    ),
    "operation_not_left": _("It can be left as it stands only where it failed and nothing can be put back any more."),
    "nothing_to_accept": _("It failed, and asks nothing: resume it. It counts anew what would be lost, and asks then."),
    "losses_changed": _("It has counted anew: %(rows)s rows would be lost. Reload the page, and decide."),
    "point_unknown": _("There is no such restore point of this target."),
    "point_not_verified": _("Restore point %(point)s is not verified: choose another one, or have it verified first."),
    "point_expired": _("This restore point has expired: its file is gone."),
    "kept_unknown": _("No database that was kept is called %(database)s."),
    "database_source_wrong": _("Write env:TARGET_… (a variable) or file:… (a file in the folder of secrets)."),
    "receipts_wrong": _("Write table.column, like tickets.number."),
    "target_has_no_application": _("The target %(target)s has no compose project to deploy to."),
    "no_previous_image": _("No earlier deployment of %(target)s is known: there is no image to go back to."),
    "database_variable_wrong": _("A variable’s name has capital letters, digits and _."),
    "drills_in_production": _("Drills never take a production application down: choose another environment’s target."),
    "reverse_names_nothing": _("Write {name} where the migration to go back to is meant: migrate {name}."),
    "migrations_irreversible": _("There is no way back behind %(names)s but a restore point. Say that you know."),
    "migrations_unrehearsed": _(
        "Nobody has tried the migrations of %(version)s on a copy of %(target)s. Rehearse them, or say that you know."
    ),
    "migrations_too_many": _("A release has %(limit)s migrations at most."),
    "migrations_twice": _("Each migration is named once."),
    "migration_kept": _("The migration %(name)s is described already: only a person takes it from the list."),
    "migration_made_better": _(
        "The migration %(name)s is declared %(known)s: a program may say worse, only a person better."
    ),
    "migration_of_a_person": _("A person said how %(name)s is gone back behind: only a person says it otherwise."),
    "migration_name_wrong": _("A migration’s name has up to %(limit)s characters, on one line."),
    "migration_kind_wrong": _("How well it can be gone back behind is one of: %(kinds)s."),
    "reversal_too_long": _("How it is gone back behind is told in up to %(limit)s characters."),
    "target_migrates_nothing": _("The target %(target)s names no command that migrates."),
    "target_names_no_variable": _(
        "The target %(target)s does not say from which variable its commands read the database’s address: edit it."
    ),
    "reversal_alone": _("Migrations are gone back behind with the application, and without a restore point."),
    "nothing_to_reverse": _("The newest deployment of %(target)s ran no migration that can be gone back behind."),
    "rollback_of_nothing": _("Choose what goes back: the application, the database, or both."),
    "label_too_long": _("The label may have at most %(limit)s characters."),
    "version_wrong": _("A version has at most %(limit)s characters."),
    "image_not_pinned": _("Name the image by its digest: name@sha256:… with 64 hexadecimal digits."),
    "target_key_taken": _("There is a target %(key)s already."),
    "database_shared": _("The target %(target)s has this database already: two could be taken back at once."),
    "target_empty": _("A target has a database, a compose project, or both."),
    "project_incomplete": _("A compose project needs its project, service and image variable, too."),
    "host_address_wrong": _("Write ssh://user@host:port, or leave it empty for this machine."),
    "folder_wrong": _("Write the whole path, without steps up."),
    "checks_folder_wrong": _("Write the whole path, without steps up."),
    "compose_file_wrong": _("Write the name of a YAML file in the folder."),
    "project_wrong": _("A project’s name has small letters, digits, - and _."),
    "service_wrong": _("A service’s name has letters, digits, . - and _."),
    "command_service_wrong": _("A service’s name has letters, digits, . - and _."),
    "image_variable_wrong": _("A variable’s name has capital letters, digits and _."),
    "health_url_wrong": _("Write an http or https address without a password."),
    "rto_wrong": _("Write 1 to %(limit)s seconds."),
    "kept_points_wrong": _("Write 1 to %(limit)s."),
}

#: What operations write to history on their own (core.reasons).
REASONS: dict[str, str] = {
    "operation_begun": gettext_noop("Operation begun"),
    "step_done": gettext_noop("Step done"),
    "step_skipped": gettext_noop("Step not needed"),
    "step_noted": gettext_noop("Step under way"),
    "step_failed": gettext_noop("Step failed"),
    "step_delayed": gettext_noop("Step tried again later"),
    "word_needed": gettext_noop("A person's word is needed"),
    "operation_over": gettext_noop("Operation over"),
    "gave_way": gettext_noop("Gave way to a rollback"),
    "drill_flags": gettext_noop("Flags tried"),
    "drill_over": gettext_noop("Drill over"),
    "drill_monthly": gettext_noop("Drill of the month"),
    "exercise": gettext_noop("EXERCISE"),
    "operation_aborted": gettext_noop("Operation aborted"),
    "point_taken": gettext_noop("Restore point taken"),
    "point_verified": gettext_noop("Restore point verified"),
    "point_broken": gettext_noop("Restore point found broken"),
    "deployment_noted": gettext_noop("Deployment noted"),
    "deployment_migrated": gettext_noop("Deployment migrated"),
    "migrations_rehearsed": gettext_noop("Migrations rehearsed"),
    "deployment_live": gettext_noop("Deployment live"),
    "deployment_rolled_back": gettext_noop("Deployment rolled back"),
    "deployment_withdrawn": gettext_noop("Deployment withdrawn"),
    "point_expired": gettext_noop("Restore point expired by rule"),
    "point_removed": gettext_noop("File of an expired restore point removed"),
}

#: What went wrong outside, and what to do.
FAILURES: dict[str, str | Promise] = {
    "tool_missing": _("The program %(tool)s is not there: install PostgreSQL's client programs where the worker runs."),
    "tool_timed_out": _("%(tool)s took too long and was ended. Look at the server's load, then resume."),
    "command_timed_out": _(
        "The command took longer than %(seconds)s seconds and was ended with its container. Look how far it came, then"
        " resume."
    ),
    "tool_failed": _("%(tool)s ended with an error: read its output, mend it, then resume."),
    "tool_too_old": _("pg_dump %(tool)s is older than the server (%(server)s): install a newer one."),
    "disk_full": _("The disk is full. Make room, then resume."),
    "disk_full_before": _("There is not enough room: %(needed_bytes)s bytes are needed, %(free_bytes)s are free."),
    "database_refused": _("The database refuses: check the address, the user and the password, then resume."),
    "database_unreachable": _(
        "The database does not answer. The portal tries again by itself; after that, resume once it does."
    ),
    "database_locked": _(
        "Another session holds a lock (database, process, program, since when): %(holders)s."
        " The portal tries again by itself; after that,"
        " end that session, and resume."
    ),
    "database_failed": _("The database answered with an error: read it, mend it, then resume."),
    "database_missing": _("There is no database %(database)s on the server."),
    "database_right_missing": _("The role lacks a right there: it must own the database and may create databases."),
    "database_not_ours": _("The database %(database)s was not made by the portal: it is not touched. Rename it."),
    "database_is_the_portals": _("That is the portal's own database, which is never swapped: choose another address."),
    "address_missing": _("The address is not in %(source)s: set it where the worker runs, then resume."),
    "address_wrong": _("What is in %(source)s is no address: postgres://user:password@host:port/name is one."),
    "dump_broken": _("The dump cannot be read to its end: it is never used. Take another one."),
    "dump_gone": _("The dump is not on this machine any more: resume, and it is made or fetched again."),
    "stored_wrong": _("What the storage gives back is not what was stored: choose another restore point."),
    "stored_gone": _("The file %(file)s is not in the storage any more: choose another restore point."),
    "storage_failed": _(
        "The storage does not do what it is asked. The portal tries again by itself; after that, resume."
    ),
    "key_unreadable": _("The key in %(file)s cannot be read: mend RECOVERY_KEY_FILE, then resume."),
    "key_missing": _("The restore point is encrypted, and there is no key: set RECOVERY_KEY_FILE, then resume."),
    "key_wrong": _("The key does not open this restore point: it was encrypted with another one."),
    "undo_failed": _("Not everything could be put back: read the output, mend the cause, then abort again or resume."),
    "swapped_after_all": _(
        "The databases had changed places before it could be given up. Resume it, leave it as it stands, or swap back."
    ),
    "session_foreign": _("A session of the role %(role)s cannot be ended: grant pg_signal_backend, then resume."),
    "sessions_remain": _(
        "%(count)s sessions do not end. The portal tries again by itself; after that, look who they are, and resume."
    ),
    "swap_unclear": _("The databases are not as they were left: look at their names before anything else is done."),
    "validation_failed": _("What was restored is not right: %(what)s. Production is untouched; choose another one."),
    "migrations_differ": _("Its last migration is %(found)s, not %(expected)s."),
    "host_unreachable": _(
        "The host %(host)s does not answer. The portal tries again by itself; after that, resume once it does."
    ),
    "host_key_changed": _("The key of %(host)s has changed: nothing is sent there. Find out why before you take it."),
    "host_key_unknown": _("The key of %(host)s is not known: put it into known_hosts after checking it, then resume."),
    "host_refused": _("The host %(host)s refuses the portal’s key: allow it there, then resume."),
    "folder_missing": _("There is no folder %(folder)s on the host."),
    "file_failed": _("The file %(file)s cannot be read or written there."),
    "docker_missing": _("The program docker is not there: install it where the project lives."),
    "compose_missing": _("Neither “docker compose” nor docker-compose is there: install one where the project lives."),
    "engine_unreachable": _(
        "The container engine does not answer. The portal tries again by itself; after that, start it and resume."
    ),
    "registry_unreachable": _(
        "The registry does not answer. The portal tries again by itself; after that, resume once it does."
    ),
    "image_unknown": _("Nobody has the image %(image)s: push it, or name another one."),
    "image_wrong": _("What came for %(image)s is not that image."),
    "image_not_pinned": _("The image must be named by its digest: name@sha256:…"),
    "image_not_running": _("%(image)s was brought up, but the engine says that another one runs."),
    "previous_image_gone": _("The engine has lost the image that runs, %(image)s: pull it, or there is no way back."),
    "application_unwell": _("The application does not get well: look at %(url)s and its logs. Roll back, or resume."),
    "smoke_failed": _("The smoke test fails: read its output. Roll back, or mend it and resume."),
    "migrate_failed": _("The migrations failed: read the output. The version before runs on."),
    "ledger_unknown": _(
        "The migrations changed the copy, and no ledger says which ran: they cannot be gone back behind one by one."
        " Only a restore point brings back what was before."
    ),
    "compose_unreadable": _("The compose file cannot be read: try “docker compose config” in its folder."),
    "variable_not_read": _(
        "The service for commands has no %(variable)s with this database’s address: what it runs would change the live"
        " database. Name the right variable on the target’s page. Nothing was begun."
    ),
    "variable_not_turned": _(
        "The variable %(variable)s of the service for commands leads to the live database in a form that cannot be"
        " turned to a copy: give it as postgres://user:password@host:port/name. Nothing was begun."
    ),
    "copy_not_read": _(
        "The command that migrates ran and was never in the copy: it reads its database's address elsewhere."
        " Nothing was found out about the release; look at the live database."
    ),
    "live_changed": _("The live database’s migrations changed meanwhile: look at it now. The copy was given up."),
    "reverse_failed": _("A migration cannot be gone back behind: read the output. The release runs again."),
    "no_restore_point": _("There is no verified restore point of this deployment: it does not go on without."),
    "fault": _("The portal itself failed: see the worker's log. Nothing more is done until somebody resumes."),
}

#: Data of failures and questions that count something.
COUNTED = frozenset({"rows", "count", "needed_bytes", "free_bytes"})

#: What a person is asked while an operation waits.
QUESTIONS: dict[str, str | Promise] = {
    "losses_to_accept": _("%(rows)s rows written since the restore point would be lost. They are archived first."),
}

KINDS: dict[str, str | Promise] = {
    "take": _("restore point"),
    "verify": _("check of a restore point"),
    "deploy": _("deployment"),
    "roll_back": _("rollback"),
    "swap_back": _("swap back"),
    "let_go": _("letting a kept database go"),
    "rehearse": _("rehearsal of migrations"),
    "drill": _("drill"),
}

STATUSES: dict[str, str | Promise] = {
    "queued": _("◷ waits for a worker"),
    "running": _("▶ running"),
    "waiting": _("❚❚ waits for your answer"),
    "failed": _("▲ failed"),
    "aborting": _("↩ being aborted"),
    "succeeded": _("✓ done"),
    "aborted": _("↩ aborted"),
}

#: Of what waits for somebody else, as those read it who may not answer.
WAITS_FOR_MANAGER = _("❚❚ waits for a release manager")

TONES: dict[str, str] = {
    "queued": "plain",
    "running": "run",
    "waiting": "warn",
    "failed": "bad",
    "aborting": "warn",
    "succeeded": "ok",
    "aborted": "plain",
}

STEP_STATUSES: dict[str, str | Promise] = {
    "pending": _("to come"),
    "running": _("running"),
    "done": _("done"),
    "skipped": _("not needed"),
    "failed": _("failed"),
}

DRILL_STATUSES: dict[str, str | Promise] = {
    "running": _("▶ running"),
    "passed": _("✓ passed"),
    "failed": _("▲ not good enough"),
}
DRILL_TONES: dict[str, str] = {"running": "run", "passed": "ok", "failed": "bad"}

#: Why a target was not tried in a drill; other faults are those of operations.
DRILL_FAULTS: dict[str, str | Promise] = {
    "taken": _("something else had it for half an hour"),
    "no_point": _("no verified restore point: nothing to go back to"),
    "no_image": _("no image to go back to"),
    "aborted": _("aborted, or gave way to a rollback"),
}

POINT_STATUSES: dict[str, str | Promise] = {
    "taking": _("◷ being taken"),
    "verified": _("✓ verified"),
    "broken": _("▲ broken"),
    "expired": _("■ expired"),
}

POINT_TONES: dict[str, str] = {"taking": "run", "verified": "ok", "broken": "bad", "expired": "plain"}

#: What each step makes sure of.
STEPS: dict[str, str | Promise] = {
    "check_database": _("The database answers, and there is room"),
    "dump": _("Dump, with counts of the same moment"),
    "decode": _("The dump can be read to its last byte"),
    "store": _("Stored, and read back"),
    "expire": _("Old restore points go by the rule"),
    "fetch": _("The restore point is here, byte for byte"),
    "decode_again": _("It can still be read to its last byte"),
    "restore": _("Restored beside the live database"),
    "validate": _("What was restored is right"),
    "show_losses": _("What would be lost is counted"),
    "quiesce": _("Nobody writes any more"),
    "archive": _("What is lost is counted exactly, archived and sealed"),
    "keep_numbers": _("No number is given out twice"),
    "swap": _("The databases change places"),
    "observe": _("What is live was looked at"),
    "start": _("The application runs again"),
    "check_image": _("The engine holds the image by its digest, and the one before"),
    "note": _("The deployment is on record"),
    "migrate": _("The new image’s migrations have run"),
    "bring_up": _("The application runs from the image"),
    "watch": _("It is well, so many times in a row"),
    "smoke": _("Its smoke test passes"),
    "note_live": _("The deployment counts as live"),
    "note_back": _("The deployment counts as taken back"),
    "count": _("What a rollback would lose now is counted"),
    "drop_copy": _("The copy is gone again"),
    "measure_before": _("How fast it answers before"),
    "drill_back": _("EXERCISE: it runs from the image before"),
    "drill_watch": _("It is well there, so many times in a row"),
    "drill_smoke": _("Its smoke test passes there"),
    "drill_forth": _("EXERCISE: it runs from its own image again"),
    "drill_watch_again": _("It is well again, so many times in a row"),
    "measure_after": _("How fast it answers after"),
    "hold_image": _("The engine holds the image by its digest"),
    "forward": _("The migrations run on a copy"),
    "backward": _("Back behind each of them, the last one first"),
    "again": _("Forward once more"),
    "conclude": _("What was found is on record"),
    "stop_application": _("The release does not run any more"),
    "reverse": _("Back behind its migrations, with its own image"),
    "drop": _("The kept database is gone"),
}

#: Why a step was not needed.
SKIPPED: dict[str, str | Promise] = {
    "no_health_url": _("the target names no health address"),
    "no_smoke_test": _("the target names no smoke test"),
    "losses_accepted": _("not asked: somebody said so before"),
    "not_back": _("a migration could not be gone back behind"),
    "no_migrate_command": _("the target names no command that migrates"),
}

#: How well a migration can be gone back behind.
REVERSIBILITIES: dict[str, str | Promise] = {
    "clean": _("✓ clean"),
    "lossy": _("◐ loses what was written into it"),
    "irreversible": _("✕ no way back"),
}
REVERSIBILITY_TONES: dict[str, str] = {"clean": "ok", "lossy": "warn", "irreversible": "bad"}

#: Can it be taken back now? The mark and the word, and how it looks.
LIGHTS: dict[str, str | Promise] = {"yes": _("● yes"), "unsure": _("◐ probably"), "no": _("○ no")}
LIGHT_TONES: dict[str, str] = {"yes": "ok", "unsure": "warn", "no": "bad"}

AMCHECK: dict[str, str | Promise] = {
    "passed": _("every index agrees with its table"),
    "failed": _("an index does not agree with its table"),
    "not_installed": _("not done: the extension amcheck is not installed in this database"),
}


def say_failure(told: Mapping[str, Any]) -> str:
    """Return what went wrong and what to do, or what a person is asked, in the language in force."""
    code = told.get("code", "")
    words = FAILURES.get(code) or QUESTIONS.get(code)
    if words is None:
        return gettext("It failed (%(code)s): read the output, mend it, then resume.") % {"code": code}
    data: Mapping[str, Any] = told.get("data", {})
    return str(words) % {name: _say_figure(name, value) for name, value in data.items()}


def _say_figure(name: str, value: object) -> object:
    """Return a figure with its thousands apart; what names something stays as it is."""
    if name in COUNTED and isinstance(value, int):
        return number_format(value, 0, force_grouping=True)
    return value
