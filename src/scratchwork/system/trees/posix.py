"""Trees by way of directory descriptors."""

from __future__ import annotations

import errno
import os
import sys
import time

assert sys.platform != "win32"

from .descent import CrossesDevice, Descent, Moved
from .emptying import remove_empty
from .facts import Removal, Usage
from .mending import make_writable, open_unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchwork.system.folders import Folder

_IS_DIRECTORY = frozenset({errno.EISDIR, errno.EPERM})  # unlink(2): Linux says the first, POSIX the second
_NO_DIRECTORY = frozenset({errno.ENOTDIR, errno.ELOOP})  # a symlink, or something else
_NO_PERMISSION = frozenset({errno.EACCES, errno.EPERM})
_MOST_REPEATS = 64  # how often a removal goes back for what somebody made or moved meanwhile
_FOREVER = float("inf")
_ENTERED = 0o500  # what its owner needs to look into a directory
_KIND, _REGULAR = 0o170000, 0o100000  # stat.S_IFMT, stat.S_IFREG


def walk(top: int) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield (path of its directory within the tree, entry) for everything below the directory open as `top`.

    A directory's entries come before those of its subdirectories. An entry's `stat()` works until the next is
    asked for, where we may look at it. What cannot be entered, stands on another device or is moved away meanwhile
    is left out.
    """
    descent = Descent(top)
    try:
        yield from _entries(descent)
        while True:
            if descent.current.pending:
                if _entered(descent, descent.current.pending.pop()):
                    yield from _entries(descent)
            elif len(descent.levels) == 1:
                return
            else:
                descent.leave()
    except Moved:
        return
    finally:
        descent.close()


def measure(top: int, *, deadline: float = _FOREVER) -> Usage:
    """Return what the tree below the directory open as `top` takes.

    What `walk` leaves out, and what we may not look at, is not counted; a directory of ours is told as `Usage.shut`.
    Raises TimeoutError when `time.monotonic()` passes `deadline`.
    """
    usage = Usage()
    linked: set[int] = set()
    for folder, entry in walk(top):
        if time.monotonic() > deadline:
            raise TimeoutError
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        except PermissionError:  # it can be listed, and no more
            usage.shut = usage.shut or _shut(top, folder)
            continue
        if entry.is_dir(follow_symlinks=False):
            usage.directories += 1
            if status.st_mode & _ENTERED != _ENTERED:
                usage.shut = usage.shut or _shut(top, f"{folder}/{entry.name}" if folder else entry.name)
        else:
            usage.files += 1
            if status.st_nlink > 1:
                if status.st_ino in linked:
                    continue
                linked.add(status.st_ino)
            if status.st_mode & _KIND == _REGULAR:
                usage.length += status.st_size
        usage.bytes += status.st_blocks * 512
    return usage


def _shut(top: int, folder: str) -> str:
    """Return the path of a directory in a tree, '.' for its top, if it is ours and we can't look into it; else ''."""
    path = folder or os.curdir
    try:
        ours = os.stat(path, dir_fd=top, follow_symlinks=False).st_uid == os.geteuid()
        # With dir_fd '.' needs what any other name needs: that the directory can be searched.
        inside = os.path.join(path, os.curdir)
        may_list = os.access(path, os.R_OK, dir_fd=top, effective_ids=os.access in os.supports_effective_ids)
        return path if ours and not (may_list and os.access(inside, os.F_OK, dir_fd=top)) else ""
    except PermissionError:  # not even its own status can be had: the directory above is shut, which is told of that
        return path if folder == "" else ""
    except OSError:
        return ""  # it has gone


def remove(name: str, dir_fd: int | None, top: int, *, deadline: float = _FOREVER) -> Removal:
    """Remove the directory `name` in `dir_fd`, which is open as `top`, and all that is in it.

    Stops when `time.monotonic()` passes `deadline`. Never raises OSError: what can't be removed is told in the
    result and the rest is removed.
    """
    removal = Removal()
    removing = _Removing(top, removal, deadline)
    try:
        repeats = _MOST_REPEATS
        while not (removal.failures or removal.ran_out_of_time or remove_empty(name, dir_fd)):
            if repeats == 0:
                removal.failed("", _not_empty(), "somebody keeps making files in it")
            else:
                repeats -= 1
                removing.empty()
    except OSError as error:
        removal.failed("", error)
    removal.complete = not removal.failures and not removal.ran_out_of_time
    return removal


