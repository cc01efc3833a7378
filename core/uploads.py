"""Files that people send: kept in memory by a page that says it takes one, refused everywhere else as they come."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.urls import Resolver404, resolve

View = TypeVar("View", bound=Callable[..., Any])

#: What is read of a file that is too large, in sizes that a page takes, before reading ends.
PATIENCE = 4


def takes_file(*, most_bytes: int) -> Callable[[View], View]:
    """Let a view's forms send files; of a larger one the first `most_bytes` + 1 arrive, to be refused in words."""

    def mark(view: View) -> View:
        view.takes_file_bytes = most_bytes  # type: ignore[attr-defined]  # read by the handler
        return view

    return mark


class KeepAskedFiles(FileUploadHandler):
    """Keeps a file for the pages that take one; for any other it ends reading at the file's first byte."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._most = _find_most(self.request.path_info) if self.request is not None else 0
        if not self._most:
            raise StopUpload(connection_reset=True)
        self._kept = bytearray()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if start > self._most * PATIENCE:
            raise StopUpload(connection_reset=True)
        self._kept += raw_data[: max(self._most + 1 - len(self._kept), 0)]
        return None

    def file_complete(self, file_size: int) -> SimpleUploadedFile:
        return SimpleUploadedFile(self.file_name or "file", bytes(self._kept), self.content_type or "")


def _find_most(path: str) -> int:
    """Return the bytes of a file that the page at a path takes, 0 where it takes none."""
    try:
        return int(getattr(resolve(path).func, "takes_file_bytes", 0))
    except Resolver404:
        return 0
