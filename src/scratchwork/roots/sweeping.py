"""Removing what is dead in a root, and what has been kept for long enough.

One pass: list, lock, look, remove, with the lock held until the name is gone. A lock that anybody else has means
alive; any error means unknown, which counts as alive, and is told.
"""

from __future__ import annotations

import os
import time

from scratchwork.errors import CleanupIncomplete, WorkspaceAlive, WorkspaceGone
from scratchwork.roots import labels
from scratchwork.roots.ledger import Ended
from scratchwork.roots.records import Record
from scratchwork.roots.store import BESIDE
from scratchwork.system.facts import Fact
from scratchwork.system.leases import REMOVED
from scratchwork.system.trees import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchwork.roots.labels import Name
    from scratchwork.roots.store import Store
    from scratchwork.system.leases import Lease

    Progress = Callable[[int, int], None]

_FOREVER = float("inf")
_LEDGER_BATCH = 32


class Swept(Fact):
    """What a sweep did, or, as a dry run, would do.

    `removed` and `kept` hold how each workspace that ended now did so; `skipped` holds (name, why) of what could not be
    judged or removed and was left alone. `alive` counts workspaces that somebody holds, `retained` those kept
    earlier and not yet expired. `files` and `bytes` count what was removed. `complete` is False if the time ran out.
    """

    __slots__ = ("alive", "bytes", "complete", "files", "kept", "removed", "retained", "skipped")

    def __init__(self) -> None:
        self.removed: list[Ended] = []
        self.kept: list[Ended] = []
        self.skipped: list[tuple[str, str]] = []
        self.alive = 0
        self.retained = 0
        self.files = 0
        self.bytes = 0
        self.complete = True


def sweep(
    store: Store, *, dry_run: bool = False, deadline: float = _FOREVER, progress: Progress | None = None
) -> Swept:
    """Remove every workspace of a root that nobody holds and that is not to be kept.

    Stops when `time.monotonic()` passes `deadline`. `progress` is told how many of how many entries are done. Raises
    OSError only if the root itself can't be read.
    """
    sweeping = _Sweep(store, dry_run=dry_run, deadline=deadline)
    try:
        sweeping.run(progress)
    finally:
        sweeping.enter_all()
    return sweeping.swept


def sweep_one(store: Store, name: str) -> Swept:
    """Bring one workspace, if nobody holds it, to the state that its record asks for."""
    sweeping = _Sweep(store, dry_run=False, deadline=_FOREVER)
    if (told := labels.parse(name)) is not None:
        sweeping.judge(name, told)
    sweeping.enter_all()
    return sweeping.swept


def remove_one(store: Store, name: str, why: str) -> Ended:
    """Remove one workspace that nobody holds, kept or not.

    Raises WorkspaceAlive, WorkspaceGone, CleanupIncomplete, and OSError if its lock can't be tried.
    """
    path = os.path.join(store.path, name)
    told = labels.parse(name)
    if told is None:
        raise WorkspaceGone(path, "that is not the name of a workspace")
    try:
        lease = store.leases.seize(name)
    except FileNotFoundError:
        raise WorkspaceGone(path) from None
    if lease is None:
        raise WorkspaceAlive(path)
    sweeping = _Sweep(store, dry_run=False, deadline=_FOREVER)
    try:
        sweeping.remove(name, told, lease, store.records.read(name), why)
    finally:
        lease.release()
        sweeping.enter_all()
    if not sweeping.swept.removed:
        raise CleanupIncomplete(path, [Failure(*skipped) for skipped in sweeping.swept.skipped])
    return sweeping.swept.removed[0]


