"""Handing data to another program as a path."""

from __future__ import annotations

import io
import os

from scratchwork.files.making import harmless
from scratchwork.files.pouring import chunks_of
from scratchwork.roots.default import workspace
from scratchwork.roots.quota import open_in
from scratchwork.system import memory_files, names
from scratchwork.tempfile import TemporaryDirectory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import IO, Any

    from scratchwork.roots.workspace import Workspace

    Folder = Workspace | TemporaryDirectory

_NAME_LENGTH = 8


class temp_path:  # noqa: N801 - used as a function
    """A context manager that gives a private path with nothing there yet, for a tool that makes the file itself.

        with scratchwork.temp_path(suffix=".tar") as path:
            subprocess.run(["tar", "-cf", path, "src"], check=True)

    It lies in a directory of its own, of mode 0700, which nobody else can put anything into; what is at the path, or
    beside it, when the block ends, is removed, be it a file or a directory. By default that directory is a workspace of
    its own, so that it goes with the next sweep if we are killed.

    `suffix`, `prefix`: of its name. `dir`: a directory in which that directory is to be, such as a workspace; then it
    goes with that. Raises ValueError for a prefix or suffix with a separator, '..' or NUL, and what `workspace` and
    `tempfile.TemporaryDirectory` raise. One object serves one block. A forked child that leaves the block removes
    nothing.
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
        self._folder: Folder | None = None

    def __enter__(self) -> Path:
        from pathlib import Path

        self._folder = _folder(self._dir, "temp-path")
        return Path(os.fsdecode(self._folder), f"{self._prefix}{names.draw(_NAME_LENGTH)}{self._suffix}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._folder is not None:
            self._folder.cleanup()


class handoff:  # noqa: N801 - used as a function
    """A context manager that gives data to another program as a path: written, flushed and closed.

        with scratchwork.handoff({"depth": 3}, suffix=".json") as path:
            subprocess.run(["tool", "--config", path], check=True)

    Any process of this user can open it, on any platform; it is of no use to others. It is gone when the block ends,
    whatever happened in it, and with the next sweep if we are killed.

    data: bytes, str, an open file (what is left to read in it), or an iterable of chunks of bytes or of str; with the
        suffix ".json", a dict, list, tuple, number, bool or None is written as JSON. A str is written as it is.
    suffix: what the name ends with.
    encoding, newline: of str, as `open` has them.
    memory: never on a disk (but for swap): a file that lives in memory, with a path for as long as we have it open;
        also after kill -9 nothing of the data remains. With a suffix the path is a symlink to it, which lies as the
        file else would. Linux, with /proc; elsewhere OSError (EOPNOTSUPP) is raised, rather than a disk used.
    dir: a directory to put it in, such as a workspace, whose quota then counts it. By default a workspace of its own.

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
        self._chunks = chunks_of(data, as_json=suffix.lower() == ".json")
        self._encoding = encoding
        self._newline = newline
        self._memory = memory
        self._dir = dir
        self._folder: Folder | None = None
        self._file: IO[Any] | None = None
        self._is_empty = True
        self._fd = -1

    def __enter__(self) -> Path:
        try:
            path = self.begin()
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
        try:
            if file is not None and not file.closed:
                file.close()
        finally:
            if self._folder is not None:
                self._folder.cleanup()
            if fd >= 0:
                os.close(fd)

    def begin(self) -> Path:
        """Make the file, empty yet, and return its path. For who has the chunks one by one; `__exit__` ends it."""
        from pathlib import Path

        if not self._memory:
            path = self._make_path()
            self._file = open_in(os.path.dirname(path), path, "xb")
            return Path(path)
        self._fd = memory_files.make()
        path = target = memory_files.path_of(self._fd)
        self._file = open(self._fd, "wb", closefd=False)  # noqa: SIM115 - closed in the end
        if self._suffix:
            path = self._make_path()
            os.symlink(target, path)
        return Path(path)

    def append(self, chunk: Any) -> None:  # noqa: ANN401 - bytes or str
        """Write a chunk; what the first one is, bytes or str, all are. Raises TypeError if it is another."""
        if self._is_empty and isinstance(chunk, str):
            assert self._file is not None
            self._file = io.TextIOWrapper(self._file, self._encoding, newline=self._newline)
        self._is_empty = False
        assert self._file is not None
        self._file.write(chunk)

    def finish(self) -> None:
        """Write what is left, and close the file, which stays."""
        assert self._file is not None
        self._file.close()

    def _make_path(self) -> str:
        self._folder = _folder(self._dir, "handoff")
        return os.path.join(os.fsdecode(self._folder), f"data{self._suffix}")


def _folder(dir: str | os.PathLike[str] | None, label: str) -> Folder:  # noqa: A002 - tempfile's word
    """Make a directory that nobody else can put anything into."""
    return workspace(label) if dir is None else TemporaryDirectory(dir=os.fspath(dir))
