"""The two ends of a publishing, each an open folder and a name in it, whatever becomes of the path meanwhile."""

from __future__ import annotations

import errno
import os
import stat
import sys

assert sys.platform != "win32"

from scratchwork.system.folders import Folder

from .closing import close_quietly
from .hidden import hidden_name
from .syncing import sync_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .attempts import Attempt

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Names in a folder can be changed without reading it (open(2)); only Linux has a descriptor for that.
_PASSAGE = getattr(os, "O_PATH", 0) | os.O_DIRECTORY | os.O_CLOEXEC
_MOST_LINKS = 40  # as the kernel: path_resolution(7)
_NAMELESS = frozenset({"", ".", ".."})


class OpenFolder(Folder):
    """A folder that may be led to by symlinks, relative to another folder's descriptor if one is given."""

    __slots__ = ()

    def __init__(self, path: str, within: OpenFolder | None = None, flags: int = _DIRECTORY) -> None:
        self.fd: int | None = None
        self.path = os.path.join(within.path, path) if within else path
        self.fd = os.open(path, flags, dir_fd=within.fd if within else None)
        status = self.status()
        self.device = status.st_dev
        self.owner = status.st_uid

    def find(self, name: str) -> os.stat_result | None:
        """Return the status of `name` in it, of a symlink itself; None if there is no such thing."""
        try:
            return self.status(name)
        except FileNotFoundError:
            return None


class Source:
    """What is to be published, held open. Close it."""

    __slots__ = ("attempt", "fd", "folder", "name", "status")

    def __init__(self, attempt: Attempt, path: str) -> None:
        """Raises CannotPublish if it is neither a regular file nor a directory, or can't be opened for reading."""
        self.attempt = attempt
        self.fd = -1
        head, self.name = _split(path)
        if self.name in _NAMELESS:
            raise attempt.refusal(errno.EINVAL, "the source's path doesn't end in its name", "give it by its name")
        with attempt.step("open the source"):
            self.folder = OpenFolder(head or ".", flags=_PASSAGE)
            self.status = self.folder.status(self.name)
        self._check_kind()
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _check_kind(self) -> None:
        mode = self.status.st_mode
        if stat.S_ISLNK(mode):
            raise self.attempt.refusal(errno.ELOOP, "the source is a symlink", "give what it leads to")
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            why = "the source is neither a regular file nor a directory"
            raise self.attempt.refusal(errno.EINVAL, why, "only those can be published")

    def _open(self) -> None:
        with self.attempt.step("open the source"):
            self.fd = self.folder.open(self.name, os.O_RDONLY | os.O_NONBLOCK)
            opened = os.fstat(self.fd)
        if not os.path.samestat(opened, self.status):
            raise self.attempt.refusal(errno.EBUSY, "the source was just swapped for something else", "try again")

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory; a regular file if not."""
        return stat.S_ISDIR(self.status.st_mode)

    def remains(self) -> bool:
        """Tell whether its name still leads to it."""
        found = self.folder.find(self.name)
        return found is not None and os.path.samestat(found, self.status)

    def check_removable(self) -> None:
        """Raise CannotPublish if its folder won't let go of it; asked before it is copied, since it can't be undone.

        Foresees what permissions, a sticky bit (unlink(2)) and a read-only mount say, not every reason there may be.
        """
        with self.attempt.step("look at the source"):
            sticky = self.folder.status().st_mode & stat.S_ISVTX
            ours = not sticky or os.geteuid() in (0, self.folder.owner, self.status.st_uid)
            allowed = ours and os.access(".", os.W_OK | os.X_OK, dir_fd=self.folder.fd)
        if not allowed:
            why = "the source can't be removed from its folder, so it could only be copied"
            raise self.attempt.refusal(errno.EACCES, why, "copy it to where you may write, and publish that")

    def close(self) -> None:
        """Close it; a second time is fine."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            close_quietly(fd)


