"""Files with a name, removed when they are closed, unless they are kept or published."""

from __future__ import annotations

import io
import os
import sys

from scratchwork.files import owning
from scratchwork.files.owning import Owned, disown, own, warn_of_another, warn_of_forgotten
from scratchwork.system.publishing import publish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import IO, Any, AnyStr, Self

    from scratchwork.files.metering import Meters
else:
    # Generic for type checkers alone: importing `typing` would take longer than all of this.
    AnyStr, IO = None, {None: object}

_IS_WINDOWS = sys.platform == "win32"
_SHOWN = "_TemporaryFileWrapper"  # the original's name for it: others look for that in messages


class NamedFile(Owned, IO[AnyStr]):
    """A file object and its name in the file system, which goes when the file is closed.

    All that the file object can do, this can; besides, it is an `os.PathLike`, and can be kept or published. It is
    removed by the process that made it alone, and only if the name still leads to the file that was made: if not,
    what has the name is left alone, with a RuntimeWarning. Removed at the latest when the process exits, also in a
    child of `multiprocessing`; after kill -9 with the workspace that it lies in.
    """

    file: IO[AnyStr]
    delete_on_close: bool
    meters: Meters | None = None
    """What the writes of a file object that is opened over a descriptor count against."""

    def __init__(
        self,
        file: IO[AnyStr] | int,
        name: str | bytes,
        delete: bool = True,
        delete_on_close: bool = True,
        status: os.stat_result | None = None,
    ) -> None:
        """Take over an open file that lies at `name`.

        `file`: a file object, or a descriptor, over which a binary one is opened once it is needed: many want no more
        than a name. `status`: of the file, if the caller has it. `delete`: remove it at all. `delete_on_close`:
        remove it on `close()`, else when a `with` block ends or the object is collected.
        """
        if file.__class__ is int:
            self._descriptor = file
        else:
            self.file = file  # type: ignore[assignment]
        self._path = name
        self.name = name  # type: ignore[misc]
        self.delete_on_close = delete_on_close
        self._closed = False
        self._delete = delete
        self._maker = owning.process
        if delete:
            own(self)
        self._status = status or _look(name)  # the last: without it, all is still the caller's

    def publish(
        self,
        destination: str | os.PathLike[str],
        overwrite: bool = True,
        durable: bool = True,
        mode: int | None = None,
        *,
        inherit: bool = False,
    ) -> Path:
        """Move the file to where it belongs, atomically, as `scratchwork.publish` does, and close it.

        Raises CannotPublish and DestinationExists, after which the file is as before, and FileNotFoundError if the
        name leads to another file by now.
        """
        if not self._closed:
            self.flush()
            if _IS_WINDOWS:
                self._close()  # nothing that is open can be renamed there
        if not self._is_there():
            raise FileNotFoundError(2, "what was made under that name is not there any more", self._path)
        path = publish(
            os.fsdecode(self._path), destination, overwrite=overwrite, durable=durable, mode=mode, inherit=inherit
        )
        self.delete = False
        self._close()
        return path

    def close(self) -> None:
        """Close the file and, with `delete` and `delete_on_close`, remove it. Once is enough."""
        if self._closed:
            return
        try:
            self._close()
        finally:
            if self.delete_on_close:
                self._remove()

    def remove_forgotten(self) -> None:
        """Close and remove the file, since the process ends."""
        own(self)
        self.__del__()

    def _close(self) -> None:
        self._closed = True
        if "file" in self.__dict__:
            self.file.close()
        else:
            os.close(self._descriptor)

    def _remove(self) -> None:
        if not disown(self):
            return
        there, made = _look(self._path), self._status
        if there is None:
            return
        if made is not None and there.st_ino == made.st_ino and there.st_dev == made.st_dev:
            os.unlink(self._path)
        else:
            warn_of_another(self._path)

    def _is_there(self) -> bool:
        """Whether the name still leads to the file that was made."""
        there, made = _look(self._path), self._status
        return bool(there and made and there.st_ino == made.st_ino and there.st_dev == made.st_dev)

    def __enter__(self) -> Self:
        if self._closed or "file" in self.__dict__:
            self.file.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if not self._closed:
                self._close()
        finally:
            self._remove()

    def __del__(self, _is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if _is_finalizing() or "_status" not in self.__dict__:
            return  # all is removed, or __init__ failed
        was_closed = self._closed
        try:
            if not was_closed:
                self._close()
        finally:
            self._remove()
        if not was_closed and self._maker == owning.process:
            warn_of_forgotten(f"<{_SHOWN} file={self.__dict__.get('file', self._path)!r}>")

    def __fspath__(self) -> str | bytes:
        return self._path

    def __repr__(self) -> str:
        return f"<{_SHOWN} file={self.__dict__.get('file', self._path)!r}>"

    # What all file objects have. Each refers to us, so that a method that is taken and kept keeps the file.

    def read(self, size: int = -1, /) -> AnyStr:
        return self.file.read(size)

    def readline(self, size: int = -1, /) -> AnyStr:
        return self.file.readline(size)

    def readlines(self, hint: int = -1, /) -> list[AnyStr]:
        return self.file.readlines(hint)

    def write(self, data: Any, /) -> int:
        return self.file.write(data)

    def writelines(self, lines: Iterable[Any], /) -> None:
        self.file.writelines(lines)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()

    def truncate(self, size: int | None = None, /) -> int:
        return self.file.truncate(size)

    def flush(self) -> None:
        if self._closed or "file" in self.__dict__:
            self.file.flush()

    def fileno(self) -> int:
        if self._closed or "file" in self.__dict__:
            return self.file.fileno()
        return self._descriptor

    def isatty(self) -> bool:
        return self.file.isatty()

    def readable(self) -> bool:
        return self.file.readable()

    def writable(self) -> bool:
        return self.file.writable()

    def seekable(self) -> bool:
        return self.file.seekable()

    @property
    def closed(self) -> bool:
        return self.file.closed

    @property
    def mode(self) -> str:
        return self.file.mode

    def __next__(self) -> AnyStr:
        return next(self.file)

    def __iter__(self) -> Iterator[AnyStr]:
        # A generator, so that the file stays open as long as it is gone through.
        for line in self.file:  # noqa: UP028 - `yield from` would close it in the end
            yield line

    def __getattr__(self, name: str) -> Any:
        if name == "file":
            return self._open()
        value = getattr(self.file, name)
        return self._keeping_us(value) if callable(value) else value

    def _keeping_us(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same, and as long as it lives, so does the file."""
        us = [self]

        def method(*arguments: Any, **options: Any) -> Any:
            us  # noqa: B018 - that is what keeps it
            return function(*arguments, **options)

        return method

    def _open(self) -> IO[AnyStr]:
        """Open the file object over our descriptor; a closed one if that was closed before anybody needed one."""
        if "_status" not in self.__dict__:
            raise AttributeError("file")  # __init__ failed
        descriptor = os.open(os.devnull, os.O_RDWR) if self._closed else self._descriptor
        file: Any
        if self.meters is not None:
            from scratchwork.files import metered

            file = metered.over(descriptor, self.meters, io.BufferedRandom)
        else:
            file = io.open(descriptor, "r+b")  # noqa: SIM115, UP020 - ours to keep; not to be taken for our own `open`
        file.raw.name = self._path
        self.file = file
        if self._closed:
            self.file.close()
        return self.file


def _look(path: str | bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None
