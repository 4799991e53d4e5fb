"""Making the n-th write, open or unlink in a workspace fail.

Opening and unlinking are refused by an audit hook, so it does not matter who calls them or by what name. Writes raise
no audit event: for as long as there is a `Faults`, functions stand in for `open`, `io.open`, `io.FileIO` and those of
`os` that write, and do what the real ones do but for the one call that is to fail.
"""

from __future__ import annotations

import builtins
import errno
import fnmatch
import io
import os
import sys
import threading

from scratchwork.files.opening import check, usual_buffer
from scratchwork.testing.descriptors import absolute, path_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, Literal, Self

    What = Literal["write", "open", "unlink"]

_WHATS = ("write", "open", "unlink")
_DIRECTORY: int = getattr(os, "O_DIRECTORY", 0)
_TMPFILE: int = getattr(os, "O_TMPFILE", 0)


class Fault:
    """One call that is to fail. `happened`: how often it did; a test that ends with 0 has tested nothing."""

    def __init__(self, what: What, nth: int, error: int, match: str, *, lasting: bool) -> None:
        self.what = what
        self.nth = nth
        self.error = error
        self.match = match
        self.lasting = lasting
        self.happened = 0
        self._met = 0

    def meet(self, what: str, path: str) -> bool:
        """Count a call; tell whether it is to fail."""
        if what != self.what or not fnmatch.fnmatchcase(os.path.basename(path), self.match):
            return False
        self._met += 1
        fails = self._met == self.nth or (self.lasting and self._met > self.nth)
        self.happened += fails
        return fails

    def __repr__(self) -> str:
        name = errno.errorcode.get(self.error, self.error)
        return f"<Fault: {self.what} {self.nth} of {self.match} fails with {name}; happened {self.happened} times>"


class Faults:
    """The calls that are to fail in one folder and below, in this process: the fixture `scratch_faults`.

    The error is the kernel's: an OSError of the right kind, with errno and strerror, and for open and unlink the
    filename as it was given. What was written before the call that fails stays written.

    Caught: `open`, `io.open`, `io.FileIO`, `os.open`, `os.fdopen`, pathlib, `tempfile` (the standard library's and
    scratchwork's), shutil, zipfile, tarfile, gzip, `Workspace.open`, `publish`, `atomic_write`, and what else is
    Python code above these. A write is what would be one system call: what waits in a buffer is written when that is
    full, flushed or closed; `os.sendfile`, `os.copy_file_range`, `os.splice` and `os.posix_fallocate` are writes too.

    Not caught: what C code does itself (sqlite3, dbm, mmap, numpy's `tofile`), and other programs: for those, on Linux,
    `strace -f -e inject=write:error=ENOSPC:when=3 PROGRAM` does the same. Nor the writes of a file that was open before
    the `Faults` were, and of code that took `open`, or a function of `os`, by `from ... import ...` before (tarfile's
    and bz2's are known). Opening a directory is no open. On Windows writes by descriptor are not caught.

    Safe in several threads, which are counted together. A forked child goes on with a copy of its own.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """`folder`: where the calls are to fail. Nothing fails outside of the `with` block."""
        self._inside = os.path.join(os.path.realpath(folder), "")
        self._inside_as_given = os.path.join(os.path.abspath(folder), "")
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def fail(
        self, what: What, nth: int = 1, *, error: int = errno.ENOSPC, match: str = "*", lasting: bool = False
    ) -> Fault:
        """Let the n-th call from now on fail, once; with `lasting` every one from then on.

        `what`: "write", "open" or "unlink". `error`: its errno. `match`: a pattern for the name of the file, without
        folders; only calls for such files are counted. Each fault counts for itself. Raises ValueError.
        """
        if what not in _WHATS or nth < 1 or error not in errno.errorcode:
            raise ValueError(f"one of {', '.join(_WHATS)}, from 1 on, with an errno; not {what!r}, {nth}, {error}")
        fault = Fault(what, nth, error, match, lasting=lasting)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Let nothing fail any more."""
        with self._lock:
            self._faults.clear()

    def meet(self, what: str, path: str) -> int:
        """Count a call; return the errno that it is to fail with, 0 for none."""
        if not os.path.join(path, "").startswith((self._inside, self._inside_as_given)):
            return 0
        with self._lock:
            failing = [fault for fault in self._faults if fault.meet(what, path)]
        return failing[0].error if failing else 0

    def __enter__(self) -> Self:
        if not _active:
            _stand_in()
        _active.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _active.remove(self)
        if not _active:
            _stand_back()


_active: list[Faults] = []


class _Calling(threading.local):
    """The directory that a thread's call of `os.open` is relative to: its audit event does not tell."""

    directory = -1


_calling = _Calling()


def _failing(what: str, path: str) -> int:
    return next((number for faults in _active if (number := faults.meet(what, path))), 0)


