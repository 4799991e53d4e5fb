"""Publishing where directories have no descriptors. Type-checked only: not run on Windows yet.

An open file can't be renamed there, so a draft's descriptor is closed by its commit. A directory replaces no other,
since nothing swaps two names; modes, owners and ACLs are left to Windows, `mode` tells read-only from writable, and
`inherit` is refused. A folder can't be synced.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

assert sys.platform == "win32"

from scratchwork.system import renaming, trees
from scratchwork.system.folders import Folder

from .attempts import Attempt
from .hidden import hidden_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_MAKING = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_BINARY | os.O_NOINHERIT
_BUFFER = 1 << 20


class Draft:
    """A hidden file beside its destination, which `commit` puts in place, or `discard` drops."""

    __slots__ = ("_attempt", "_hidden", "_place", "fd")

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._place = _Place(attempt)
        self._hidden: str | None = hidden_name(self._place.name)
        with attempt.step("open a draft"):
            self.fd = os.open(self._place.folder.at(self._hidden), _MAKING, 0o600)

    def commit(
        self, *, overwrite: bool = True, durable: bool = True, mode: int | None = None, inherit: bool = False
    ) -> Path:
        """Put it in place and close its descriptor; return the destination's path. Raises CannotPublish."""
        assert self._hidden is not None
        try:
            self._place.check(self._attempt, overwrite=overwrite, inherit=inherit)
            with self._attempt.step("sync"):
                if durable:
                    os.fsync(self.fd)
            self._close_descriptor()
            self._place.put(self._attempt, self._place.folder, self._hidden, overwrite=overwrite, mode=mode)
        except BaseException:
            self.close()
            raise
        self._hidden = None
        return _as_path(self._attempt)

    def discard(self) -> None:
        """Drop it, if it is not in place, and close its descriptor."""
        self._close_descriptor()
        hidden, self._hidden = self._hidden, None
        if hidden is not None:
            self._place.folder.unlink(hidden)

    close = discard

    def _close_descriptor(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


class _Place:
    """A folder and the name in it."""

    __slots__ = ("folder", "name")

    def __init__(self, attempt: Attempt) -> None:
        head, self.name = os.path.split(os.path.realpath(attempt.destination))
        with attempt.step("open the folder"):
            self.folder = Folder(head)

    def check(self, attempt: Attempt, *, overwrite: bool, inherit: bool) -> None:
        if inherit:
            raise attempt.refusal(errno.ENOTSUP, "what a file has can't be inherited on Windows", "leave inherit out")
        if not overwrite and os.path.lexists(attempt.destination):
            raise attempt.exists()

    def put(self, attempt: Attempt, folder: Folder, name: str, *, overwrite: bool, mode: int | None) -> None:
        if mode is not None:
            with attempt.step("set the mode"):
                os.chmod(folder.at(name), mode)
        with attempt.step("rename"):
            if overwrite:
                os.replace(folder.at(name), self.folder.at(self.name))
            else:
                renaming.rename_new(folder, name, self.folder, self.name)


def open_draft(destination: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> Draft:
    """Return an empty draft of what is to be published at `destination`. Raises CannotPublish."""
    return Draft(Attempt(None, os.fsdecode(destination)))


def publish(
    source: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    destination: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    overwrite: bool = True,  # noqa: FBT001, FBT002 - as elsewhere
    durable: bool = True,  # noqa: FBT001, FBT002
    mode: int | None = None,
    *,
    inherit: bool = False,
) -> Path:
    """Move a finished file or directory to where it belongs, in one step where that can be; see `moving.publish`."""
    attempt = Attempt(os.fsdecode(source), os.fsdecode(destination))
    place = _Place(attempt)
    place.check(attempt, overwrite=overwrite, inherit=inherit)
    head, name = os.path.split(os.path.abspath(os.fsdecode(source)))
    with attempt.step("open the source"):
        folder = Folder(head)
        status = folder.status(name)
    if stat.S_ISDIR(status.st_mode) and place.folder.device != folder.device:
        _copy_directory(attempt, folder, name, place, overwrite=overwrite, mode=mode)
    elif place.folder.device != folder.device:
        _copy_file(attempt, folder, name, overwrite=overwrite, durable=durable, mode=mode)
    else:
        place.put(attempt, folder, name, overwrite=overwrite, mode=mode)
    return _as_path(attempt)


def publish_descriptor(
    fd: int,
    destination: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    overwrite: bool = True,  # noqa: FBT001, FBT002 - as elsewhere
    durable: bool = True,  # noqa: FBT001, FBT002
    mode: int | None = None,
    *,
    inherit: bool = False,
) -> Path:
    """Publish a copy of an open file: on Windows no file is without a name."""
    attempt = Attempt(None, os.fsdecode(destination))
    offset = os.lseek(fd, 0, os.SEEK_CUR)
    try:
        os.lseek(fd, 0, os.SEEK_SET)
        return _publish_copy(attempt, fd, overwrite=overwrite, durable=durable, mode=mode, inherit=inherit)
    finally:
        os.lseek(fd, offset, os.SEEK_SET)


def _publish_copy(
    attempt: Attempt, fd: int, *, overwrite: bool, durable: bool, mode: int | None, inherit: bool = False
) -> Path:
    draft = Draft(attempt)
    try:
        with attempt.step("copy"):
            while data := os.read(fd, _BUFFER):
                while data:
                    data = data[os.write(draft.fd, data) :]
        return draft.commit(overwrite=overwrite, durable=durable, mode=mode, inherit=inherit)
    finally:
        draft.close()


def _copy_file(
    attempt: Attempt, folder: Folder, name: str, *, overwrite: bool, durable: bool, mode: int | None
) -> None:
    with attempt.step("open the source"):
        fd = os.open(folder.at(name), os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT)
    try:
        _publish_copy(attempt, fd, overwrite=overwrite, durable=durable, mode=mode)
    finally:
        os.close(fd)
    with attempt.step("remove the source", in_place=True, advice="the source is still there: remove it"):
        os.unlink(folder.at(name))


def _copy_directory(
    attempt: Attempt, folder: Folder, name: str, place: _Place, *, overwrite: bool, mode: int | None
) -> None:
    import shutil

    hidden = hidden_name(place.name)
    try:
        with attempt.step("copy"):
            shutil.copytree(folder.at(name), place.folder.at(hidden), symlinks=True)
        place.put(attempt, place.folder, hidden, overwrite=overwrite, mode=mode)
    except BaseException:
        trees.remove_in(place.folder, hidden)
        raise
    with attempt.step("remove the source", in_place=True, advice="remove what is left of it"):
        removal = trees.remove_in(folder, name)
        if not removal.complete:
            raise OSError(removal.failures[0].errno or errno.EIO, str(removal.failures[0]))


def _as_path(attempt: Attempt) -> Path:
    from pathlib import Path

    return Path(attempt.destination)
