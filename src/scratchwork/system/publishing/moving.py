"""`publish` and `publish_descriptor`: what becomes of a source, by what it is."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform != "win32"

from . import directories, files
from .attempts import Attempt
from .attributes import is_executable
from .drafts import as_path
from .facts import Terms
from .places import Destination, Source, are_same_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def publish(
    source: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    destination: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    overwrite: bool = True,  # noqa: FBT001, FBT002 - its callers say it by its place
    durable: bool = True,  # noqa: FBT001, FBT002
    mode: int | None = None,
    *,
    inherit: bool = False,
) -> Path:
    """Move a finished file or directory to where it belongs, in one step, and return the destination's path.

    Readers of `destination` see the old one whole or the new one whole, never a part and never nothing, also when
    this process is killed or the machine crashes. `source` is gone afterwards. `destination` is the path of the thing
    itself, not of the folder to put it in, which must exist. Where they are on one device this is a rename(2), or a
    link(2); else the source is copied beside the destination first, with its holes, times, and as much of its owner,
    extended attributes and ACL as may be had.

    overwrite: replace what has the name. A symlink of that name stays, and what it leads to is replaced, as open(2)
        would write to it. A file replaces only a regular file, a directory only a directory (renameat2(2),
        RENAME_EXCHANGE); devices and the like are refused. False: raise DestinationExists if anything has the name.
    durable: sync all of it before it is put in place, and the destination's folder after (fsync(2)), so that it
        outlasts a power cut. False is quicker, and enough where a crash of the machine costs the result anyhow.
    mode: the permission bits, whatever the umask. None: those of what is replaced, without set-user-id and the like;
        else what open(2) and mkdir(2) give, executable if the source is for its owner. Of a directory only the top
        is changed. Never wider than this, not for an instant.
    inherit: take owner, group, extended attributes and ACL of what is replaced, exactly.

    Raises CannotPublish, and DestinationExists, which is one. Source and destination are then as they were, and
    nothing is left beside them, unless the error is `in_place`: the new one is there, whole, but the folder could not
    be synced, or what was to be removed then (the source that was copied, the directory that was replaced) could not.

    Nobody may write to the source meanwhile. Two publishings to one destination, in threads or processes, are safe:
    one of them is last. After kill -9 the destination is old or new, and whole. The source is as it was but for its
    mode, or gone, or still there beside the new destination; of two directories on one device, the old one may have
    its name for an instant, never a part of it. A hidden `.NAME.RANDOM.part` may be left beside either, which holds
    nothing that is needed.
    """
    attempt = Attempt(os.fsdecode(source), os.fsdecode(destination))
    terms = Terms(overwrite=overwrite, durable=durable, mode=mode, inherit=inherit)
    found = Source(attempt, os.fsdecode(source))
    try:
        place = Destination(attempt, follow=overwrite)
        place.check(overwrite=overwrite, directory=found.is_directory)
        if are_same_name(found, place):
            raise attempt.refusal(errno.EINVAL, "source and destination are the same", "choose another destination")
        (directories if found.is_directory else files).move(found, place, terms)
    finally:
        found.close()
    return as_path(attempt)


def publish_descriptor(
    fd: int,
    destination: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    overwrite: bool = True,  # noqa: FBT001, FBT002 - as publish
    durable: bool = True,  # noqa: FBT001, FBT002
    mode: int | None = None,
    *,
    inherit: bool = False,
) -> Path:
    """Put an open file that has no name in place, as `publish` does, and return the destination's path.

    The file is given its name where that can be: made with O_TMPFILE, without O_EXCL, on the destination's device, and
    /proc there (open(2)). Else a copy of it is published, with its content and attributes as they are now; `fd` must be
    open for reading then. `fd` stays open, at its offset: after a copy it leads to the old, nameless file.

    Raises CannotPublish and DestinationExists as `publish` does; EINVAL if it has a name, or is no regular file.
    """
    attempt = Attempt(None, os.fsdecode(destination))
    terms = Terms(overwrite=overwrite, durable=durable, mode=mode, inherit=inherit)
    status = files.check_open(attempt, fd)  # before anything is opened, which may get the number of a closed one
    place = Destination(attempt, follow=overwrite)
    place.check(overwrite=overwrite, directory=False)
    files.move_open(attempt, fd, place, terms, executable=is_executable(status))
    return as_path(attempt)
