"""Handing data to another program as a path."""

from __future__ import annotations

import io
import os

from scratchwork.files import owning
from scratchwork.files.making import harmless
from scratchwork.files.pouring import chunks_of
from scratchwork.roots.default import standing
from scratchwork.system import memory_files, names, trees
from scratchwork.tempfile import NamedTemporaryFile, TemporaryDirectory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import IO, Any

_NAME_LENGTH = 8


class temp_path:  # noqa: N801 - used as a function
    """A context manager that gives a private path with nothing there yet, for a tool that makes the file itself.

        with scratchwork.temp_path(suffix=".tar") as path:
            subprocess.run(["tar", "-cf", path, "src"], check=True)

    It lies in a directory of its own, of mode 0700, which nobody else can put anything into; what is at the path, or
    beside it, when the block ends, is removed, be it a file or a directory. By default that directory lies in a
    workspace that this process has for such things, so that it goes with the next sweep if we are killed.

    `suffix`, `prefix`: of its name. `dir`: a directory in which that directory is to be, such as a workspace; if we are
    killed it goes with that. Raises ValueError for a prefix or suffix with a separator, '..' or NUL, and what
    `workspace` and `tempfile.TemporaryDirectory` raise. One object serves one block. A forked child that leaves the
    block removes nothing.
    """

    def __init__(
        self,
        suffix: str = "",
        prefix: str = "tmp",
        dir: str | os.PathLike[str] | None = None,  # noqa: A002 - tempfile's word
    ) -> None:
        self._suffix = harmless(suffix, "suffix")
        self._prefix = harmless(prefix, "prefix")
        self._dir = dir

    def __enter__(self) -> Path:
        from pathlib import Path

        self._folder = TemporaryDirectory(dir=_place(self._dir))
        return Path(os.fsdecode(self._folder.name), f"{self._prefix}{names.draw(_NAME_LENGTH)}{self._suffix}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._folder.cleanup()


class handoff:  # noqa: N801 - used as a function
    """A context manager that gives data to another program as a path: written, flushed and closed.

        with scratchwork.handoff({"depth": 3}, suffix=".json") as path:
            subprocess.run(["tool", "--config", path], check=True)

    Any process of this user can open it, on any platform; its mode is 0600. It is gone when the block ends, whatever
    happened in it, and with the next sweep if we are killed; so is what the program put in its place.

    data: bytes, str, an open file (what is left to read in it), or an iterable of chunks of bytes or of str; with a
        suffix that ends with ".json", a dict, list, tuple, number, bool or None is written as JSON. A str is written as
        it is.
    suffix: what the name ends with.
    encoding, newline: of str, as `open` has them.
    memory: never on a disk (but for swap): a file that lives in memory, with a path for as long as we have it open;
        also after kill -9 nothing of the data remains. With a suffix the path is a symlink to it, which lies as the
        file else would. Linux, with /proc; elsewhere OSError (EOPNOTSUPP) is raised, rather than a disk used.
    dir: a directory to put it in, such as a workspace, whose quota then counts it, and with which it goes if we are
        killed. By default a workspace that this process has for such things.

    Raises TypeError for data that can't be handed off, ValueError for a suffix with a separator, '..' or NUL, what
    `workspace` raises, OSError and QuotaExceeded if it can't be written, and whatever the iterable raises; nothing is
    left then. One object serves one block. A forked child that leaves the block removes nothing.
    """

    def __init__(
        self,
        data: Any,  # noqa: ANN401 - what can be handed off is said above
        suffix: str = "",
        encoding: str = "utf-8",
        newline: str | None = None,
        *,
        memory: bool = False,
        dir: str | os.PathLike[str] | None = None,  # noqa: A002 - tempfile's word
    ) -> None:
        self._suffix = harmless(suffix, "suffix")
        self._chunks = chunks_of(data, as_json=suffix.lower().endswith(".json"))
        self._encoding = encoding
        self._newline = newline
        self._memory = memory
        self._dir = dir
        self._path: str | None = None
        self._file: IO[Any] | None = None
        self._is_empty = True
        self._fd = -1
        self._maker = -1

    def __enter__(self) -> Path:
        path = self.begin()
        try:
            for chunk in self._chunks:
                self.append(chunk)
            self.finish()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        file, fd, self._fd = self._file, self._fd, -1
        path, self._path = self._path, None
        try:
            if file is not None and not file.closed:
                file.close()
        finally:
            if path is not None and self._maker == owning.process:
                _remove(path)
            if fd >= 0:
                os.close(fd)

    def begin(self) -> Path:
        """Make the file, empty yet, and return its path. For who has the chunks one by one; `__exit__` ends it."""
        from pathlib import Path

        if self._maker >= 0:
            raise RuntimeError("a hand-off serves one block: what it had to hand off is read")
        self._maker = owning.process
        try:
            return Path(self._make_in_memory() if self._memory else self._make())
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def _make(self) -> str:
        file = NamedTemporaryFile(suffix=self._suffix, dir=_place(self._dir), delete=False)
        self._file, self._path = file, os.fsdecode(file.name)
        return self._path

    def _make_in_memory(self) -> str:
        self._fd = memory_files.make()
        self._file = open(self._fd, "wb", closefd=False)  # noqa: SIM115 - closed in the end
        target = memory_files.path_of(self._fd)
        if not self._suffix:
            return target
        path = os.path.join(_place(self._dir), f"tmp{names.draw(_NAME_LENGTH)}{self._suffix}")
        os.symlink(target, path)
        self._path = path
        return path

    def append(self, chunk: Any) -> None:  # noqa: ANN401 - bytes or str
        """Write a chunk; what the first one is, bytes or str, all are. Raises TypeError if it is another."""
        assert self._file is not None
        if self._is_empty and isinstance(chunk, str):
            self._file = io.TextIOWrapper(self._file, self._encoding, newline=self._newline)
        self._is_empty = False
        self._file.write(chunk)

    def finish(self) -> None:
        """Write what is left, and close the file, which stays."""
        assert self._file is not None
        self._file.close()


def _place(dir: str | os.PathLike[str] | None) -> str:  # noqa: A002 - tempfile's word
    return os.fspath(standing()) if dir is None else os.path.abspath(dir)


def _remove(path: str) -> None:
    """Remove what has the name that we gave: what we made, or what a program put there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):  # unlink(2): EISDIR on Linux, EPERM elsewhere
        there = os.lstat(path)
        trees.remove_at(path, (there.st_dev, there.st_ino))