def measure_in(folder: Folder, name: str, *, deadline: float = _FOREVER) -> Usage:
    """Return what the directory `name` of a folder takes. Raises OSError if it can't be opened, and TimeoutError."""
    top = folder.open(name, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return measure(top, deadline=deadline)
    finally:
        os.close(top)


def remove_in(folder: Folder, name: str, *, deadline: float = _FOREVER) -> Removal:
    """Remove the directory `name` of a folder, as `remove` does; one that is not there is fine."""
    removal = Removal()
    try:
        try:
            top = folder.open(name, os.O_RDONLY | os.O_DIRECTORY)
        except PermissionError:
            top = open_unreadable(name, folder.fd)
    except FileNotFoundError:
        removal.complete = True
        return removal
    except OSError as error:
        removal.failed("", error)
        return removal
    try:
        return remove(name, folder.fd, top, deadline=deadline)
    finally:
        os.close(top)


def remove_at(path: str, identity: tuple[int, int]) -> Removal | None:
    """Remove the directory at `path` if it has that device and inode; None if another one has the name by now."""
    removal = Removal()
    try:
        try:
            top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except PermissionError:
            top = open_unreadable(path, None)
    except FileNotFoundError:
        removal.complete = True
        return removal
    except OSError as error:
        if error.errno in _NO_DIRECTORY:
            return None
        removal.failed("", error)
        return removal
    try:
        status = os.fstat(top)
        return remove(path, None, top) if (status.st_dev, status.st_ino) == identity else None
    finally:
        os.close(top)


def _entries(descent: Descent) -> Iterator[tuple[str, os.DirEntry[str]]]:
    level, where = descent.current, descent.path()
    try:
        scan = descent.scan()
    except OSError:
        return
    with scan:
        for entry in scan:
            if entry.is_dir(follow_symlinks=False):
                level.pending.append(entry.name)
            yield where, entry


def _entered(descent: Descent, name: str) -> bool:
    try:
        descent.enter(name)
    except (OSError, CrossesDevice):
        return False
    return True


class _Removing:
    """One removal under way: what it counts, what it could not do, and until when it may go on."""

    __slots__ = ("deadline", "removal", "repeats", "top")

    def __init__(self, top: int, removal: Removal, deadline: float) -> None:
        self.top = top
        self.removal = removal
        self.deadline = deadline
        self.repeats = _MOST_REPEATS

    def empty(self) -> None:
        """Remove what is below the top, once over."""
        descent = Descent(self.top)
        try:
            self._drop_files(descent)
            while not self._out_of_time():
                if descent.current.pending:
                    self._drop_subdirectory(descent, descent.current.pending.pop())
                elif len(descent.levels) == 1:
                    return
                else:
                    self._leave(descent)
        except Moved:
            return  # the caller starts again from the top
        finally:
            descent.close()

    def _out_of_time(self) -> bool:
        if time.monotonic() > self.deadline:
            self.removal.ran_out_of_time = True
        return self.removal.ran_out_of_time

    def _drop_files(self, descent: Descent) -> None:
        level, fd, deadline = descent.current, descent.fd, self.deadline
        files = size = 0
        try:
            scan = descent.scan()
        except OSError as error:
            self._failed(descent, "", error)
            return
        with scan:
            for entry in scan:
                if time.monotonic() > deadline:
                    self.removal.ran_out_of_time = True
                    break
                if entry.is_dir(follow_symlinks=False):
                    level.pending.append(entry.name)
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                    os.unlink(entry.name, dir_fd=fd)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    again = self._unlink_anyhow(descent, entry.name, error)
                    if again is None:
                        continue
                    status = again
                files += 1
                if status.st_nlink == 1:
                    size += status.st_blocks * 512
        self.removal.usage.files += files
        self.removal.usage.bytes += size

    def _unlink_anyhow(self, descent: Descent, name: str, error: OSError) -> os.stat_result | None:
        """Try again after a mode was mended, and return what was removed; take what became a directory for one."""
        try:
            if error.errno in _NO_PERMISSION and make_writable(descent.fd):
                status = os.stat(name, dir_fd=descent.fd, follow_symlinks=False)
                os.unlink(name, dir_fd=descent.fd)
                return status
        except FileNotFoundError:
            return None
        except OSError as again:
            error = again
        if error.errno in _IS_DIRECTORY and _is_directory(name, descent.fd):
            descent.current.pending.append(name)
        else:
            self._failed(descent, name, error)
        return None

    def _drop_subdirectory(self, descent: Descent, name: str) -> None:
        try:
            if self._drop_empty(descent, name):
                self.removal.usage.directories += 1
                return
            descent.enter(name, mend=True)
        except FileNotFoundError:
            return
        except NotADirectoryError:
            self._drop_swapped(descent, name)
        except CrossesDevice:
            self._failed(descent, name, _busy(), "another file system is mounted there")
        except OSError as error:
            if error.errno == errno.ELOOP:
                self._drop_swapped(descent, name)
            elif error.errno == errno.EBUSY:
                self._failed(descent, name, error, "something is mounted there")
            else:
                self._failed(descent, name, error)
        else:
            self._drop_files(descent)

    def _drop_empty(self, descent: Descent, name: str) -> bool:
        try:
            return remove_empty(name, descent.fd)
        except OSError as error:
            if error.errno not in _NO_PERMISSION or not make_writable(descent.fd):
                raise
        return remove_empty(name, descent.fd)

    def _drop_swapped(self, descent: Descent, name: str) -> None:
        """Remove what was a directory when it was listed and is none any more."""
        try:
            os.unlink(name, dir_fd=descent.fd)
        except FileNotFoundError:
            return
        except OSError as error:
            self._failed_unless_repeated(descent, name, error)
        else:
            self.removal.usage.files += 1

    def _leave(self, descent: Descent) -> None:
        blocked = descent.current.blocked
        name = descent.leave()
        if blocked:
            descent.current.blocked = True
            return
        try:
            if self._drop_empty(descent, name):
                self.removal.usage.directories += 1
                return
            error = _not_empty()
        except OSError as refused:
            error = refused
        self._failed_unless_repeated(descent, name, error)

    def _failed_unless_repeated(self, descent: Descent, name: str, error: OSError) -> None:
        if self.repeats > 0:
            self.repeats -= 1
            descent.current.pending.append(name)
        else:
            self._failed(descent, name, error)

    def _failed(self, descent: Descent, name: str, error: OSError, reason: str = "") -> None:
        descent.current.blocked = True
        self.removal.failed(descent.path(name), error, reason)


def _not_empty() -> OSError:
    return OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))


def _busy() -> OSError:
    return OSError(errno.EBUSY, os.strerror(errno.EBUSY))


def _is_directory(name: str, dir_fd: int) -> bool:
    try:
        mode = os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_mode
    except OSError:
        return False
    return mode & 0o170000 == 0o040000
