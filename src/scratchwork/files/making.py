"""Making a file or a directory that nobody else has, with exactly the mode that was asked for."""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_PERMISSIONS = 0o600
FOLDER_PERMISSIONS = 0o700
_MOST_TRIES: int = getattr(os, "TMP_MAX", 10000)
_SEPARATORS = tuple(separator for separator in (os.sep, os.altsep) if separator)


def make_file(
    folder: str, prefix: str, names: Iterator[str], suffix: str, flags: int, permissions: int
) -> tuple[int, str, os.stat_result]:
    """Make a file under the first of `names` that is free; return its descriptor, path and status.

    Raises FileExistsError if none is, and OSError.
    """
    before = _before(folder, prefix)
    for _ in range(_MOST_TRIES):
        path = before + next(names) + suffix
        sys.audit("tempfile.mkstemp", path)
        try:
            descriptor = os.open(path, flags, permissions)
        except FileExistsError:
            continue
        except PermissionError:
            if _is_taken_on_windows(folder):
                continue
            raise
        try:
            status = os.fstat(descriptor)
            if status.st_mode & 0o777 != permissions and sys.platform != "win32":
                os.fchmod(descriptor, permissions)  # an unusual umask
        except BaseException:
            os.close(descriptor)
            os.unlink(path)
            raise
        return descriptor, path, status
    raise FileExistsError(errno.EEXIST, "No usable temporary file name found")


def make_folder(
    folder: str, prefix: str, names: Iterator[str], suffix: str, permissions: int
) -> tuple[str, os.stat_result]:
    """Make a directory under the first of `names` that is free; return its path and status.

    Raises FileExistsError if none is, and OSError.
    """
    before = _before(folder, prefix)
    for _ in range(_MOST_TRIES):
        path = before + next(names) + suffix
        sys.audit("tempfile.mkdtemp", path)
        try:
            os.mkdir(path, permissions)
        except FileExistsError:
            continue
        except PermissionError:
            if _is_taken_on_windows(folder):
                continue
            raise
        try:
            status = os.lstat(path)
            if status.st_mode & 0o777 != permissions and sys.platform != "win32":
                os.chmod(path, status.st_mode & 0o7000 | permissions)  # an unusual umask
        except BaseException:
            os.rmdir(path)
            raise
        return path, status
    raise FileExistsError(errno.EEXIST, "No usable temporary directory name found")


def harmless(part: str | bytes | os.PathLike[str] | os.PathLike[bytes], what: str) -> str:
    """Return a prefix or suffix as str. Raises ValueError for one that would lead out of the folder."""
    text = os.fsdecode(part)
    if "\0" in text or ".." in text or any(separator in text for separator in _SEPARATORS):
        raise ValueError(f"a {what} has no separator, '..' or NUL in it, since it would lead elsewhere: {text!r}")
    return text


def _before(folder: str, prefix: str) -> str:
    """Return what the paths to try begin with."""
    return folder + prefix if folder.endswith(_SEPARATORS) else f"{folder}{os.sep}{prefix}"


def _is_taken_on_windows(folder: str) -> bool:
    """Whether 'permission denied' means that a directory has that name, which is what Windows says then."""
    return sys.platform == "win32" and os.path.isdir(folder) and os.access(folder, os.W_OK)