class _Sweep:
    __slots__ = ("_deadline", "_dry_run", "_lines", "_now", "_present", "_retained", "_store", "swept")

    def __init__(self, store: Store, *, dry_run: bool, deadline: float) -> None:
        self._store = store
        self._dry_run = dry_run
        self._deadline = deadline
        self._now = time.time()
        self._retained: list[tuple[str, Name, Record]] = []
        self._lines: list[Ended] = []
        self._present: frozenset[str] | None = None
        self.swept = Swept()

    def run(self, progress: Progress | None) -> None:
        found = self._store.folder.names()
        # Each starts elsewhere, so that sweeps with little time, or several at once, do not all try the same ones.
        start = int.from_bytes(os.urandom(4), "little") % (len(found) or 1)
        present = self._present = frozenset(found)
        for done, entry in enumerate(found[start:] + found[:start]):
            if time.monotonic() > self._deadline:
                self.swept.complete = False
                return
            self._take(entry, present)
            if progress is not None:
                progress(done + 1, len(found))
        told_of = {name: told for name, told, _ in self._retained}
        kept_now = {ended.name for ended in self.swept.kept}
        for name, why in self._store.retention.surplus((name, record) for name, _, record in self._retained):
            if name not in kept_now:
                self.swept.retained -= 1
            self.judge(name, told_of[name], expired=why)

    def enter_all(self) -> None:
        """Write what is left to write into the ledger."""
        if self._lines and not self._dry_run:
            self._store.ledger.append(*self._lines)
        self._lines.clear()

    def _take(self, entry: str, present: frozenset[str]) -> None:
        if (told := labels.parse(entry.removesuffix(REMOVED))) is not None:
            self.judge(entry, told)
        elif self._store.is_own_file(entry):
            return
        elif (leased := self._store.leases.workspace_of(entry)) is not None and (
            told := labels.parse(leased)
        ) is not None:
            if leased not in present and leased + REMOVED not in present:
                self.judge(leased, told)
        elif (told_of := self._store.workspace_of(entry)) is not None and labels.parse(told_of) is not None:
            if told_of not in present:
                self._drop_orphan(entry, told_of)
        else:
            self.swept.skipped.append((entry, "scratchwork did not make it"))

    def judge(self, name: str, told: Name, expired: str = "") -> None:
        """Look at one workspace and, unless it is alive, remove or keep it; `expired` says why a kept one goes now."""
        try:
            lease = self._store.leases.seize(name)
        except FileNotFoundError:
            return
        except OSError as error:
            self.swept.skipped.append((name, error.strerror or str(error)))
            return
        if lease is None:
            self.swept.alive += 1
            return
        try:
            self._end(name, told, lease, expired)
        except OSError as error:
            self.swept.skipped.append((name, error.strerror or str(error)))
        finally:
            lease.release()

    def _end(self, name: str, told: Name, lease: Lease, expired: str) -> None:
        record = self._store.records.read(name)
        if record is None or name.endswith(REMOVED):
            self.remove(name, told, lease, record, "its process died")
        elif expired:
            self.remove(name, told, lease, record, expired)
        elif not record.is_kept and record.keep != "never":
            self._keep(name, told, record)
        elif not record.is_kept:
            self.remove(name, told, lease, record, "its process died")
        elif record.has_expired(self._now):
            self.remove(name, told, lease, record, "the time for which it was kept is over")
        else:
            self.swept.retained += 1
            self._retained.append((name, told, record))

    def _keep(self, name: str, told: Name, record: Record) -> None:
        try:
            usage = self._store.leases.measure(name, self._deadline)
        except TimeoutError:  # it stays what it is, and a sweep with more time keeps it
            self.swept.complete = False
            return
        record.why = record.why or "killed: its process died without ending it"
        record.since = self._now
        record.until = self._now + self._store.retention.age
        record.files, record.bytes = usage.files, usage.bytes
        ended = self._ended(name, told, record, usage.files, usage.bytes, record.why)
        ended.outcome = "kept"
        if not self._dry_run:
            self._store.records.write(name, record)
        self.swept.kept.append(ended)
        self._lines.append(ended)
        self._retained.append((name, told, record))

    def remove(self, name: str, told: Name, lease: Lease, record: Record | None, why: str) -> None:
        """Remove a workspace whose lock one holds."""
        if self._dry_run:
            usage = self._store.leases.measure(name)
            self._count(self._ended(name, told, record, usage.files, usage.bytes, why))
            return
        if record is not None:
            # First, so that what is left if we are killed in the middle is plain garbage that nobody takes for kept.
            self._store.records.remove(name)
        removal = self._store.leases.remove(name, lease, self._deadline)
        self.swept.bytes += removal.usage.bytes
        self.swept.files += removal.usage.files
        if removal.complete:
            for beside in (name + suffix for suffix in BESIDE):
                if self._present is None or beside in self._present:
                    self._store.folder.unlink(beside)
            self._count(self._ended(name, told, record, removal.usage.files, removal.usage.bytes, why), counted=True)
        elif removal.ran_out_of_time:
            self.swept.complete = False
        else:
            for failure in removal.failures:
                path = f"{name}/{failure.path}" if failure.path else name
                self.swept.skipped.append((path, failure.reason))

    def _count(self, ended: Ended, *, counted: bool = False) -> None:
        self.swept.removed.append(ended)
        if not counted:
            self.swept.files += ended.files
            self.swept.bytes += ended.bytes
        self._lines.append(ended)
        if len(self._lines) >= _LEDGER_BATCH:
            self.enter_all()

    def _ended(self, name: str, told: Name, record: Record | None, files: int, size: int, why: str) -> Ended:
        label = record.label if record is not None else told.label
        seconds = max(0.0, self._now - told.created)
        return Ended(label, "reclaimed", files, size, seconds, told.pid, why, name, self._now)

    def _drop_orphan(self, entry: str, workspace: str) -> None:
        """Remove what tells of a workspace that is gone. The workspace was made first, so 'not there' means gone."""
        if self._dry_run:
            return
        try:
            self._store.folder.status(workspace)
        except FileNotFoundError:
            self._store.folder.unlink(entry)