class Destination:
    """Where it is to go.

    `status`: what has the name, as it was last looked at; None for nothing. `linked`: whether a symlink led there.
    `only_directory`: whether the path ended in a slash.
    """

    __slots__ = ("attempt", "folder", "linked", "name", "only_directory", "status")

    def __init__(self, attempt: Attempt, *, follow: bool) -> None:
        """Find it; with `follow`, a symlink of that name leads to the name to be published under."""
        self.attempt = attempt
        self.linked = False
        self.only_directory = attempt.destination.endswith(os.sep)
        head, self.name = _split(attempt.destination)
        self._check_name()
        self._go(head, None)
        for _ in range(_MOST_LINKS):
            self.look()
            if not (follow and self.is_symlink):
                return
            self._follow()
        raise attempt.refusal(errno.ELOOP, os.strerror(errno.ELOOP), "see where the symlinks lead to")

    @property
    def is_symlink(self) -> bool:
        """Whether a symlink has the name."""
        return self.status is not None and stat.S_ISLNK(self.status.st_mode)

    def look(self) -> None:
        """See what has the name now."""
        with self.attempt.step("look at the destination"):
            self.status = self.folder.find(self.name)

    def check(self, *, overwrite: bool, directory: bool) -> None:
        """Raise CannotPublish if what is there may not be replaced by a file, or by a directory."""
        if not overwrite and (self.linked or self.status is not None):
            raise self.attempt.exists()
        if not directory and self.only_directory:
            raise self.attempt.refusal(errno.EISDIR, "the destination's path ends in a slash", "name the file itself")
        if self.status is not None:
            self._check_kind(self.status.st_mode, directory)

    def hidden_name(self) -> str:
        """Return a name for a draft beside it."""
        return hidden_name(self.name)

    def sync_step(self) -> None:
        """Make the folder's entries last, once the thing is in place."""
        with self.attempt.step("sync the folder", in_place=True, advice="it may not survive a power cut"):
            sync_folder(self.folder)

    def _check_name(self) -> None:
        if self.name in _NAMELESS:
            why = "the destination's path doesn't end in a name"
            raise self.attempt.refusal(errno.EINVAL, why, "name the thing itself, not the folder it goes to")

    def _check_kind(self, mode: int, directory: bool) -> None:  # noqa: FBT001 - private
        if (stat.S_ISDIR if directory else stat.S_ISREG)(mode):
            return
        advice = "remove it first, or choose another name"
        if stat.S_ISDIR(mode):
            raise self.attempt.refusal(errno.EISDIR, "a directory has that name, which a file can't replace", advice)
        if directory:
            raise self.attempt.refusal(
                errno.ENOTDIR, "no directory has that name, so a directory can't replace it", advice
            )
        if stat.S_ISLNK(mode):
            raise self.attempt.refusal(errno.ELOOP, "a symlink has got that name meanwhile", "try again")
        why = "what has that name is no regular file (a device, a pipe or a socket), so it is not replaced"
        raise self.attempt.refusal(errno.EINVAL, why, advice)

    def _go(self, head: str, within: OpenFolder | None) -> None:
        with self.attempt.step("open the folder"):
            self.folder = OpenFolder(head or ".", within)

    def _follow(self) -> None:
        self._check_trusted()
        with self.attempt.step("look at the destination"):
            target = os.readlink(self.name, dir_fd=self.folder.fd)
        self.linked = True
        head, self.name = _split(target)
        self._check_name()
        self._go(head, self.folder)

    def _check_trusted(self) -> None:
        """Refuse what fs.protected_symlinks would (proc(5)), as it isn't asked where we follow ourselves.

        In a folder where everybody may make names, a symlink of another user's is a trap.
        """
        assert self.status is not None
        with self.attempt.step("look at the destination"):
            folder = self.folder.status()
        shared = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
        if shared and self.status.st_uid not in (os.geteuid(), folder.st_uid):
            why = "a symlink of another user's has that name, in a folder that is open to all"
            raise self.attempt.refusal(errno.EACCES, why, "choose another name")


def are_same_name(source: Source, destination: Destination) -> bool:
    """Tell whether both ends are one entry of one folder, by whatever path and mount.

    A file with several links is taken for two entries unless folder and name are the same; one entry whose name
    differs is the same in another case, on a file system that folds it, and may be renamed.
    """
    if destination.status is None or not os.path.samestat(source.status, destination.status):
        return False
    with source.attempt.step("look at the destination"):
        in_one_folder = os.path.samestat(source.folder.status(), destination.folder.status())
    if in_one_folder:
        return source.name == destination.name
    return source.is_directory or source.status.st_nlink == 1


def is_inside(folder: OpenFolder, directory: os.stat_result) -> bool:
    """Tell whether a folder is a directory or below it, as far up as we may look."""
    path, last = ".", None
    while True:
        try:
            status = os.stat(path, dir_fd=folder.fd)
        except PermissionError:
            return False
        if os.path.samestat(status, directory):
            return True
        if last is not None and os.path.samestat(status, last):
            return False
        path, last = f"{path}/..", status


def _split(path: str) -> tuple[str, str]:
    """Return a path's folder and its name, without slashes at its end."""
    return os.path.split(path.rstrip(os.sep))
