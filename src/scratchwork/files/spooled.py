"""Files that live in memory until they outgrow it.

A spool is a real buffered file over a raw one of ours, so that Python code runs once a buffer, not once a write.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from _weakref import ref

from scratchwork.errors import SpoolFull
from scratchwork.files.anonymous import Nameless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from scratchwork.files.budgets import MemoryBudget

    Buffer = Any

_FOREVER = sys.maxsize
_MODE = "w+b"
_BY_DESCRIPTOR = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"


_ALWAYS_THE_FILES = ("readinto", "readall", "seek", "tell")
_THE_FILES = (*_ALWAYS_THE_FILES, "write", "truncate")


class Storage(io.RawIOBase):
    """The raw file below a spool: memory until there is too much of it, then a file."""

    closed = False  # a plain attribute: `io.BufferedRandom` looks at it in each write
    rolled = False
    content: io.BytesIO | io.FileIO
    _cap = _FOREVER
    _budget: MemoryBudget | None = None
    _granted = 0
    _above: ref[BinarySpool] | None = None

    def __init__(self, max_size: int) -> None:
        """`max_size`: the bytes that it may hold in memory; 0: all."""
        self.max_size = max_size
        self._unasked = max_size if max_size > 0 else _FOREVER
        """The size up to which a write needs no further look."""
        self.content = io.BytesIO()

    def open_file(self) -> io.FileIO:
        """Open the file that it goes to."""
        raise NotImplementedError

    @property
    def home(self) -> str:
        """The folder where it gets its name if it is kept."""
        raise NotImplementedError

    def serve(self, above: BinarySpool) -> None:
        """Be the raw file below a spool that may come to lie where a quota is in force."""
        self._above = ref(above)

    def limit(self, cap: int | None, budget: MemoryBudget | None) -> None:
        """Set a limit for memory and disk together, and a budget to take the memory from."""
        if cap is not None:
            self._cap = cap
        self._budget = budget
        self._unasked = -1

    def roll_over(self) -> None:
        """Move from memory to a file. Raises OSError, after which all is as before."""
        if self.rolled:
            return
        memory = self.content
        assert isinstance(memory, io.BytesIO)
        file = self.open_file()
        try:
            with memory.getbuffer() as view:
                _write_whole(file, view)
            file.seek(memory.tell())
        except BaseException:
            file.close()
            raise
        self.content = file
        self.rolled = True
        above = self._above and self._above()
        if above is not None and hasattr(file, "serve"):
            metered: Any = file
            self.write_at_once = metered.write_at_once
            metered.serve(above)
        # From here on it runs at the speed of C; what is limited goes by our own `write` and `truncate`.
        for name in _ALWAYS_THE_FILES if self._cap != _FOREVER else _THE_FILES:
            setattr(self, name, getattr(file, name))
        self._give_back()

    def write(self, data: Buffer, /) -> int:
        content = self.content
        if content.tell() + len(data) > self._unasked:
            content = self._content_for(content.tell() + memoryview(data).nbytes)
        return content.write(data)

    def _content_for(self, size: int) -> io.BytesIO | io.FileIO:
        """Return where that many bytes may be written; go to disk if they may not be in memory. Raises SpoolFull."""
        if size > self._cap:
            raise SpoolFull(self._cap, size)
        if not self.rolled and not self.may_hold(size):
            self.roll_over()
        return self.content

    def readinto(self, buffer: Buffer, /) -> int | None:
        return self.content.readinto(buffer)

    def readall(self) -> bytes:
        return self.content.read()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        content = self.content
        if whence:
            before = content.tell()
            offset += before if whence == io.SEEK_CUR else content.seek(0, whence)
            if offset < 0:
                content.seek(before)
        if offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))  # as a file does; a BytesIO does this and that
        return content.seek(offset)

    def tell(self) -> int:
        return self.content.tell()

    def truncate(self, size: int | None = None, /) -> int:
        size = self.content.tell() if size is None else size
        if size < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))  # as a file does
        content = self._content_for(size)
        return content.truncate(size) if self.rolled else self._truncate_memory(size)

    def _truncate_memory(self, size: int) -> int:
        """Make the content that long. A BytesIO can only be made shorter; a file is filled up with zeros."""
        memory = self.content
        position = memory.tell()
        held = memory.seek(0, io.SEEK_END)
        memory.write(bytes(max(0, size - held)))
        memory.seek(position)
        memory.truncate(size)
        if self._budget is not None and size < self._granted:
            self._budget.give_back(self._granted - size)
            self._granted = size
        return size

    def may_hold(self, size: int) -> bool:
        """Whether that many bytes may be in memory; takes them from the budget."""
        if size > self.max_size > 0:
            return False
        budget = self._budget
        if budget is not None and size > self._granted:
            if not budget.take(size - self._granted):
                return False
            self._granted = size
        return True

    def _give_back(self) -> None:
        if self._budget is not None:
            self._budget.give_back(self._granted)
        self._granted = 0

    def fileno(self) -> int:
        self._check_open()
        self.roll_over()
        return self.content.fileno()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.content.close()
            if self._budget is not None:
                self._give_back()

    def isatty(self) -> bool:
        return self.seekable() and False

    def seekable(self) -> bool:
        if self.closed:
            self._check_open()
        return True

    readable = writable = seekable

    def _dealloc_warn(self, source: object) -> None:
        """Say that a spool was left to the garbage collector; the C code of `io` calls this then."""
        import warnings

        # Not repr(source), which would want its name, and so flush it, in the middle of its being closed.
        shown = f"<{type(source).__name__} name={self.name!r}>"
        warnings.warn(f"Unclosed file {shown}", ResourceWarning, stacklevel=2, source=source)

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    @property
    def name(self) -> str | bytes | None:
        if not self.rolled:
            return None
        name: str | bytes | int = self.content.name
        return f"{_BY_DESCRIPTOR}/{name}" if isinstance(name, int) else name

    @property
    def mode(self) -> str:
        return self.content.mode if isinstance(self.content, io.FileIO) else _MODE


class BinarySpool(Nameless, io.BufferedRandom):
    """A binary file that lives in memory until it outgrows it: a real `io.BufferedRandom`.

    What it wrote counts from the moment that it leaves the buffer, or that somebody asks.
    """

    raw: Storage

    @property
    def _max_size(self) -> int:
        return self.raw.max_size

    @property
    def home(self) -> str:
        """The folder where it gets its name if it is kept."""
        return self.raw.home

    def limit(self, cap: int | None, budget: MemoryBudget | None) -> None:
        """Limit what it may hold in memory and on disk together, and take its memory from a budget."""
        if cap is not None:
            if cap < 0:
                raise ValueError(f"a cap is not negative: {cap}")
            self._cap = cap
            self.write = self._write_capped  # type: ignore[method-assign] # so that others pay nothing for it
        self.raw.limit(cap, budget)

    def _write_capped(self, data: Buffer, /) -> int:
        end = self.tell() + memoryview(data).nbytes
        if end > self._cap:
            raise SpoolFull(self._cap, end)
        return super().write(data)

    if sys.version_info < (3, 13):

        def read1(self, size: int = -1, /) -> bytes:
            # Up to 3.12 io.BufferedRandom.read1, and with it a text file's read(n), does not heed what was written
            # just before: it reads elsewhere, and what was written ends up elsewhere.
            self.flush()
            return super().read1(size)

    def fits(self, size: int) -> bool:
        """Whether it is in memory, and so many bytes more written here stay there; takes them from the budget."""
        return not self.raw.rolled and self.raw.may_hold(self.tell() + size)

    def rollover(self) -> None:
        """Go to disk now. Raises OSError, after which it is in memory as before."""
        self.flush()
        self.raw.roll_over()

    @property
    def _rolled(self) -> bool:
        """Whether it is on disk; programs look at this to see whether it would block."""
        return self._settled().rolled

    @property
    def _file(self) -> io.BytesIO | io.FileIO:
        """What holds the content now."""
        return self._settled().content

    @property
    def name(self) -> str | bytes | None:
        """None in memory; then a path that leads to the file as long as it is open. Never a bare number."""
        return self._settled().name

    @property
    def mode(self) -> str:  # type: ignore[override]
        return self._settled().mode

    def _settled(self) -> Storage:
        """Return the raw file when nothing waits in the buffer that might make it roll over."""
        if not self.closed and not self.raw.rolled:
            self.flush()
        return self.raw


class TextSpool(Nameless, io.TextIOWrapper):
    """A text file that lives in memory until it outgrows it: a real `io.TextIOWrapper` over a `BinarySpool`."""

    buffer: BinarySpool

    def __init__(
        self,
        binary: BinarySpool,
        mode: str,
        buffering: int,
        encoding: str | None,
        errors: str | None,
        newline: str | None,
    ) -> None:
        """`buffering`: 1 for lines, as `open` has it. Raises LookupError for an unknown encoding."""
        super().__init__(
            binary,
            encoding,
            errors,
            newline,
            line_buffering=buffering == 1,
            write_through="write" in binary.__dict__,  # a capped one: what is too much must be told at once
        )
        self.mode = mode  # type: ignore[misc]

    def rollover(self) -> None:
        """Go to disk now. Raises OSError, after which it is in memory as before."""
        self.flush()
        self.buffer.rollover()

    @property
    def home(self) -> str:
        return self.buffer.home

    @property
    def _max_size(self) -> int:
        return self.buffer._max_size

    @property
    def _rolled(self) -> bool:
        return self._settled()._rolled

    @property
    def _file(self) -> io.BytesIO | io.FileIO:
        return self._settled()._file

    @property
    def name(self) -> str | bytes | None:
        """As a `BinarySpool` has it."""
        return self._settled().name

    def _settled(self) -> BinarySpool:
        if not self.closed:
            self.flush()
        return self.buffer


def _write_whole(file: io.FileIO, view: memoryview) -> None:
    """Write all of it; a file may take less at once."""
    written = 0
    while written < len(view):
        written += file.write(view[written:])
