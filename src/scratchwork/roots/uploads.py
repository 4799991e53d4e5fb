"""Uploads of a web application: in memory while small, on disk when large, gone when their request is over.

This module knows no framework; `scratchwork.integrations` has those.
"""

from __future__ import annotations

import os

from scratchwork.errors import UploadTooLarge
from scratchwork.files.budgets import MemoryBudget
from scratchwork.roots.root import Root
from scratchwork.roots.standing import Standing
from scratchwork.system.amounts import bytes_of
from scratchwork.system.publishing import publish
from scratchwork.tempfile import SpooledTemporaryFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, Self

    from scratchwork.roots.quota import Quota

LABEL = "uploads"
_ONE_WRITE = 512 * 1024
"""The bytes that a server hands over at once, at most; uvicorn's and asyncio's buffers hold less."""


class Uploads:
    """The uploads of one web application: how large they may be, what they may hold in memory, where the rest goes.

    Make one at the application's start, and give it to its framework's integration. Its files have no names, so that
    nothing of them stays however the process dies. They lie in one workspace of each process, which is made when the
    first upload goes to disk, removed at exit, and after kill -9, when it is an empty directory, by the next sweep.

    Safe in several threads. A forked child, such as a worker of a server that forks, makes a workspace of its own, and
    has a memory budget of its own. As an `os.PathLike` it leads to this process's workspace, and makes it.
    """

    def __init__(
        self,
        app: str = "uploads",
        dir: str | os.PathLike[str] | None = None,  # noqa: A002 - tempfile's word
        *,
        cap: int | str | None = None,
        in_memory: int | str = "1 MiB",
        memory: int | str = "64 MiB",
        quota: Quota | int | str | None = None,
    ) -> None:
        """Set the terms; nothing is made yet.

        `app`, `dir`: of the `Root` that the workspaces lie in; by default in the temp folder. `cap`: the bytes that the
        body of one request may have, all its files, fields and their headers together, as nginx's client_max_body_size
        and Flask's MAX_CONTENT_LENGTH count; None: no limit. `in_memory`: the bytes that one file may hold in memory.
        `memory`: the bytes that all of them in this process may hold there together; who comes later goes to disk.
        `quota`: what the uploads of all processes together may hold on disk, as `Root` has it; a write that would
        exceed it raises QuotaExceeded.

        Amounts are ints or text such as "512 KiB" or "2 GB". Raises ValueError and TypeError for others.
        """
        self._standing = Standing(lambda: Root(app, dir, quota=quota).workspace(LABEL))
        self.cap = None if cap is None else bytes_of(cap)
        """The bytes that the body of one request may have; None: no limit."""
        self.in_memory = bytes_of(in_memory)
        """The bytes that one file may hold in memory."""
        self.budget = MemoryBudget(bytes_of(memory))
        """The memory that all of them share."""

    def begin(self, length: int | None = None) -> Upload:
        """Begin a request's share: a context manager that closes its files at the end.

        `length`: the bytes that the body is said to have. Raises UploadTooLarge if that is over the cap.
        """
        if length is not None and self.cap is not None and length > self.cap:
            raise UploadTooLarge(self.cap, length)
        return Upload(self)

    def close(self) -> None:
        """End this process's workspace now instead of at exit; the next upload that goes to disk makes another.

        Files that are open stay readable. Raises CleanupIncomplete.
        """
        self._standing.close()

    def __fspath__(self) -> str:
        return os.fspath(self._standing)

    def __repr__(self) -> str:
        return f"<Uploads cap={self.cap} in_memory={self.in_memory} memory={self.budget.limit}>"

    def __del__(self) -> None:
        if hasattr(self, "_standing"):  # else __init__ failed
            self._standing.close()


class Upload:
    """What one request uploads: its files, and the bytes of its body. Made by `Uploads.begin()`.

    Its files are closed when it ends, whatever happened; what is to stay is published before. For one thread at a time,
    but `close` may be called by any.
    """

    __slots__ = ("_files", "_is_over", "_size", "_uploads")

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._size = 0
        self._files: list[UploadedSpool] = []
        self._is_over = False

    def count(self, size: int) -> None:
        """Count that many more bytes of the body. Raises UploadTooLarge if that makes it larger than the cap."""
        self._size += size
        cap = self._uploads.cap
        if cap is not None and self._size > cap:
            raise UploadTooLarge(cap, self._size)

    def open(self) -> UploadedSpool:
        """Open an empty file. Raises ValueError if the upload is over. What is written to it may raise OSError."""
        if self._is_over:
            raise ValueError("the request of this upload is over")
        file = UploadedSpool(self._uploads)
        self._files.append(file)
        return file

    @property
    def is_on_disk(self) -> bool:
        """Whether any of its open files has gone to disk, so that closing it may take a while."""
        return any(not file.closed and file.raw.rolled for file in self._files)

    def close(self) -> None:
        """Close all files that are still open. Once is enough; more does no harm."""
        self._is_over = True
        files, self._files = self._files, []
        for file in files:
            try:
                file.close()
            except OSError:
                pass  # what was still in a buffer, and is thrown away, found no room

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class UploadedSpool(SpooledTemporaryFile):
    """A file of an upload: a binary spool, with `keep()` and `publish()`, that can have a name until it is closed."""

    _path: Path | None = None
    _identity: tuple[int, int] | None = None

    def __init__(self, uploads: Uploads) -> None:
        # 0 would mean no limit there.
        super().__init__(uploads.in_memory or 1, dir=uploads, budget=uploads.budget)
        self._budget = uploads.budget

    @property
    def _rolled(self) -> bool:
        """Whether a write may block, which frameworks of async code look at: also when memory is about to run out."""
        return self._budget.limit - self._budget.used < _ONE_WRITE or super()._rolled

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever is a buffer
        """Write all the way through, so that what finds no room is told at once, and no later look at it blocks."""
        written = super().write(data)
        self.flush()
        return written

    def named(self) -> Path:
        """Give the file a name in the workspace until it is closed, if it has none, and return its path.

        For programs and libraries that want a path; whoever moves it away has the file. Raises CannotPublish.
        """
        if self._path is None:
            self._path = self.keep()
            self._identity = _identity(os.fstat(self.fileno()))
        else:
            self.flush()
        return self._path

    def publish(
        self,
        destination: str | os.PathLike[str],
        overwrite: bool = True,  # noqa: FBT001, FBT002 - as the parent has it
        durable: bool = True,  # noqa: FBT001, FBT002 - ...
        mode: int | None = None,
        *,
        inherit: bool = False,
    ) -> Path:
        """Move the content to where it belongs, atomically, as `scratchwork.publish` does; then close the file.

        Raises CannotPublish and DestinationExists, after which the file is open as before.
        """
        if self._path is None or not self._has(self._path):
            return super().publish(destination, overwrite, durable, mode, inherit=inherit)
        self.flush()
        path = publish(self._path, destination, overwrite, durable, mode, inherit=inherit)
        self.close()
        return path

    def close(self) -> None:
        """Close it, and remove its name if it has one."""
        path, self._path = self._path, None
        try:
            if path is not None and self._has(path):
                os.unlink(path)
        finally:
            super().close()

    def _has(self, path: Path) -> bool:
        """Whether a path leads to this file: it may have been moved to where it belongs, or another put there."""
        try:
            return _identity(os.lstat(path)) == self._identity
        except FileNotFoundError:
            return False


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
