"""The account that PostgreSQL runs as, and what that account can reach."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from releaseportal.embedded.faults import EmbeddedError


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


def find_unprivileged_account() -> Account | None:
    """Return the account to drop to when root, None when there is nothing to drop.

    PostgreSQL refuses to run as root, and needs an account that has a name.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError("No account 'nobody' to run PostgreSQL as: start as an ordinary user instead.") from None
    return Account(entry.pw_uid, entry.pw_gid)


def can_reach(path: Path, *, account: Account | None) -> bool:
    """Return whether the account may pass through every folder above the path."""
    if account is None:
        return True
    return all(_may_enter(folder, account=account) for folder in path.resolve().parents)


def _may_enter(folder: Path, *, account: Account) -> bool:
    found = folder.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)
