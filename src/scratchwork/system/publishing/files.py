"""Publishing a regular file, by its name or by its descriptor."""

from __future__ import annotations

import errno
import os
import stat
import sys

assert sys.platform != "win32"

from scratchwork.errors import CannotPublish

from . import attributes, placing
from .attempts import Attempt
from .copying import copy
from .drafts import Draft, is_unlinkable, make_draft
from .syncing import sync

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .facts import Terms
    from .places import Destination, Source


def move(source: Source, destination: Destination, terms: Terms) -> None:
    """Move a file to a destination that was checked."""
    if not placing.is_elsewhere(source.folder, source.name, destination.folder):
        try:
            _move_within(source, destination, terms)
        except CannotPublish as error:
            if error.errno != errno.EXDEV or error.in_place:
                raise
        else:
            return
    _move_across(source, destination, terms)


def check_open(attempt: Attempt, fd: int) -> os.stat_result:
    """Return the status of an open file without a name; raises CannotPublish if it is anything else."""
    with attempt.step("look at the source"):
        status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise attempt.refusal(errno.EINVAL, "it is no regular file", "only those can be published")
    if status.st_nlink:
        raise attempt.refusal(errno.EINVAL, "the open file has a name", "publish it by that")
    return status


def move_open(attempt: Attempt, fd: int, destination: Destination, terms: Terms, *, executable: bool) -> None:
    """Give an open file without a name the destination's, or a copy of it if that can't be."""
    try:
        with undoing(attempt, fd, terms):
            Draft(attempt, destination, fd).put_in_place(terms, executable=executable)
    except CannotPublish as error:
        if not is_unlinkable(error):
            raise
    else:
        return
    _publish_copy(attempt, fd, destination, terms)


def undoing(attempt: Attempt, fd: int, terms: Terms) -> Undoing:
    """Return a context that gives the source its attributes back if anything fails in it."""
    with attempt.step("look at the source"):
        return Undoing(fd, attributes.read(fd, extended=terms.inherit))


class Undoing:
    """What a source had before it was made ready for its destination."""

    __slots__ = ("before", "fd")

    def __init__(self, fd: int, before: attributes.Attributes) -> None:
        self.fd = fd
        self.before = before

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or (isinstance(error, CannotPublish) and error.in_place):
            return
        try:
            attributes.write(self.fd, self.before)
        except OSError as another:
            error.add_note(f"and the source's mode or attributes could not be restored: {another}")


def _move_within(source: Source, destination: Destination, terms: Terms) -> None:
    attempt = source.attempt
    executable = attributes.is_executable(source.status)
    with undoing(attempt, source.fd, terms):
        with attempt.step("set the mode"):
            attributes.write(source.fd, attributes.wanted(terms, destination, directory=False, executable=executable))
        if terms.durable:
            with attempt.step("sync"):
                sync(source.fd)
        _rename(source, destination, terms)
    if terms.durable:
        destination.sync_step()


def _rename(source: Source, destination: Destination, terms: Terms) -> None:
    if not terms.overwrite:
        placing.move_file_new(source.attempt, source.folder, source.name, destination)
    elif _is_linked_there(source, destination):
        with source.attempt.step("unlink the source"):  # rename(2) does nothing to two links of one file
            os.unlink(source.name, dir_fd=source.folder.fd)
    else:
        placing.rename_over(source.attempt, source.folder, source.name, destination)


def _is_linked_there(source: Source, destination: Destination) -> bool:
    return (
        source.status.st_nlink > 1
        and destination.status is not None
        and os.path.samestat(source.status, destination.status)
    )


def _move_across(source: Source, destination: Destination, terms: Terms) -> None:
    source.check_removable()
    _publish_copy(source.attempt, source.fd, destination, terms)
    advice = "the source is still there: remove it"
    with source.attempt.step("remove the source", in_place=True, advice=advice):
        if source.remains():
            os.unlink(source.name, dir_fd=source.folder.fd)


def _publish_copy(attempt: Attempt, fd: int, destination: Destination, terms: Terms) -> None:
    draft = make_draft(attempt, destination)
    try:
        with attempt.step("copy"):
            status = os.fstat(fd)
            carried = attributes.read(fd, strict=False)
            copy(fd, draft.fd)
            attributes.set_times(draft.fd, status)
        draft.put_in_place(terms, executable=attributes.is_executable(status), carried=carried)
    finally:
        draft.close()
