"""A draft: a file that is not published yet, open, beside its destination; without a name where that can be."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform != "win32"

from scratchwork.errors import CannotPublish, DestinationExists

from . import attributes, placing
from .attempts import Attempt
from .closing import close_quietly
from .facts import Terms
from .places import Destination
from .syncing import sync

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from .attributes import Attributes

_TMPFILE = getattr(os, "O_TMPFILE", 0)
# open(2): a file system that can't, and a kernel before 3.11, which takes it for a directory, or finds none.
_NO_TMPFILE = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT})
_MAKING = os.O_RDWR | os.O_CREAT | os.O_EXCL
_MODE = 0o600


def open_draft(destination: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> Draft:
    """Return an empty draft of what is to be published at `destination`.

    It stands in the destination's folder, or in that of the file that a symlink of that name leads to, for us alone
    (0600). On Linux it has no name (`O_TMPFILE`, open(2)), so that nothing of it is left after kill -9, where the file
    system can and /proc is there; else it is `.NAME.RANDOM.part`. Raises CannotPublish (`step` is "open the folder",
    "look at the destination", "open a draft" or "check").
    """
    attempt = Attempt(None, os.fsdecode(destination))
    place = Destination(attempt, follow=True)
    place.check(overwrite=True, directory=False)
    return make_draft(attempt, place)


def make_draft(attempt: Attempt, destination: Destination) -> Draft:
    """Return an empty draft for a destination that was found."""
    with attempt.step("open a draft"):
        fd = _open_nameless(destination)
        if fd is not None:
            return Draft(attempt, destination, fd)
        while True:
            hidden = destination.hidden_name()
            try:
                return Draft(attempt, destination, destination.folder.open(hidden, _MAKING), hidden)
            except FileExistsError:
                continue


class Draft:
    """An open file that `commit` puts in place, or `discard` drops.

    `fd` is open for reading and writing, and stays open after `commit`; `close` closes it, so wrap it in a file object
    with `closefd=False`, and flush that before you commit. Not safe in several threads at once. Made in one process,
    it is committed and discarded there: in a forked child `discard` and `close` only close.
    """

    __slots__ = ("_attempt", "_destination", "_hidden", "_process", "fd")

    def __init__(self, attempt: Attempt, destination: Destination, fd: int, hidden: str | None = None) -> None:
        self.fd = fd
        self._attempt = attempt
        self._destination = destination
        self._hidden = hidden
        self._process = os.getpid()

    def commit(
        self, *, overwrite: bool = True, durable: bool = True, mode: int | None = None, inherit: bool = False
    ) -> Path:
        """Put it in place, as `publish` does, and return the destination's path.

        Raises CannotPublish and DestinationExists; then it has been discarded, but for its descriptor, and the
        destination is as it was (but for `step` "sync the folder": see `publish`).
        """
        terms = Terms(overwrite=overwrite, durable=durable, mode=mode, inherit=inherit)
        try:
            self._destination.look()
            self._destination.check(overwrite=overwrite, directory=False)
        except BaseException as error:
            self._discard_because_of(error)
            raise
        self.put_in_place(terms, executable=False)
        return as_path(self._attempt)

    def put_in_place(self, terms: Terms, *, executable: bool, carried: Attributes | None = None) -> None:
        """Commit it to a destination that was just looked at; `carried` is what it takes along from its source."""
        destination = self._destination
        try:
            with self._attempt.step("set the mode"):
                attributes.write(
                    self.fd,
                    attributes.wanted(terms, destination, directory=False, executable=executable, carried=carried),
                )
            self._try_to_name()
            if terms.durable:
                with self._attempt.step("sync"):
                    sync(self.fd)
            self._name(terms)
        except BaseException as error:
            self._discard_because_of(error)
            raise
        if terms.durable:
            destination.sync_step()

    def discard(self) -> None:
        """Drop it, if it is not in place; its descriptor stays open. A second time is fine."""
        hidden, self._hidden = self._hidden, None
        if hidden is not None and self._process == os.getpid():
            with self._attempt.step("remove the draft"):
                self._destination.folder.unlink(hidden)

    def close(self) -> None:
        """Discard it if it is not in place, and close its descriptor. A second time is fine."""
        fd, self.fd = self.fd, -1
        try:
            self.discard()
        finally:
            if fd >= 0:
                close_quietly(fd)

    def _discard_because_of(self, error: BaseException) -> None:
        try:
            self.discard()
        except CannotPublish as another:
            error.add_note(str(another))

    def _try_to_name(self) -> None:
        """Find out early, before it is synced, whether a file that may be from elsewhere can have a name here."""
        if self._hidden is not None:
            return
        with self._attempt.step("look at the source"):
            device = os.fstat(self.fd).st_dev
        if device != self._destination.folder.device:
            self._hide()

    def _name(self, terms: Terms) -> None:
        destination, folder = self._destination, self._destination.folder
        if self._hidden is None and (not terms.overwrite or destination.status is None):
            try:
                placing.link_open_file(self._attempt, self.fd, folder, destination.name)
            except DestinationExists:
                if not terms.overwrite:
                    raise
            else:
                return
        if self._hidden is None:
            self._hide()
        assert self._hidden is not None
        if terms.overwrite:
            placing.rename_over(self._attempt, folder, self._hidden, destination)
        else:
            placing.move_file_new(self._attempt, folder, self._hidden, destination)
        self._hidden = None

    def _hide(self) -> None:
        """Give it a hidden name: linkat(2) never replaces, so that what replaces must have a name first."""
        while self._hidden is None:
            hidden = self._destination.hidden_name()
            try:
                placing.link_open_file(self._attempt, self.fd, self._destination.folder, hidden)
            except DestinationExists:
                continue
            self._hidden = hidden


def as_path(attempt: Attempt) -> Path:
    """Return the destination as it was given."""
    from pathlib import Path

    return Path(attempt.destination)


def _open_nameless(destination: Destination) -> int | None:
    """Return a file without a name that can be given one; None where that can't be had."""
    if not _TMPFILE:
        return None
    try:
        fd = destination.folder.open(".", os.O_RDWR | _TMPFILE)
    except OSError as error:
        if error.errno not in _NO_TMPFILE:
            raise
        return None
    if os.access(f"/proc/self/fd/{fd}", os.F_OK):
        return fd
    close_quietly(fd)
    return None


def is_unlinkable(error: CannotPublish) -> bool:
    """Whether an open file can't be given a name where it should go, so that only a copy of it can.

    It is on another device (EXDEV); it had a name that was removed, or was opened with O_EXCL, or there is no /proc
    (ENOENT); or there are no links for it (`placing.NO_LINKS`).
    """
    return error.step == "link" and (error.errno in {errno.EXDEV, errno.ENOENT} or error.errno in placing.NO_LINKS)
