"""The record beside a workspace: what its name can't tell.

Written where there is something to tell: a policy of keeping, a label that was shortened, or that it was kept, why,
since when and until when. `NAME.json` is made after the workspace `NAME` and removed after it, and no name is used
twice, so a record without a workspace is garbage. A record that can't be understood means "keep".
"""

from __future__ import annotations

import os
import time

from scratchwork.errors import CannotKeep
from scratchwork.roots import labels
from scratchwork.system import names
from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from scratchwork.system.folders import Folder

    Keep = Literal["never", "failure", "always"]

POLICIES = ("never", "failure", "always")
_SUFFIX = ".json"
_MOST_BYTES = 2**16
_MOST_WHY = 500
LATEST = 1e11
"""A time that no record tells of, and that can still be shown: the year 5138."""


class Record(Fact):
    """What is known of a workspace beyond its name; times in seconds since the epoch.

    `since` is None until it is kept; `until` then says when it expires, `why` the reason, and `files` and `bytes` what
    it held.
    """

    __slots__ = ("bytes", "files", "keep", "label", "since", "until", "why")

    def __init__(
        self,
        label: str,
        keep: Keep,
        *,
        why: str = "",
        since: float | None = None,
        until: float | None = None,
        files: int = 0,
        bytes: int = 0,  # noqa: A002 - the ledger's word
    ) -> None:
        self.label = label
        self.keep = keep
        self.why = why
        self.since = since
        self.until = until
        self.files = files
        self.bytes = bytes

    @property
    def is_kept(self) -> bool:
        """Whether the workspace has ended and is to be retained."""
        return self.since is not None

    def has_expired(self, now: float) -> bool:
        """Whether the time for which it is kept is over."""
        return self.until is not None and now >= self.until


class Records:
    """The records of one root."""

    def __init__(self, folder: Folder, age: float) -> None:
        """Open the records of a folder; `age`: for how many seconds one that can't be read keeps its workspace."""
        self._folder = folder
        self._age = age

    def read(self, name: str) -> Record | None:
        """Return the record of a workspace; None if it has none."""
        if not self._folder.has(name + _SUFFIX):
            return None
        try:
            data = self._folder.read(name + _SUFFIX, _MOST_BYTES)
        except FileNotFoundError:
            return None
        return _parse(data) or self._unreadable(name)

    def write(self, name: str, record: Record) -> None:
        """Write a record, replacing the one before. Raises OSError; the old one then stands."""
        import json

        data = json.dumps(record.as_dict()).encode("ascii")
        self._folder.replace(name + _SUFFIX, f"{name}{_SUFFIX}.{names.draw()}", data)

    def ask_to_keep(self, name: str, reason: str) -> None:
        """Write the record that makes the owner of a living workspace, and every sweep, keep it. Raises CannotKeep."""
        record = self.read(name)
        parsed = labels.parse(name)
        label = record.label if record is not None else parsed.label if parsed else name
        try:
            self.write(name, Record(label, "always", why=one_line(reason)))
        except OSError as error:
            raise CannotKeep(os.path.join(self._folder.path, name), error) from error

    def remove(self, name: str) -> None:
        """Remove the record of a workspace; none is fine."""
        self._folder.unlink(name + _SUFFIX)

    @staticmethod
    def workspace_of(entry: str) -> str | None:
        """Return the workspace to which an entry of the root belongs as its record, or part of one; else None."""
        name, found, _ = entry.partition(_SUFFIX)
        return name if found else None

    def _unreadable(self, name: str) -> Record:
        """Take a record that makes no sense for 'keep', from when it was written."""
        since = self._folder.status(name + _SUFFIX).st_mtime
        return Record("?", "always", why="its record can't be read", since=since, until=since + self._age)


def one_line(text: str) -> str:
    """Return a reason as records, ledger and log have it: one line, not too long."""
    return " ".join(text.split())[:_MOST_WHY]


def is_amount(value: object) -> bool:
    """Whether something read from a file is a number that can be added, compared and shown."""
    return isinstance(value, int | float) and 0 <= value < float("inf")


def until_text(record: Record) -> str:
    """Return when a kept workspace expires, as a person reads it."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(record.until))


def _parse(data: bytes) -> Record | None:
    import json

    try:
        found: dict[str, Any] = json.loads(data)
        record = Record(found.pop("label"), found.pop("keep"), **found)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    numbers = (record.since or 0, record.until or 0, record.files, record.bytes)
    sound = (
        record.keep in POLICIES
        and isinstance(record.label, str)
        and isinstance(record.why, str)
        and all(is_amount(number) for number in numbers)
        and max(numbers[:2]) < LATEST
        and (record.since is None) == (record.until is None)
    )
    return record if sound else None
