"""One process's hold on a workspace, and how it ends: removed, kept, or handed to the background.

A tenure is ended once, by the process that made the workspace; a forked child's copy only lets go of the lease.
"""

from __future__ import annotations

import atexit
import os
import sys
import time

from scratchwork.errors import CannotKeep, CleanupIncomplete, WorkspaceGone
from scratchwork.files import metering
from scratchwork.roots import lending
from scratchwork.roots.ledger import compose
from scratchwork.roots.records import Record, one_line, until_text
from scratchwork.system.leases import REMOVED
from scratchwork.system.trees import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from threading import Thread

    from scratchwork.roots.ledger import Outcome
    from scratchwork.roots.records import Keep
    from scratchwork.roots.store import Store
    from scratchwork.roots.watching import Watcher
    from scratchwork.system.leases import Lease
    from scratchwork.system.trees import Removal

_FOREVER = float("inf")

_under_way: dict[str, Tenure] = {}
"""What this process, or the one it was forked from, has made and not ended, by name."""
_workers: dict[str, Thread] = {}
"""What removes in the background: those that were started while atexit's callbacks ran are joined by nobody else."""
_until_exit: set[str] = set()
"""The names of those that are meant to be ended at exit."""


class Tenure:
    """A workspace that this process made."""

    __slots__ = (
        "has_lent",
        "has_meter",
        "has_record",
        "is_over",
        "keep",
        "label",
        "lease",
        "maker",
        "name",
        "since",
        "store",
        "watcher",
        "why",
    )

    def __init__(self, store: Store, name: str, label: str, keep: Keep, lease: Lease, pid: int) -> None:
        self.store = store
        self.name = name
        self.label = label
        self.keep: Keep = keep
        self.lease = lease
        self.why = ""
        self.maker = pid
        self.since = time.monotonic()
        self.has_record = False
        self.has_meter = False
        self.has_lent = False
        self.watcher: Watcher | None = None
        self.is_over = False  # ended, or let go of in a forked child
        _under_way[name] = self

    @property
    def path(self) -> str:
        """The absolute path of the workspace."""
        return f"{self.store.path}{os.sep}{self.name}"

    def note(self) -> None:
        """Write the record that tells a sweeper what this process meant. Raises OSError."""
        self.store.records.write(self.name, Record(self.label, self.keep, why=self.why))
        self.has_record = True

    def lasts_until_exit(self) -> None:
        """See to it that being there at exit is not taken for having been forgotten."""
        _until_exit.add(self.name)

    def mark_kept(self, why: str) -> None:
        """See to it that the workspace is kept when it ends, however it ends. Raises CannotKeep and WorkspaceGone."""
        if self.is_over:
            raise WorkspaceGone(self.path, "it has ended")
        before = self.keep, self.why
        self.keep, self.why = "always", one_line(why)
        try:
            self.note()
        except OSError as error:
            self.keep, self.why = before
            raise CannotKeep(self.path, error) from error

    def end(self, *, failure: str = "", background: bool = False, wait: float = lending.PATIENCE) -> None:
        """End it: keep the workspace if that is the policy, else remove it. `failure` says what went wrong, if it did.

        `wait`: for so many seconds at most for what is lent. Raises CleanupIncomplete. Ending again does nothing, and
        in a forked child no more than to let go of the lease.
        """
        self.is_over = True
        begun = _under_way.pop(self.name, None) is None
        if self.maker != os.getpid():
            self.lease.release()
            return
        if begun:
            return  # whoever began releases the lease, once it needs the descriptor no more
        if self.watcher is not None:
            self.watcher.stop()
        handed_over = False
        try:
            handed_over = self._end(failure, background=background, wait=wait)
        except FileNotFoundError:
            self._enter("cleaned", 0, 0, "somebody else had removed it")
        finally:
            self._forget_meter()
            if not handed_over:
                self._forget_loans()
                self.lease.release()

    def _end(self, failure: str, *, background: bool, wait: float) -> bool:
        """Keep or remove it; return whether that goes on in the background, by who has the lease now."""
        if self.keep == "always" or (failure and self.keep == "failure"):
            self._retain(self.why or failure or "asked for")
        elif self.store.leases.remove_empty(self.name, self.lease):
            self._forget_record()
            self._enter("cleaned", 0, 0, "")
        elif (asked := self._asked_meanwhile()) is not None:
            self._retain(asked.why or "asked for")
        elif background:
            return self._remove_in_background(wait)
        else:
            with (recall := lending.Recall(self.store.folder, self.name)):
                recall.wait(wait)
                self._remove()
        return False

    def _asked_meanwhile(self) -> Record | None:
        """Return the record if somebody else asked for the workspace to be kept (`scratch keep`).

        Looked for only where there is something to keep: the look would take as long as making the workspace's name.
        """
        record = self.store.records.read(self.name)
        return record if record is not None and record.keep == "always" else None

    def _retain(self, why: str) -> None:
        try:
            usage = self.store.leases.measure(self.name)
        except PermissionError:  # its job has shut it; kept all the same
            usage = Usage()
        now = time.time()
        record = Record(
            self.label,
            self.keep,
            why=one_line(why),
            since=now,
            until=now + self.store.retention.age,
            files=usage.files,
            bytes=usage.bytes,
        )
        try:
            self.store.records.write(self.name, record)
        except OSError as error:
            if not self.has_record:
                raise CannotKeep(self.path, error) from error
            # The note that was written when it was made still stands, so the next sweep keeps it.
        self._enter("kept", usage.files, usage.bytes, record.why)
        import logging

        logging.getLogger("scratchwork").warning("kept %s: %s (until %s)", self.path, record.why, until_text(record))

    def _remove(self) -> None:
        removal = self.store.leases.remove(self.name, self.lease, _FOREVER)
        self._report(removal)
        if removal.failures:
            raise CleanupIncomplete(self.path, removal.failures)

    def _report(self, removal: Removal) -> None:
        usage = removal.usage
        if removal.failures:
            self._enter("failed", usage.files, usage.bytes, str(removal.failures[0]))
        else:
            self._forget_record()
            self._enter("cleaned", usage.files, usage.bytes, "")

    def _remove_in_background(self, wait: float) -> bool:
        """Take the name away at once and leave the bytes to a thread; return whether the thread has the lease now.

        Where something is lent the thread waits for that, and then takes the name away.
        """
        recall = lending.Recall(self.store.folder, self.name)
        is_hidden = recall.is_over()
        if is_hidden:
            self._hide(recall)
        import threading

        # A daemon, which we join at exit ourselves, when what this process has lent is given back.
        worker = threading.Thread(
            target=self._finish_in_background,
            args=(None if is_hidden else recall, wait),
            name="scratchwork-cleanup",
            daemon=True,
        )
        try:
            _workers[self.name] = worker
            worker.start()
        except RuntimeError:  # the interpreter is shutting down, or no thread is to be had
            self._finish_in_background(None if is_hidden else recall, wait)
        return True

    def _hide(self, recall: lending.Recall) -> None:
        with recall:
            self.store.folder.rename(self.name, self.name + REMOVED)

    def _finish_in_background(self, recall: lending.Recall | None, wait: float) -> None:
        try:
            if recall is not None:
                recall.wait(wait)
                self._hide(recall)
            self._report(self.store.leases.remove(self.name + REMOVED, self.lease, _FOREVER))
        except FileNotFoundError:
            self._enter("cleaned", 0, 0, "somebody else had removed it")
        finally:
            self.lease.release()
            _workers.pop(self.name, None)

    def _forget_meter(self) -> None:
        if self.has_meter:
            metering.forget(self.path)
            self.store.folder.unlink(self.name + metering.SUFFIX)

    def _forget_loans(self) -> None:
        """Remove the file with the locks, where nobody who waited for them has."""
        if self.has_lent:
            self.store.folder.unlink(self.name + lending.SUFFIX)

    def _forget_record(self) -> None:
        if self.has_record:
            self.store.records.remove(self.name)

    def _enter(self, outcome: Outcome, files: int, size: int, why: str) -> None:
        seconds = time.monotonic() - self.since
        line = compose(self.label, outcome, files, size, seconds, self.maker, why, self.name, time.time())
        self.store.ledger.append_lines(line)


def told(error: BaseException) -> str:
    """Return what an exception says, also one that can't say it."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - somebody else's __str__ must not stop the ending
        return type(error).__name__


@atexit.register
def _end_all() -> None:
    """At exit, end what the program did not, with a warning. An uncaught exception counts as a failure."""
    error = getattr(sys, "last_value", None)
    failure = told(error) if error is not None else ""
    left = list(_under_way.values())
    lending.forget_all()
    for tenure in left:
        try:
            tenure.end(failure=failure)
        except OSError as problem:
            import logging

            logging.getLogger("scratchwork").warning("%s", problem)
    for worker in list(_workers.values()):
        worker.join()
    forgotten = [tenure.path for tenure in left if tenure.maker == os.getpid() and tenure.name not in _until_exit]
    if forgotten:
        import warnings  # last, since a warning may be made an error

        warnings.warn(f"Implicitly cleaning up at exit {', '.join(forgotten)}", ResourceWarning, stacklevel=1)
