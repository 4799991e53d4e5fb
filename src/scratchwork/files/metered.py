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
    _Buffered = TypeVar("_Buffered", bound=io.BufferedWriter | io.BufferedRandom)
    _Random = TypeVar("_Random", bound=io.BufferedRandom)

BUFFER = 128 * 2**10
"""Bytes of the buffer of a metered file: what metering costs is paid once a buffer."""

_NEAR = 2**20  # with fewer bytes left than this, writes go through at once


class MeteredFile(io.FileIO):
    """A raw file whose writes count."""

    meters: Meters
    _appends = False
    _taken = (0, 0, -1)
    """The part of the file that we took bytes for and may give back, from and to, and the meters' recounts then."""
    _above: ref[Any] | None = None
    _is_near = False

    def count(self, meters: Meters, *, appends: bool = False) -> None:
        """Count against these meters. `appends`: it was opened with O_APPEND."""
        self.meters = meters
        self._appends = appends

    def serve(self, above: Any) -> None:
        """Be the raw file below a buffered one, of one of the kinds that `buffered` returns, or a spool."""
        self._above = ref(above)
        self._is_near = False
        self._heed(self.meters.room())

    def write(self, data: Buffer, /) -> int:
        return self._write(data, whole=self._above is None)

    def _write(self, data: Buffer, *, whole: bool) -> int:
        view = memoryview(data).cast("B")
        with self.meters as meters:
            before, growth = self._growth(len(view))
            if growth <= 0:
                meters.leave_gate()
                return super().write(view)
            hole = max(0, growth - len(view))
            had = meters.take(growth, growth if whole else hole + 1)
            self._heed(meters.left)
            written = super().write(view[: len(view) - (growth - had)])
            if self._appends:
                before = self.tell() - had  # others may have appended meanwhile
            self._remember(before, had)
        return written

    def truncate(self, size: int | None = None, /) -> int:
        size = self.tell() if size is None else size
        with self.meters as meters:
            before = os.fstat(self.fileno()).st_size
            growth = size - before
            if growth > 0:
                meters.take(growth, growth)
            super().truncate(size)
            if growth > 0:
                self._remember(before, growth)
            elif growth < 0:
                self._give_back(size)
        return size

    def _remember(self, before: int, growth: int) -> None:
        """Remember that we took so many bytes when the file was that long."""
        start, end, recounts = self._taken
        now = self.meters.recounts()
        # If it was longer than we know others have written in between: where, then, our earlier part ends is unknown.
        is_known = recounts == now and before <= end
        self._taken = (min(start, before) if is_known else before), before + growth, now

    def _give_back(self, size: int) -> None:
        """Give back what we took for what lay beyond that size. What others took, or never did, is not ours to give.

        After a recount nothing is: what we had taken may have been gone by then, and others have filled its place.
        """
        start, end, recounts = self._taken
        if size < end:
            self._taken = min(start, size), size, recounts
            self.meters.give_back(end - max(start, size), recounts)

    def write_at_once(self, above: Any, data: Buffer) -> int:
        """Write past the buffer above: all, or nothing.

        Nothing waits in the buffer while we count, since whoever holds the buffer's own lock may wait for the meters.
        """
        above.flush()
        view = memoryview(data).cast("B")
        try:
            written = self._write(view, whole=True)
            while written < len(view):  # a file may take less at once
                written += self._write(view[written:], whole=True)
        finally:
            above.seek(0, io.SEEK_CUR)  # tells it where the file is now
        return written

    def _growth(self, size: int) -> tuple[int, int]:
        """Return how long the file is, and by how much a write of so many bytes here makes it longer."""
        length = os.fstat(self.fileno()).st_size
        if size == 0:
            return length, 0  # write(2): then it does not fill a hole before it either
        return length, (length if self._appends else self.tell()) + size - length

    def _heed(self, left: int) -> None:
        """Let writes go through at once where little room is left, and by way of the buffer elsewhere."""
        is_near = left < _NEAR
        above = self._above() if self._above and is_near != self._is_near else None
        if above is not None:
            self._is_near = is_near
            far, near = _kinds_of(type(above))
            above.__class__ = near if is_near else far


def buffered(kind: type[_Buffered]) -> type[_Buffered]:
    """Return a class that is `kind`, of which a raw file may change how its objects write."""
    if kind not in _buffered:
        _buffered[kind] = _derived(kind, {})
    return _buffered[kind]


_buffered: dict[type, type[Any]] = {}
_far_of: dict[type, type] = {}
_near_of: dict[type, type] = {}


def _kinds_of(kind: type) -> tuple[type, type]:
    """Return the kinds of a file object that writes by way of its buffer, and of one that writes at once.

    The class is changed, and no attribute set, since what is called may be the last that refers to the object: a method
    of its class holds it as long as it runs, and a function in an attribute can't without making a cycle. A class that
    has a `write` of its own keeps it: what it writes counts, and a refusal is told when the buffer is written.
    """
    if kind in _far_of:
        return _far_of[kind], kind
    if kind not in _near_of:
        is_plain = kind.write in _WRITES  # type: ignore[attr-defined]
        _near_of[kind] = near = _derived(kind, {"write": _write_at_once}) if is_plain else kind
        _far_of[near] = kind
    return kind, _near_of[kind]


def _write_at_once(above: Any, data: Buffer, /) -> int:
    return above.raw.write_at_once(above, data)  # type: ignore[no-any-return]


def _derived(kind: type, content: dict[str, Any]) -> type[Any]:
    shown = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return type(kind)(kind.__name__, (kind,), {"__slots__": (), **shown, **content})


_WRITES = (io.BufferedWriter.write, io.BufferedRandom.write)


def metered(kind: type[io.FileIO]) -> type[MeteredFile]:
    """Return a class of raw files that can do what `kind` can, and whose writes count."""
    if kind not in _metered:
        _metered[kind] = type(kind.__name__, (MeteredFile, kind), {})
    return _metered[kind]


_metered: dict[type[io.FileIO], type[MeteredFile]] = {io.FileIO: MeteredFile}


def open_in(path: str, flags: int, meters: Meters) -> int:
    """Open a file as open(2) does, counting the file if it is made; mode 0666.

    What is cut off from one that was there is not given back: nobody knows whether it was ever taken.
    """
    flags |= getattr(os, "O_CLOEXEC", 0)
    with meters:
        while True:
            try:
                return _open_existing(path, flags)
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


def _open_existing(path: str, flags: int) -> int:
    if flags & os.O_EXCL:
        raise FileNotFoundError
    return os.open(path, flags & ~os.O_CREAT)


def over(descriptor: int, meters: Meters, kind: type[_Random]) -> _Random:
    """Return a buffered file object over a descriptor, to read and write; it is closed if that fails."""
    try:
        raw = MeteredFile(descriptor, "r+")
    except BaseException:
        os.close(descriptor)
        raise
    try:
        file = buffered(kind)(raw, BUFFER)
        raw.count(meters)
        raw.serve(file)
    except BaseException:
        raw.close()
        raise
    return file
