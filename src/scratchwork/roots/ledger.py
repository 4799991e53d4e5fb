"""The ledger: how each workspace of a root ended, one JSON line each, the newest last.

A line is appended with one write(2) to a file opened O_APPEND, so that lines of several processes never mix. A
line that is torn all the same (a full disk, a crash) is skipped when read. At `ROTATE_AT` bytes the file becomes
`ledger.1.jsonl`, replacing the one before it. The ledger never makes anything fail: what can't be written is lost.
"""

from __future__ import annotations

import os
import time

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
        self._fd = -1
        self._checked = 0.0

    def append(self, *ended: Ended) -> None:
        """Add lines, in one write."""
        self.append_lines(b"".join([one.line() for one in ended]))

    def append_lines(self, lines: bytes) -> None:
        """Add lines that are ready."""
        try:
            now = time.monotonic()
            if self._fd < 0 or now - self._checked > _CHECK_EVERY:
                self._open_current(len(lines))
                self._checked = now
            os.write(self._fd, lines)
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

    def __del__(self) -> None:
        self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _open_current(self, room_for: int) -> None:
        """See to it that the descriptor is that of the current file, and that the file is not too long."""
        if self._fd >= 0 and os.fstat(self._fd).st_nlink == 0:
            self._close()
        if self._fd >= 0 and not self._is_current():
            self._close()
        if self._fd < 0:
            self._fd = self._folder.open(FILE, os.O_RDWR | os.O_APPEND | os.O_CREAT)
            self._begin_line()
        # The lock, and a look under it, keep two from rotating at once, the second replacing what the first saved.
        if os.fstat(self._fd).st_size + room_for > ROTATE_AT and locks.exclusive(self._fd) and self._is_current():
            self._folder.rename(FILE, ROTATED)
            self._close()
            self._fd = self._folder.open(FILE, os.O_RDWR | os.O_APPEND | os.O_CREAT)

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._fd), self._folder.status(FILE))
        except FileNotFoundError:
            return False

    def _begin_line(self) -> None:
        """Close a line that somebody tore, so that it does not spoil the next one."""
        size = os.fstat(self._fd).st_size
        if size:
            os.lseek(self._fd, size - 1, os.SEEK_SET)
            if os.read(self._fd, 1) != b"\n":
                os.write(self._fd, b"\n")


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
        and all(isinstance(number, int | float) for number in numbers)
        and all(isinstance(text, str) for text in texts)
    )
