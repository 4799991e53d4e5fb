"""The ledger: how each workspace of a root ended, one JSON line each, the newest last.

A line is appended with one write(2) to a file opened O_APPEND, so that lines of several processes never mix. A
line that is torn all the same (a full disk, a crash) is skipped when read. At `ROTATE_AT` bytes the file becomes
`ledger.1.jsonl`, replacing the one before it. The ledger never makes anything fail: what can't be written is lost.
"""

from __future__ import annotations

import os
import time

from scratchwork.roots.records import LATEST, is_amount
from scratchwork.system import locks
from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from scratchwork.system.folders import Folder

    Outcome = Literal["cleaned", "kept", "reclaimed", "failed"]

FILE = "ledger.jsonl"
ROTATED = "ledger.1.jsonl"
ROTATE_AT = 4 * 2**20
_OUTCOMES = frozenset({"cleaned", "kept", "reclaimed", "failed"})
_CHECK_EVERY = 1.0  # seconds: how long a process may go on writing to a file that was rotated away


class Ended(Fact):
    """How a workspace ended.

    `outcome`: "cleaned" (its owner removed it), "kept", "reclaimed" (it was dead, and a sweep removed it) or "failed"
    (part of it could not be removed). `files` and `bytes`: what it held then. `seconds`: how long it lived, for a
    reclaimed one how long it lay there. `pid`: who made it. `ended`: seconds since the epoch.
    """

    __slots__ = ("bytes", "ended", "files", "label", "name", "outcome", "pid", "seconds", "why")

    def __init__(
        self,
        label: str,
        outcome: Outcome,
        files: int,
        bytes: int,  # noqa: A002 - the ledger's word
        seconds: float,
        pid: int,
        why: str,
        name: str,
        ended: float,
    ) -> None:
        self.label = label
        self.outcome = outcome
        self.files = files
        self.bytes = bytes
        self.seconds = seconds
        self.pid = pid
        self.why = why
        self.name = name
        self.ended = ended

    def line(self) -> bytes:
        """Return it as a line of the ledger."""
        return compose(
            self.label, self.outcome, self.files, self.bytes, self.seconds, self.pid, self.why, self.name, self.ended
        )


def compose(
    label: str,
    outcome: Outcome,
    files: int,
    bytes: int,  # noqa: A002 - the ledger's word
    seconds: float,
    pid: int,
    why: str,
    name: str,
    ended: float,
) -> bytes:
    """Return a line of the ledger; see `Ended` for what it tells."""
    reason = _quoted(why) if why else '""'
    return (  # a name needs no quoting: labels.shown() sees to that
        f'{{"label":{_quoted(label)},"outcome":"{outcome}","bytes":{bytes},"files":{files},"seconds":{seconds:.3f},'
        f'"pid":{pid},"why":{reason},"name":"{name}","ended":{ended:.3f}}}\n'
    ).encode("ascii")


class Ledger:
    """The ledger of one root. Safe in several threads and processes; a forked child may go on writing."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._current: _Descriptor | None = None
        self._checked = 0.0

    def append(self, *ended: Ended) -> None:
        """Add lines, in one write."""
        self.append_lines(b"".join([one.line() for one in ended]))

    def append_lines(self, lines: bytes) -> None:
        """Add lines that are ready."""
        try:
            now = time.monotonic()
            current = self._current
            if current is None or now - self._checked > _CHECK_EVERY:
                current = self._open_current(len(lines))
                self._checked = now
            if os.write(current.fd, lines) != len(lines):
                self._current = None  # torn: opening it again closes the line
        except OSError:
            return  # a record of the past must not stop the work at hand

    def read(self) -> Iterator[Ended]:
        """Yield how workspaces ended, the oldest first; lines that make no sense are skipped."""
        for name in (ROTATED, FILE):
            try:
                descriptor = self._folder.open(name, os.O_RDONLY)
            except FileNotFoundError:
                continue
            with open(descriptor, "rb") as lines:
                for line in lines:
                    if (ended := _parse(line)) is not None:
                        yield ended

    def _open_current(self, room_for: int) -> _Descriptor:
        """Return the descriptor of the current file, which has room for so many bytes more."""
        current = self._current
        if current is None or not self._is_current(current):
            current = self._open()
            _begin_line(current.fd)
        if os.fstat(current.fd).st_size + room_for > ROTATE_AT and self._rotate(room_for):
            current = self._open()
        self._current = current
        return current

    def _open(self) -> _Descriptor:
        return _Descriptor(self._folder.open(FILE, os.O_RDWR | os.O_APPEND | os.O_CREAT))

    def _rotate(self, room_for: int) -> bool:
        """Set the file aside, unless somebody else does; return whether we did.

        The lock, and a look under it, keep two from rotating at once, the second replacing what the first saved. It is
        on a descriptor of its own, since threads and forked children would share that of a shared one.
        """
        own = self._open()
        if not (locks.exclusive(own.fd) and self._is_current(own)) or os.fstat(own.fd).st_size + room_for <= ROTATE_AT:
            return False
        self._folder.rename(FILE, ROTATED)
        return True

    def _is_current(self, opened: _Descriptor) -> bool:
        try:
            return os.path.samestat(os.fstat(opened.fd), self._folder.status(FILE))
        except FileNotFoundError:
            return False


class _Descriptor:
    """An open file, closed when no thread uses it any more."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __del__(self) -> None:
        os.close(self.fd)


def _begin_line(fd: int) -> None:
    """Close a line that somebody tore, so that it does not spoil the next one."""
    size = os.fstat(fd).st_size
    if size:
        os.lseek(fd, size - 1, os.SEEK_SET)
        if os.read(fd, 1) != b"\n":
            os.write(fd, b"\n")


def _quoted(text: str) -> str:
    if text.isalnum() and text.isascii():
        return f'"{text}"'
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    import json  # seldom needed, and slower to import than the rest of this package

    return json.dumps(text)


def _parse(line: bytes) -> Ended | None:
    import json

    try:
        found = json.loads(line)
        ended = Ended(**{name: found[name] for name in Ended.__slots__})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return ended if _is_sound(ended) else None


def _is_sound(ended: Ended) -> bool:
    numbers = (ended.files, ended.bytes, ended.pid, ended.seconds, ended.ended)
    texts = (ended.label, ended.why, ended.name)
    return (
        ended.outcome in _OUTCOMES
        and all(is_amount(number) for number in numbers)
        and ended.ended < LATEST
        and all(isinstance(text, str) for text in texts)
    )
