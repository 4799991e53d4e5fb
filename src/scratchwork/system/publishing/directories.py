"""Publishing a directory."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform != "win32"

from scratchwork.errors import CannotPublish
from scratchwork.system import renaming, trees
from scratchwork.system.trees.emptying import NOT_EMPTY

from . import attributes, placing
from .closing import close_quietly
from .files import undoing
from .hidden import hidden_name
from .places import is_inside
from .syncing import sync_tree
from .tree_copies import copy_tree
from .walking import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.system.folders import Folder

    from .attempts import Attempt
    from .facts import Terms
    from .places import Destination, Source

_OWNER_WRITES = 0o200


def move(source: Source, destination: Destination, terms: Terms) -> None:
    """Move a directory to a destination that was checked."""
    _check_not_inside(source, destination)
    if not placing.is_elsewhere(source.folder, source.name, destination.folder):
        try:
            _move_within(source, destination, terms)
        except CannotPublish as error:
            if error.errno != errno.EXDEV or error.in_place:
                raise
        else:
            return
    _move_across(source, destination, terms)


def _check_not_inside(source: Source, destination: Destination) -> None:
    with source.attempt.step("look at the destination"):
        inside = is_inside(destination.folder, source.status)
    if inside:
        raise source.attempt.refusal(errno.EINVAL, "the destination is inside the source", "choose another destination")


def _move_within(source: Source, destination: Destination, terms: Terms) -> None:
    with undoing(source.attempt, source.fd, terms):
        wanted = _dress(source.attempt, source.fd, destination, terms)
        if terms.durable:
            with source.attempt.step("sync"):
                sync_tree(source.fd)
        replaced = _name(source.attempt, source.folder, source.name, destination, terms)
    try:
        _finish(source.attempt, source.fd, wanted, destination, terms)
    finally:
        if replaced:
            _drop(source.attempt, source.folder, source.name, "remove the old directory")


def _move_across(source: Source, destination: Destination, terms: Terms) -> None:
    source.check_removable()
    attempt = source.attempt
    draft = _Draft(attempt, destination)
    try:
        try:
            carried = draft.fill(source)
            wanted = _dress(attempt, draft.fd, destination, terms, carried)
            if terms.durable:
                with attempt.step("sync"):
                    sync_tree(draft.fd)
            replaced = _name(attempt, draft.folder, draft.name, destination, terms)
        except BaseException as error:
            draft.discard(error)
            raise
        try:
            _finish(attempt, draft.fd, wanted, destination, terms)
        finally:
            if replaced:
                _remove(attempt, draft.folder, draft.name, "remove the old directory")
    finally:
        close_quietly(draft.fd)
    _drop(attempt, source.folder, source.name, "remove the source", source)


class _Draft:
    """A directory beside its destination, for us alone."""

    __slots__ = ("attempt", "fd", "folder", "name")

    def __init__(self, attempt: Attempt, destination: Destination) -> None:
        self.attempt = attempt
        self.folder = destination.folder
        with attempt.step("open a draft"):
            self.name = self._make(destination)
            try:
                self.fd = self.folder.open(self.name, DIRECTORY)
            except BaseException as error:
                self.discard(error)
                raise

    def _make(self, destination: Destination) -> str:
        while True:
            name = destination.hidden_name()
            try:
                os.mkdir(name, 0o700, dir_fd=self.folder.fd)
            except FileExistsError:
                continue
            return name

    def fill(self, source: Source) -> attributes.Attributes:
        """Copy the source into it, and return what it carries along."""
        with self.attempt.step("copy"):
            copy_tree(source.fd, self.fd)
            attributes.set_times(self.fd, source.status)
            return attributes.read(source.fd, strict=False)

    def discard(self, error: BaseException) -> None:
        """Remove it because of an error."""
        removal = trees.remove_in(self.folder, self.name)
        if not removal.complete:
            path = os.path.join(self.folder.path, self.name)
            error.add_note(f"and the draft could not be removed: {path}: {removal.failures[0]}")


def _dress(
    attempt: Attempt,
    fd: int,
    destination: Destination,
    terms: Terms,
    carried: attributes.Attributes | None = None,
) -> attributes.Attributes:
    """Give a directory what it is to have, and the owner's permission to write, which moving it takes (rename(2))."""
    with attempt.step("set the mode"):
        wanted = attributes.wanted(terms, destination, directory=True, executable=True, carried=carried)
        attributes.write(fd, wanted.with_mode(wanted.mode | _OWNER_WRITES))
    return wanted


def _finish(attempt: Attempt, fd: int, wanted: attributes.Attributes, destination: Destination, terms: Terms) -> None:
    if not wanted.mode & _OWNER_WRITES:
        advice = "its owner may write to it, which was not asked for"
        with attempt.step("set the mode", in_place=True, advice=advice):
            os.fchmod(fd, wanted.mode)
    if terms.durable:
        destination.sync_step()


def _name(attempt: Attempt, folder: Folder, name: str, destination: Destination, terms: Terms) -> bool:
    """Give a directory the destination's name; return whether it swapped that for its own with another."""
    if not terms.overwrite:
        with attempt.step("rename"):
            renaming.rename_new(folder, name, destination.folder, destination.name)
        return False
    if destination.status is None:
        try:
            placing.rename_over(attempt, folder, name, destination)
        except CannotPublish as error:
            if error.errno not in NOT_EMPTY:
                raise  # else somebody made one meanwhile
        else:
            return False
    with attempt.step("rename"):
        renaming.exchange(folder, name, destination.folder, destination.name)
    return True


def _drop(attempt: Attempt, folder: Folder, name: str, step: str, source: Source | None = None) -> None:
    """Remove a tree under another name, as half of one could be published again; a `source` if it is still there."""
    hidden = hidden_name(name)
    with attempt.step(step, in_place=True, advice=f"remove it: {os.path.join(folder.path, name)}"):
        if source is not None and not source.remains():
            return
        folder.rename(name, hidden)
    _remove(attempt, folder, hidden, step)


def _remove(attempt: Attempt, folder: Folder, name: str, step: str) -> None:
    with attempt.step(step, in_place=True, advice=f"remove what is left of it: {os.path.join(folder.path, name)}"):
        removal = trees.remove_in(folder, name)
        if not removal.complete:
            failure = removal.failures[0]
            raise OSError(failure.errno or errno.EIO, str(failure))
