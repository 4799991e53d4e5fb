"""Copying a file's content with the kernel's help, from one descriptor to another, with its holes."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform != "win32"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Helper = tuple[Callable[[int, int, int, int], int], frozenset[int]]
    """Copies some of (source, target, start, count) and says how much; and the errors that say that it can't."""

_AT_ONCE = 1 << 26  # 64 MiB a call, so that a signal need not wait long
_BUFFER = 1 << 20
# copy_file_range(2): a kernel before 4.5 or a filter of system calls (ENOSYS, EPERM); before 5.3 or two types of file
# system (EXDEV); a file system that can't (EINVAL, EOPNOTSUPP); a swap file or the like (ETXTBSY) is left to read(2).
_NO_COPY_FILE_RANGE = frozenset({errno.ENOSYS, errno.EPERM, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.ETXTBSY})
_NO_SENDFILE = frozenset({errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.EOPNOTSUPP})  # sendfile(2), see NOTES
_NO_SEEK_DATA = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS})  # lseek(2), and what some file systems say

if sys.platform == "linux":

    def _copy_file_range(source: int, target: int, start: int, count: int) -> int:
        return os.copy_file_range(source, target, count, start, start)

    def _sendfile(source: int, target: int, start: int, count: int) -> int:
        os.lseek(target, start, os.SEEK_SET)
        return os.sendfile(target, source, start, count)

    _HELPERS: tuple[Helper, ...] = ((_copy_file_range, _NO_COPY_FILE_RANGE), (_sendfile, _NO_SENDFILE))
else:
    _HELPERS = ()  # macOS sends only to sockets


def copy(source: int, target: int) -> None:
    """Copy the content of a regular file into an empty one that is open for writing.

    The offset of the source's descriptor is as before. Raises OSError; EBUSY if somebody wrote to the source
    meanwhile, since nobody could say what was copied.
    """
    before = os.fstat(source)
    size = before.st_size
    helpers: list[Helper] = list(_HELPERS)
    for start, end in _pieces(source, size):
        _copy_piece(source, target, start, end, helpers)
    os.ftruncate(target, size)  # a hole at the end
    after = os.fstat(source)
    if (after.st_size, after.st_mtime_ns) != (size, before.st_mtime_ns):
        raise OSError(errno.EBUSY, "somebody wrote to the source while it was copied")


def _pieces(source: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of what is no hole; all of it where holes can't be told."""
    if not hasattr(os, "SEEK_DATA"):
        yield 0, size
        return
    offset = os.lseek(source, 0, os.SEEK_CUR)
    try:
        end = 0
        while end < size:
            start, end = _next_piece(source, end, size)
            yield start, end
    finally:
        os.lseek(source, offset, os.SEEK_SET)


def _next_piece(source: int, start: int, size: int) -> tuple[int, int]:
    try:
        data = os.lseek(source, start, os.SEEK_DATA)
        return data, min(os.lseek(source, data, os.SEEK_HOLE), size)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nothing but a hole from there to the end
            return size, size
        if error.errno not in _NO_SEEK_DATA:
            raise
    return start, size


def _copy_piece(
    source: int,
    target: int,
    start: int,
    end: int,
    helpers: list[Helper],
) -> None:
    """Copy from `start` to `end`, by the first of `helpers` that can; those that can't are taken out."""
    while helpers:
        copied, unsupported = helpers[0]
        try:
            while start < end and (count := copied(source, target, start, min(end - start, _AT_ONCE))):
                start += count
        except OSError as error:
            if error.errno not in unsupported:
                raise
        if start >= end:
            return
        del helpers[0]  # none copied is as good as an error: some kernels copy nothing, silently (copy_file_range(2))
    _read_and_write(source, target, start, end)


def _read_and_write(source: int, target: int, start: int, end: int) -> None:
    while start < end:
        data = os.pread(source, min(end - start, _BUFFER), start)
        if not data:
            raise OSError(errno.EBUSY, "somebody shortened the source while it was copied")
        while data:
            count = os.pwrite(target, data, start)
            data = data[count:]
            start += count
