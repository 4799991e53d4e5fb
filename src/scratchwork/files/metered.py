"""Files whose writes count against the quotas of the trees that they lie in.

What counts is a file's length: a hole counts whole, since it can be filled at any time by whoever has the file open.
A write that would exceed a quota raises QuotaExceeded, and nothing of it is written; what waits in a buffer is written
as far as there is room, and QuotaExceeded is raised for the rest. So that buffers don't hold back the news, each write
goes through at once where little room is left.
"""

from __future__ import annotations

import io
import os
from _weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from scratchwork.files.metering import Meters

    Buffer = Any
    _Random = TypeVar("_Random", bound=io.BufferedRandom)

BUFFER = 128 * 2**10
"""Bytes of the buffer of a metered file: what metering costs is paid once a buffer."""

_NEAR = 2**20  # with fewer bytes left than this, writes go through at once


class MeteredFile(io.FileIO):
    """A raw file whose writes count."""

    meters: Meters
    _appends = False
    _paid = 0
    """The length up to which is paid for, while a write through the buffer is under way."""
    _above: ref[Any] | None = None
    _is_near = False

    def count(self, meters: Meters, *, appends: bool = False) -> None:
        """Count against these meters. `appends`: it was opened with O_APPEND."""
        self.meters = meters
        self._appends = appends

    def serve(self, above: Any) -> None:
        """Be the raw file below a buffered one."""
        self._above = ref(above)
        self._is_near = False
        self._heed(self.meters.room())

    def write(self, data: Buffer, /) -> int:
        view = memoryview(data).cast("B")
        with self.meters as meters:
            growth = self._growth(len(view))
            if growth > 0:
                had = meters.take(growth, whole=self._above is None)
                if had < growth:
                    size = len(view) - (growth - had)
                    if size <= 0:  # the hole before it is too large already
                        meters.give(had)
                        meters.take(growth)
                    view = view[:size]
                self._heed(meters.left)
            else:
                meters.leave_gate()
            return super().write(view)

    def truncate(self, size: int | None = None, /) -> int:
        size = self.tell() if size is None else size
        with self.meters as meters:
            growth = size - os.fstat(self.fileno()).st_size
            if growth > 0:
                meters.take(growth)
            super().truncate(size)
            if growth < 0:
                meters.give(-growth)
        return size

    def write_at_once(self, data: Buffer, /) -> int:
        """Write through the buffer above: all, or nothing."""
        above: Any = self._above and self._above()
        above.flush()
        size = memoryview(data).nbytes
        with self.meters as meters:
            growth = self._growth(size)
            if growth > 0:
                meters.take(growth)
            else:
                meters.leave_gate()
            self._paid = os.fstat(self.fileno()).st_size + max(growth, 0)
            try:
                type(above).write(above, data)
                above.flush()
            finally:
                self._paid = 0
            if growth > 0:
                self._heed(meters.left)
        return size

    def _growth(self, size: int) -> int:
        """Return by how much a write of so many bytes here makes the file longer."""
        if size == 0:
            return 0  # write(2): then it does not fill a hole before it either
        length = os.fstat(self.fileno()).st_size
        return (length if self._appends else self.tell()) + size - max(length, self._paid)

    def _heed(self, left: int) -> None:
        """Let writes go through at once where little room is left, and by way of the buffer elsewhere."""
        is_near = left < _NEAR
        above = self._above() if self._above and is_near != self._is_near else None
        if above is not None:
            self._is_near = is_near
            if is_near:
                above.write = self.write_at_once
            else:
                del above.write


def metered(kind: type[io.FileIO]) -> type[MeteredFile]:
    """Return a class of raw files that can do what `kind` can, and whose writes count."""
    return MeteredFile if kind is io.FileIO else type(kind.__name__, (MeteredFile, kind), {})


def open_in(path: str, flags: int, meters: Meters) -> int:
    """Open a file as open(2) does, counting the file if it is made, and what is cut off if it is cut; mode 0666."""
    flags |= getattr(os, "O_CLOEXEC", 0)
    with meters:
        while True:
            try:
                return _open_existing(path, flags, meters)
            except FileNotFoundError:
                if not flags & os.O_CREAT:
                    raise
            meters.take_file()
            try:
                return os.open(path, flags & ~os.O_TRUNC | os.O_EXCL, 0o666)
            except BaseException as error:
                meters.give(0, 1)
                if not isinstance(error, FileExistsError) or flags & os.O_EXCL or os.path.islink(path):
                    raise


def _open_existing(path: str, flags: int, meters: Meters) -> int:
    if flags & os.O_EXCL:
        raise FileNotFoundError
    descriptor = os.open(path, flags & ~(os.O_CREAT | os.O_TRUNC))
    if flags & os.O_TRUNC:
        length = os.fstat(descriptor).st_size
        os.ftruncate(descriptor, 0)
        meters.give(length)
    return descriptor


def over(descriptor: int, meters: Meters, kind: type[_Random]) -> _Random:
    """Return a buffered file object over a descriptor, to read and write; it is closed if that fails."""
    try:
        raw = MeteredFile(descriptor, "r+")
    except BaseException:
        os.close(descriptor)
        raise
    try:
        file = kind(raw, BUFFER)
        raw.count(meters)
        raw.serve(file)
    except BaseException:
        raw.close()
        raise
    return file
