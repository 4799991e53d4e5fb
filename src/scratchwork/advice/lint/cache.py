"""What was found in files that have not changed since, so that they need not be looked at again.

One file a project, in `scratchwork/lint` below XDG_CACHE_HOME (by default ~/.cache, XDG Base Directory Specification).
It holds what was found before anything is selected or ignored, so that changed settings need no new look. It is for
this linter, byte for byte, and this Python; for any other, and when it is damaged, it counts as empty.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys

import scratchwork
from scratchwork.advice.lint.mistakes import Fix, Mistake
from scratchwork.errors import ScratchError
from scratchwork.files.atomic import atomic_write
from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

SETTLED_AFTER = 2_000_000_000
"""Nanoseconds after which the next change of a file surely gets another time: the coarsest clock of a file system."""

Stamp = tuple[int, int, int, int]


class Known(Fact):
    """What is known of a file: the stamp that it had, None if it was too young for one; its digest; what was found."""

    __slots__ = ("digest", "found", "stamp")

    def __init__(self, stamp: Stamp | None, digest: str, found: Sequence[Mistake]) -> None:
        self.stamp = stamp
        self.digest = digest
        self.found = found


def stamp_of(status: os.stat_result) -> Stamp:
    """Return what changes when a file does: size, times and inode. The time of the last change can't be set back."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def settled_stamp(status: os.stat_result, now: int) -> Stamp | None:
    """Return a stamp that the next change can't leave as it is.

    None if the file changed a moment before `now`: another change might get the same times.
    """
    stamp = stamp_of(status)
    return stamp if max(stamp[1], stamp[2]) < now - SETTLED_AFTER else None


def digest_of(data: bytes) -> str:
    """Return what tells this content from any other."""
    return hashlib.blake2b(data, digest_size=20).hexdigest()


class Cache:
    """What is known of the files of one project. For one thread; several processes may have one of the same project.

    `save` replaces the file in one step, and takes over what others have written meanwhile. What two processes save in
    the same instant may be known of one alone: that costs a look, and is never wrong.
    """

    def __init__(self, project: str) -> None:
        name = hashlib.blake2b(os.fsencode(os.path.abspath(project)), digest_size=16).hexdigest()
        self._path = os.path.join(_folder(), f"{name}.json")
        self._key = _key()
        self._known = self._read()
        self._new: dict[str, Known] = {}

    def known(self, path: str) -> Known | None:
        """Return what is known of a file by its path, whether or not that is still true."""
        return self._known.get(os.path.abspath(path))

    def put(self, path: str, known: Known) -> None:
        """Remember what was found in a file, for `save`."""
        self._new[os.path.abspath(path)] = known

    def save(self) -> None:
        """Write what is new, if anything is. Where it can't be written nothing is: the next run looks again."""
        if not self._new:
            return
        others = {path: known for path, known in self._read().items() if os.path.exists(path)}
        body = _dump({**others, **self._new})
        try:
            os.makedirs(os.path.dirname(self._path), 0o700, exist_ok=True)
            with atomic_write(self._path, "wb", durable=False, permissions=0o600) as file:
                file.write(f"{self._key} {digest_of(body)}\n".encode())
                file.write(body)
        except (OSError, ScratchError):
            return

    def _read(self) -> dict[str, Known]:
        try:
            with open(self._path, "rb") as file:
                head, _, body = file.read().partition(b"\n")
        except OSError:
            return {}
        return _load(body) if head == f"{self._key} {digest_of(body)}".encode() else {}


def _folder() -> str:
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(cache):  # the specification: a relative one is to be ignored
        cache = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "scratchwork", "lint")


def _key() -> str:
    """Return what all that is known depends on: our version and the linter's own source, and Python's."""
    seen = hashlib.blake2b(f"{scratchwork.__version__} {sys.version}".encode(), digest_size=20)
    for folder, folders, names in os.walk(os.path.dirname(__file__)):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                with open(os.path.join(folder, name), "rb") as file:
                    seen.update(file.read())
    return seen.hexdigest()


def _dump(known: dict[str, Known]) -> bytes:
    rows = {path: [one.stamp, one.digest, [_row(mistake) for mistake in one.found]] for path, one in known.items()}
    return json.dumps(rows, separators=(",", ":")).encode()


def _load(body: bytes) -> dict[str, Known]:
    rows = json.loads(body)
    return {
        path: Known(tuple(stamp) if stamp else None, digest, [_mistake(row) for row in found])
        for path, (stamp, digest, found) in rows.items()
    }


def _row(mistake: Mistake) -> list[Any]:
    place = [getattr(mistake, name) for name in ("code", "message", "line", "column", "end_line", "end_column")]
    return [*place, [mistake.fix.kind, mistake.fix.line, mistake.fix.column, mistake.fix.text] if mistake.fix else None]


def _mistake(row: list[Any]) -> Mistake:
    code, message, line, column, end_line, end_column, fix = row
    return Mistake(code, message, line, column, end_line, end_column, Fix(*fix) if fix else None)
