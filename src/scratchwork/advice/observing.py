"""Seeing what this process makes, moves and removes below some folders, and where in its code: by an audit hook.

Audit events are raised before the call (PEP 578, https://docs.python.org/3/library/audit_events.html), so what is told
may still fail: whoever wants to know what there is looks at the folder. What C libraries and other programs make raises
no event. Only the standard library's smallest modules are imported here: a traced program pays for it. The tracer
loads this file by its path into whatever Python it meets, under another name, so it keeps to what Python 3.8 knows.
"""

from __future__ import annotations

import os
import sys
from _thread import _local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, Literal

    Kind = Literal["file", "directory", "anonymous"]
    Stack = tuple[tuple[str, int, str], ...]
    """The calls that led to it, the innermost first: file, line and function of each."""

_TMPFILE: int = getattr(os, "O_TMPFILE", 0)
_MACHINERY = frozenset(
    (
        "tempfile",
        "shutil",
        "contextlib",
        "pathlib",
        "os",
        "io",
        "codecs",
        "weakref",
        "scratchwork",
        __name__.split(".")[0],
    )
)
"""The packages whose frames tell nobody who wanted a file: what they do, they do for their caller."""


class Observer:
    """What is told of each thing below one of `spaces`. Subclass it, and begin with `observe`.

    `spaces` are absolute paths, each ending with a separator; they may be changed at any time, and with none nothing
    is told. The methods are called in the thread that is about to do it, just before it does, and may raise nothing;
    what they do to files themselves is not told. A process made by fork goes on with its own copy.

    `missed` counts what could not be told, because the stack or the memory was at its limit.
    """

    spaces: tuple[str, ...] = ()
    missed: int = 0

    def making(self, path: str, kind: Kind, stack: Stack) -> None:
        """Something is about to be made where nothing is; of an anonymous file the path is its folder's."""

    def removing(self, path: str) -> None:
        """The name `path` is about to be removed."""

    def moving(self, source: str, target: str) -> None:
        """`source` is about to be renamed; either may lie outside of the spaces, not both."""

    def naming(self, path: str) -> None:
        """`tempfile` is about to make `path`, in a folder that need not be one of the spaces: `making` comes next."""


def observe(observer: Observer) -> None:
    """Tell `observer` from now on. Audit hooks can't be removed, so this holds until the process ends."""
    inside = _Inside()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        tell = _EVENTS.get(event)
        if tell is None or inside.hook or not observer.spaces:
            return
        inside.hook = True
        try:
            tell(observer, arguments)
        except (OSError, ValueError, TypeError):  # paths that the call itself will refuse
            pass
        except (RecursionError, MemoryError):
            observer.missed += 1
        finally:
            inside.hook = False

    sys.addaudithook(hook)


class _Inside(_local):
    """Whether this thread is in the hook: what is done there is not told."""

    hook = False


def _opened(observer: Observer, arguments: tuple[Any, ...]) -> None:
    name, _, flags = arguments
    if isinstance(name, int):
        return
    if _TMPFILE and flags & _TMPFILE == _TMPFILE:
        path = _whole(name) + os.sep
        if path.startswith(observer.spaces):
            observer.making(path[:-1], "anonymous", _stack() or ())
    elif (
        flags & os.O_CREAT
    ):  # with dir_fd the event tells no directory: then a relative path is taken for the wrong one
        _may_make(observer, _whole(name), "file")


def _made_directory(observer: Observer, arguments: tuple[Any, ...]) -> None:
    name, _, directory = arguments
    _may_make(observer, _whole(name, directory), "directory")


def _linked(observer: Observer, arguments: tuple[Any, ...]) -> None:
    _may_make(observer, _whole(arguments[1], arguments[-1]), "file")


def _bound(observer: Observer, arguments: tuple[Any, ...]) -> None:
    address = arguments[1]
    if isinstance(address, (str, bytes)) and address[:1] not in {"\0", b"\0", "", b""}:
        _may_make(observer, _whole(address), "file")


def _connected(observer: Observer, arguments: tuple[Any, ...]) -> None:
    database = os.fsdecode(arguments[0])
    if database and database != ":memory:" and not database.startswith("file:"):
        _may_make(observer, _whole(database), "file")


def _removed(observer: Observer, arguments: tuple[Any, ...]) -> None:
    path = _whole(*arguments)
    if path.startswith(observer.spaces):
        observer.removing(path)


def _moved(observer: Observer, arguments: tuple[Any, ...]) -> None:
    source = _whole(arguments[0], arguments[2])
    target = _whole(arguments[1], arguments[3])
    if source.startswith(observer.spaces) or target.startswith(observer.spaces):
        observer.moving(source, target)


def _named(observer: Observer, arguments: tuple[Any, ...]) -> None:
    observer.naming(_whole(arguments[0]))


_EVENTS: dict[str, Callable[[Observer, tuple[Any, ...]], None]] = {
    "open": _opened,
    "os.mkdir": _made_directory,
    "os.symlink": _linked,
    "os.link": _linked,
    "socket.bind": _bound,
    "sqlite3.connect": _connected,
    "os.remove": _removed,
    "os.rmdir": _removed,
    "os.rename": _moved,
    "tempfile.mkstemp": _named,
    "tempfile.mkdtemp": _named,
}


def _may_make(observer: Observer, path: str, kind: Kind) -> None:
    if path.startswith(observer.spaces) and not os.path.lexists(path) and os.path.isdir(os.path.dirname(path)):
        stack = _stack()
        if stack is not None:
            observer.making(path, kind, stack)


def _whole(name: str | bytes | os.PathLike[Any], directory: int = -1) -> str:
    path = os.fsdecode(name)
    if path[:1] == os.sep and "/." not in path and "//" not in path:
        return path
    if directory >= 0 and not os.path.isabs(path):
        path = os.path.join(os.readlink(f"/proc/self/fd/{directory}"), path)
    return os.path.abspath(path)


def _stack() -> Stack | None:
    """Return the stack; None for the file by which `tempfile` tries, once a process, whether a folder can be used."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the way to it without the cost of traceback
    while frame is not None and _package(frame) in _MACHINERY:
        if frame.f_code.co_name == "_get_default_tempdir":
            return None
        frame = frame.f_back
    found = []
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith("<frozen "):
            found.append((code.co_filename, frame.f_lineno, getattr(code, "co_qualname", code.co_name)))  # new in 3.11
        frame = frame.f_back
    return tuple(found)


def _package(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__") or ""
    return name.partition(".")[0]
