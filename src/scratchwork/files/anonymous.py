"""Files without a name: gone when they are closed, also by kill -9, unless they are kept or published."""

from __future__ import annotations

import errno
import io
import os
import sys

from scratchwork.files.making import FILE_PERMISSIONS
from scratchwork.files.opening import Kinds, open_with, usual_buffer
from scratchwork.system import names
from scratchwork.system.publishing import publish_descriptor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from scratchwork.files.metering import Meters

_UNNAMED = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_TMPFILE", os.O_CREAT)
# A file system that can't, or a kernel before 3.11 (open(2)); what else these may mean, making a named file will tell.
_NO_TMPFILE = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL})


class Nameless:
    """What an open file without a name can do besides: stay."""

    __slots__ = ()

    if TYPE_CHECKING:
        home: Any
        """The folder in which the file gets its name."""

        def close(self) -> None: ...
        def flush(self) -> None: ...
        def fileno(self) -> int: ...

    def keep(self) -> Path:
        """Give the file a name in its folder, under which it stays, and return its path.

        The file stays open and can be written further. Its mode is 0600. Raises CannotPublish, after which it has no
        name yet. Inside a workspace it stays as long as the workspace does.
        """
        self.flush()
        path = os.path.join(os.fsdecode(self.home), f"tmp{names.draw()}")
        return publish_descriptor(self.fileno(), path, overwrite=False, durable=False, mode=FILE_PERMISSIONS)

    def publish(
        self,
        destination: str | os.PathLike[str],
        overwrite: bool = True,
        durable: bool = True,
        mode: int | None = None,
        *,
        inherit: bool = False,
    ) -> Path:
        """Move the content to where it belongs, atomically, as `scratchwork.publish` does; then close the file.

        Raises CannotPublish and DestinationExists, after which the file is open as before.
        """
        self.flush()
        path = publish_descriptor(
            self.fileno(), destination, overwrite=overwrite, durable=durable, mode=mode, inherit=inherit
        )
        self.close()
        return path


class _Opened(Nameless):
    """A file object over a file without a name."""

    __slots__ = ()

    def fileno(self) -> int:
        """Return the descriptor, of a file whose mode is 0600 also where the umask is an unusual one.

        Done here since nobody can open the file by name: only who has the descriptor can see its mode.
        """
        descriptor: int = super().fileno()
        if sys.platform != "win32" and os.fstat(descriptor).st_mode & 0o777 != FILE_PERMISSIONS:
            os.fchmod(descriptor, FILE_PERMISSIONS)
        return descriptor


class AnonymousRaw(_Opened, io.FileIO):
    """An unbuffered file without a name."""


class AnonymousReader(_Opened, io.BufferedReader):
    """A file without a name, to read."""


class AnonymousWriter(_Opened, io.BufferedWriter):
    """A file without a name, to write."""


class AnonymousRandom(_Opened, io.BufferedRandom):
    """A file without a name, to read and write."""


class AnonymousText(_Opened, io.TextIOWrapper):
    """A text file without a name."""


_KINDS = Kinds(AnonymousRaw, AnonymousReader, AnonymousWriter, AnonymousRandom, AnonymousText)


def open_anonymous(
    opener: Callable[[], int],
    mode: str,
    buffering: int,
    encoding: str | None,
    errors: str | None,
    newline: str | None,
    meters: Meters | None,
) -> Any:
    """Return a file object over the descriptor of a file without a name, which `opener` opens.

    Raises what `io.open` raises for a bad mode or encoding; nothing stays open then. The caller sets `home`.
    """
    descriptor = -1

    def open_it(_path: str, _flags: int) -> int:
        nonlocal descriptor
        descriptor = opener()
        return descriptor

    file = open_with(_KINDS, open_it, mode, buffering, encoding, errors, newline, meters)
    raw = getattr(file, "buffer", file)
    getattr(raw, "raw", raw).name = descriptor  # as tempfile has it
    return file


def over(descriptor: int, meters: Meters | None = None) -> AnonymousRandom:
    """Return a binary file object over a descriptor, which is closed if that fails."""
    if meters is not None:
        from scratchwork.files import metered

        return metered.over(descriptor, meters, AnonymousRandom)
    try:
        raw = io.FileIO(descriptor, "r+")
    except BaseException:
        os.close(descriptor)
        raise
    try:
        return AnonymousRandom(raw, usual_buffer(raw))
    except BaseException:
        raw.close()
        raise


def unnamed_descriptor(folder: str | bytes) -> int | None:
    """Open a file without a name in a folder, or return None where that can't be done. Only where there is O_TMPFILE.

    Without O_EXCL, so that the file can be given a name (open(2), O_TMPFILE).
    """
    try:
        return os.open(folder, _UNNAMED, FILE_PERMISSIONS)
    except OSError as error:
        if error.errno in _NO_TMPFILE:
            return None
        raise
