"""Where restore points lie: a folder or S3-compatible storage, encrypted as age files when there is a key.

What is stored is read back and compared before anybody relies on it; a file is never changed once it is there.
"""

import errno
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyrage
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, storages

from recovery.errors import Failure

ALIAS = "restore_points"
CHUNK_BYTES = 1 << 20
SUFFIX = ".age"
S3_FAULTS = (BotoCoreError, ClientError)


def get_storage() -> Storage:
    """Return the storage of restore points, as the settings name it."""
    return storages[ALIAS]


def find_free_bytes() -> int | None:
    """Return the room where restore points go; None where nobody can tell, as with S3."""
    storage = get_storage()
    if not isinstance(storage, FileSystemStorage):
        return None
    folder = Path(storage.location)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free


def find_work_folder() -> Path:
    """Return the folder where a dump is while it is made or read, made where it is missing."""
    folder = Path(settings.RECOVERY_WORK_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def find_work_free_bytes() -> int:
    """Return the room where dumps are made and read."""
    return shutil.disk_usage(find_work_folder()).free


def hash_file(file: Path) -> str:
    """Return a file's SHA-256, as hexadecimal digits."""
    with file.open("rb") as source:
        return _hash(source)


def put(source: Path, *, name: str) -> tuple[str, bool]:
    """Store a file and return (the name it got, whether it is encrypted); what is stored was read back and is right."""
    key = _read_key()
    with translated_storage():
        stored = f"{name}{SUFFIX}" if key else name
        sealed = source.with_name(f"{source.name}{SUFFIX}") if key else source
        try:
            if key:
                pyrage.encrypt_file(str(source), str(sealed), [key.to_public()])
            storage = get_storage()
            # What an interrupted attempt left under this name goes first: else it would get another name.
            storage.delete(stored)
            with sealed.open("rb") as content:
                got = storage.save(stored, File(content))
            with storage.open(got, "rb") as back:
                if _hash(back) != hash_file(sealed):
                    raise Failure("stored_wrong", file=got)
        finally:
            if key:
                sealed.unlink(missing_ok=True)
    return got, key is not None


def fetch(name: str, *, into: Path, sha256: str, is_encrypted: bool) -> None:
    """Bring a stored file back, decrypted; refuse one that is not byte for byte what was stored."""
    draft = into.with_name(f"{into.name}.part")
    try:
        with translated_storage(), get_storage().open(name, "rb") as source, draft.open("wb") as target:
            shutil.copyfileobj(source, target, CHUNK_BYTES)
        if is_encrypted:
            _decrypt(draft, into=into)
        else:
            draft.rename(into)
        if hash_file(into) != sha256:
            into.unlink()
            raise Failure("stored_wrong", file=name)
    finally:
        draft.unlink(missing_ok=True)


def remove(name: str) -> None:
    """Delete a stored file; one that is gone already is no fault."""
    with translated_storage():
        get_storage().delete(name)


def exists(name: str) -> bool:
    """Tell whether a stored file is there."""
    with translated_storage():
        return bool(name) and get_storage().exists(name)


@contextmanager
def translated_storage() -> Iterator[None]:
    """Turn what a folder or an S3 client raises into Failures."""
    try:
        yield
    except FileNotFoundError as fault:
        raise Failure("stored_gone", file=Path(str(fault.filename or "")).name) from None
    except OSError as fault:
        if fault.errno == errno.ENOSPC:
            raise Failure("disk_full", output=str(fault.strerror)) from None
        raise Failure("storage_failed", output=str(fault), is_passing=True) from None
    except S3_FAULTS as fault:
        raise Failure("storage_failed", output=" ".join(str(fault).split()), is_passing=True) from None


def _hash(source: "BinaryIO | File[bytes]") -> str:
    digest = hashlib.sha256()
    while piece := source.read(CHUNK_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def _read_key() -> "pyrage.x25519.Identity | None":
    path = settings.RECOVERY_KEY_FILE
    if not path:
        return None
    try:
        lines = [line.strip() for line in Path(path).read_text().splitlines()]
        return pyrage.x25519.Identity.from_str(next(line for line in lines if line.startswith("AGE-SECRET-KEY-")))
    except (OSError, StopIteration, pyrage.IdentityError):
        raise Failure("key_unreadable", file=Path(path).name) from None


def _decrypt(sealed: Path, *, into: Path) -> None:
    key = _read_key()
    if key is None:
        raise Failure("key_missing")
    try:
        pyrage.decrypt_file(str(sealed), str(into), [key])
    except pyrage.DecryptError:
        raise Failure("key_wrong") from None