def _write(descriptor: int) -> None:
    """Fail if a write to this descriptor is to. The kernel names no file then, nor do we."""
    number = _failing("write", path_of(descriptor)) if _active else 0
    if number:
        raise OSError(number, os.strerror(number))


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _active or (event != "open" and event != "os.remove"):  # noqa: PLR1714 - every event of the process comes by
        return
    name = arguments[0]
    if isinstance(name, int):
        return
    try:
        if event == "open":
            flags = arguments[2]
            if _DIRECTORY and flags & _DIRECTORY and flags & _TMPFILE != _TMPFILE:
                return
            number = _failing("open", absolute(name, _calling.directory))
        else:
            number = _failing("unlink", absolute(name, arguments[1]))
    except (ValueError, TypeError):  # a path that the call itself will refuse
        return
    if number:
        raise OSError(number, os.strerror(number), os.fspath(name))


class _LikeFileIO(type(io.FileIO)):  # type: ignore[misc]
    """Lets what asks for `io.FileIO` while we stand in for it be told of the real ones too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _FileIO) if cls is _File else super().__instancecheck__(instance)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, _FileIO) if cls is _File else super().__subclasscheck__(kind)


_FileIO = io.FileIO
_real_open = io.open
_real_os_open = os.open


class _File(io.FileIO, metaclass=_LikeFileIO):
    """A raw file whose writes may fail."""

    def write(self, data: Any, /) -> int:
        if not self.closed:
            _write(self.fileno())
        return super().write(data)


def _open(
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[[str, int], int] | None = None,
) -> Any:
    """Do what `io.open` does, over a raw file of ours where something is to be written."""
    if not _active or not isinstance(mode, str) or not set("wax+") & set(mode):
        return _real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
    raw_mode, is_text = check(mode, buffering, encoding, errors, newline)
    raw = _File(file if isinstance(file, int) else os.fspath(file), raw_mode, closefd, opener)
    result: Any = raw
    try:
        lines = buffering == 1 or (buffering < 0 and raw.isatty())
        if buffering == 0:
            return raw
        kind: Any = io.BufferedRandom if "+" in mode else io.BufferedWriter
        result = kind(raw, buffering if buffering > 1 else usual_buffer(raw))
        if is_text:
            result = io.TextIOWrapper(result, encoding, errors, newline, line_buffering=lines)
            result.mode = mode
    except BaseException:
        result.close()
        raise
    return result


def _os_open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    """Do what `os.open` does, and let the audit hook know the directory."""
    before, _calling.directory = _calling.directory, -1 if dir_fd is None else dir_fd
    try:
        return _real_os_open(path, flags, mode, dir_fd=dir_fd)
    finally:
        _calling.directory = before


def _guarded(function: Callable[..., Any], position: int, keyword: str) -> Callable[..., Any]:
    """Return a function that does what the given one does, unless writing to that argument's descriptor is to fail."""

    def guarded(*arguments: Any, **options: Any) -> Any:
        descriptor = arguments[position] if len(arguments) > position else options.get(keyword)
        if isinstance(descriptor, int):
            _write(descriptor)
        return function(*arguments, **options)

    guarded.__name__ = guarded.__qualname__ = function.__name__
    return guarded


_WRITING = {
    "write": (0, "fd"),
    "writev": (0, "fd"),
    "pwrite": (0, "fd"),
    "pwritev": (0, "fd"),
    "sendfile": (0, "out_fd"),
    "copy_file_range": (1, "dst"),
    "splice": (1, "dst"),
    "posix_fallocate": (0, "fd"),
}
_STAND_INS: list[tuple[Any, str, Any, Any]] = [
    (builtins, "open", _real_open, _open),
    (io, "open", _real_open, _open),
    (io, "FileIO", _FileIO, _File),
    (os, "open", _real_os_open, _os_open),
    *(
        (os, name, getattr(os, name), _guarded(getattr(os, name), *where))
        for name, where in _WRITING.items()
        if hasattr(os, name)
    ),
]
_TAKEN_BEFORE = (("tarfile", "bltn_open"), ("bz2", "_builtin_open"))
"""Where the standard library has `open` by another name."""


class _Hook:
    is_set = False  # audit hooks can't be removed, so there is one


def _stand_in() -> None:
    if not _Hook.is_set:
        _Hook.is_set = True
        sys.addaudithook(_audit)
    if _real_os_open in os.supports_dir_fd:
        os.supports_dir_fd.add(_os_open)
    for module, name, real, ours in _everywhere():
        if getattr(module, name) is real:
            setattr(module, name, ours)


def _stand_back() -> None:
    os.supports_dir_fd.discard(_os_open)
    for module, name, real, ours in _everywhere():
        if getattr(module, name) is ours:
            setattr(module, name, real)


def _everywhere() -> list[tuple[Any, str, Any, Any]]:
    others = [(sys.modules[name], taken, _real_open, _open) for name, taken in _TAKEN_BEFORE if name in sys.modules]
    return _STAND_INS + [one for one in others if hasattr(one[0], one[1])]
