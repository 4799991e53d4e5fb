"""Directories that are removed with all that is in them, unless they are kept or published."""

from __future__ import annotations

import os
import sys

from scratchwork.files import owning
from scratchwork.files.owning import Owned, disown, own, owns, warn_of_another, warn_of_forgotten
from scratchwork.system import trees
from scratchwork.system.publishing import publish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Any

    from scratchwork.system.trees import Failure


class OwnedDirectory(Owned):
    """A directory that is removed when the block ends, when the object is collected, or when the process exits.

    Removed by the process that made it alone, and only if the name still leads to the directory that was made: if
    not, what has the name is left alone, with a RuntimeWarning. Removing follows no symlink, however deep the tree
    and whoever swaps what in it meanwhile. After kill -9 it goes with the workspace that it lies in.
    """

    name: str | bytes
    """Its absolute path."""

    def _take(self, path: str | bytes, status: os.stat_result, *, delete: bool, ignore_cleanup_errors: bool) -> None:
        self.name = self._path = path
        self._status = status
        self._delete = delete
        self._ignore_cleanup_errors = ignore_cleanup_errors
        self._maker = owning.process
        if delete:
            own(self)

    def publish(
        self,
        destination: str | os.PathLike[str],
        overwrite: bool = True,
        durable: bool = True,
        mode: int | None = None,
        *,
        inherit: bool = False,
    ) -> Path:
        """Move the directory to where it belongs, atomically, as `scratchwork.publish` does.

        Raises CannotPublish and DestinationExists, after which it is as before.
        """
        path = publish(
            os.fsdecode(self._path), destination, overwrite=overwrite, durable=durable, mode=mode, inherit=inherit
        )
        self.delete = False
        return path

    def cleanup(self) -> None:
        """Remove the directory and all that is in it, now, whatever `delete` says. Once is enough.

        Raises OSError, of the kind and with the path of the first thing that can't be removed, unless errors are to
        be ignored; the rest is removed all the same. In a forked child it does nothing.
        """
        disown(self)
        if self._maker == owning.process:
            self._remove()

    def remove_forgotten(self) -> None:
        """Remove the directory, since the process ends."""
        self._remove()
        warn_of_forgotten(repr(self))

    def _remove(self) -> None:
        path, made = self._path, self._status
        try:
            there = os.lstat(path)
            if there.st_ino == made.st_ino and there.st_dev == made.st_dev:
                if trees.remove_empty(path, None):
                    return
                removal = trees.remove_at(os.fsdecode(path), (made.st_dev, made.st_ino))
                if removal is not None:
                    self._report(removal.failures)
                    return
            warn_of_another(path)
        except FileNotFoundError:
            return
        except OSError:
            if not self._ignore_cleanup_errors:
                raise

    def _report(self, failures: list[Failure]) -> None:
        if failures:
            first = failures[0]
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            path = os.path.join(os.fsdecode(self._path), first.path) if first.path else self._path
            raise OSError(first.errno, first.reason + more, path)

    def __enter__(self) -> str | bytes:
        return self.name

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._delete:
            self.cleanup()

    def __del__(self, _is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not _is_finalizing() and disown(self):  # else all is removed, and our modules may be empty
            self.remove_forgotten()

    def __fspath__(self) -> Any:
        return self._path

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def _finalizer(self) -> _Finalizer:
        return _Finalizer(self)


class _Finalizer:
    """What programs reach for to keep a `tempfile.TemporaryDirectory`: `directory._finalizer.detach()`."""

    __slots__ = ("_directory",)

    def __init__(self, directory: OwnedDirectory) -> None:
        self._directory = directory

    @property
    def alive(self) -> bool:
        """Whether the directory is still to be removed."""
        return owns(self._directory)

    def detach(self) -> bool:
        """Keep the directory; return whether it was to be removed."""
        return disown(self._directory)
