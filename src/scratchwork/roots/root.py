"""A private directory of one application, holding its workspaces."""

from __future__ import annotations

import os
import time

from scratchwork.errors import WorkspaceGone
from scratchwork.roots import labels, registry, workspace
from scratchwork.roots.ledger import Ended
from scratchwork.roots.quota import Terms, in_force, quota_of, set_root_quota, stored
from scratchwork.roots.records import Record
from scratchwork.roots.store import Store, root_path, root_prefix
from scratchwork.roots.sweeping import Swept, remove_one, sweep, sweep_one
from scratchwork.system.facts import Fact
from scratchwork.system.tempdirs import tempdir
from scratchwork.system.trees import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from scratchwork.roots.placement import Placement
    from scratchwork.roots.quota import Enforcement, InForce, Quota
    from scratchwork.roots.records import Keep
    from scratchwork.roots.retention import Retention
    from scratchwork.roots.sweeping import Progress
    from scratchwork.roots.watching import OnExceeded
    from scratchwork.roots.workspace import Workspace

    State = Literal["alive", "dead", "kept", "unknown"]

OPENING_SWEEP_SECONDS = 0.1
"""How long opening a root may spend on removing what is dead."""
_FOREVER = float("inf")


class Found(Fact):
    """A workspace as it was found in its root.

    `state`: "alive" (somebody holds it), "dead" (nobody does, and the next sweep ends it), "kept", or "unknown" (the
    lock could not be tried; counts as alive). `created`, `since` and `until`: seconds since the epoch. `why`: why
    it is kept, or unknown.
    """

    __slots__ = ("created", "keep", "label", "name", "path", "pid", "since", "state", "until", "why")

    def __init__(self, path: str, name: str, state: State, record: Record | None, why: str) -> None:
        told = labels.parse(name)
        assert told is not None
        self.path = path
        self.name = name
        self.state: State = state
        self.label = record.label if record is not None else told.label
        self.created = told.created
        self.pid = told.pid
        self.keep: Keep = record.keep if record is not None else "never"
        self.since = record.since if record is not None else None
        self.until = record.until if record is not None else None
        self.why = why or (record.why if record is not None else "")


class Root:
    """A private directory of one application, holding its workspaces: `Root("myapp")`.

    Threads and processes may share a root, and each opens its own. Opening sweeps what is dead, for at most
    `OPENING_SWEEP_SECONDS`, and a sweep that fails never makes the opening fail.
    """

    _store: Store

    def __init__(
        self,
        app: str,
        dir: str | os.PathLike[str] | None = None,  # noqa: A002 - tempfile's word
        *,
        retention: Retention | None = None,
        quota: Quota | int | str | None = None,
        sweep_first: bool = True,
    ) -> None:
        """Open, and make if need be, the root of `app` in `dir`, by default the temp folder.

        `retention` is stored with the root, so that every sweep heeds it; None leaves what is stored. So is `quota`,
        for all workspaces of the root together, dead and kept ones too; `Quota()` ends it. Set or changed while jobs
        run, it is in force within a twentieth of a second for every file that is opened metered from then on, and for
        jobs that are watched. A job that began when nothing limited it, and a file that was open then, go on as they
        were.

        Raises UntrustedRoot, LocksUnsupported, InvalidLabel for a bad name, ValueError for a bad quota, and
        CannotMakeWorkspace where the directory can't be made.
        """
        wanted = quota_of(quota)
        self._app = app
        self._is_bound = dir is not None
        self._open(Store(root_path(app, dir), retention=retention), sweep_first=sweep_first)
        if wanted is not None:
            set_root_quota(self.path, wanted)

    @classmethod
    def at(cls, path: str | os.PathLike[str], *, sweep_first: bool = False) -> Root:
        """Open a root that exists, by its own path. Raises FileNotFoundError and UntrustedRoot."""
        root = cls.__new__(cls)
        root._is_bound = True  # noqa: SLF001 - our own
        root._open(  # noqa: SLF001 - our own
            Store(os.path.abspath(path), create=False), sweep_first=sweep_first
        )
        return root

    @property
    def path(self) -> str:
        """The absolute path of the root's own directory."""
        return self._store.path

    @property
    def retention(self) -> Retention:
        """How long, how many and how much of kept workspaces the root retains."""
        return self._store.retention

    @property
    def quota(self) -> Quota | None:
        """What all its workspaces together may hold; None if there is no limit."""
        return stored(self.path)

    def workspace(
        self,
        label: str = "job",
        *,
        keep: Keep = "never",
        quota: Quota | int | str | None = None,
        enforce: Enforcement = "metered",
        on_exceeded: OnExceeded | None = None,
        reserve: int | str | None = None,
        placement: Placement | str | None = None,
    ) -> Workspace:
        """Make a workspace: a directory of mode 0700, leased to this process.

        `label`: what a person will know it by, up to 200 printable characters without a slash. `keep`: "never",
        "failure" (an exception leaves the block, or the process is killed) or "always"; KEEP_TEMP=1 in the environment
        means always.

        `quota`: what it may hold, such as "2 GB", or a `Quota`. `enforce`: "metered" counts what is written through
        `Workspace.open` and `scratchwork.tempfile`, to the byte; "watched" looks besides at what any program has
        written, many times a second when it matters, and calls `on_exceeded` with the QuotaExceeded, in a thread of
        its own (and once more if it goes on to grow by a tenth, or 64 MiB), or raises it in the main thread, also out
        of a call that blocks that. If the watcher itself fails, so that nobody watches any more, its OSError goes the
        same way. The root's own quota is enforced too.

        `reserve`: the bytes that must be free, such as "5 GB"; `placement`: what else the place must have, see
        `Placement`, or its kinds, such as "fast". The candidates are those of the placement; without any, the root's
        own directory if it was given one as `dir`, else those that `Placement` names. Where another one than the root's
        is chosen, the workspace lies in the root of the same application there.

        Raises InvalidLabel, NoSuitablePlace, ValueError (a bad quota; "watched" without `on_exceeded` in a thread other
        than the main one) and CannotMakeWorkspace (no room, no inodes, no descriptors, read-only).
        """
        terms = None
        if quota is not None or enforce != "metered":
            terms = Terms(quota, enforce, on_exceeded)
        if placement is None and reserve is None:
            return self._make(label, keep, terms)
        return self._placed(placement, reserve, quota_of(quota))._make(label, keep, terms)

    def _make(self, label: str, keep: Keep, terms: Terms | None) -> Workspace:
        try:
            return workspace.make(self._store, label, keep, terms)
        except FileNotFoundError:  # somebody removed the whole root, as cleaners of the temp folder do
            self._store = Store(self._store.path, retention=self._store.retention)
            return workspace.make(self._store, label, keep, terms)

    def _placed(self, placement: Placement | str | None, reserve: int | str | None, quota: Quota | None) -> Root:
        """Return the root of the same application in the place that has what is asked for."""
        from scratchwork.roots.placement import choose, placement_of

        own = os.path.dirname(self.path)
        chosen = choose(placement_of(placement, reserve), quota, own if self._is_bound else None)
        return self if chosen == own else Root(self._app, chosen, retention=self.retention)

    def workspaces(self) -> list[Found]:
        """Return what is in the root, the oldest first, each with whether it is alive. Changes nothing."""
        found = [self._look(name) for name in self._store.folder.names() if labels.parse(name)]
        return sorted((one for one in found if one is not None), key=lambda one: (one.created, one.name))

    def sweep(self, *, dry_run: bool = False, seconds: float | None = None, progress: Progress | None = None) -> Swept:
        """Remove every workspace that nobody holds, but what is to be kept, and what was kept for long enough.

        What is alive is never touched. Any number of sweeps, by threads or processes, may run at once. `seconds` bounds
        the time; `progress(done, total)` is called on the way. Raises OSError only if the root can't be read.
        """
        deadline = _FOREVER if seconds is None else time.monotonic() + seconds
        return sweep(self._store, dry_run=dry_run, deadline=deadline, progress=progress)

    def keep(self, name: str, reason: str = "asked for") -> None:
        """Keep a workspace: a dead one from now on, a living one when it ends, unless it is empty then.

        Raises WorkspaceGone and CannotKeep.
        """
        if labels.parse(name) is None or self._look(name) is None:
            raise WorkspaceGone(os.path.join(self.path, name))
        self._store.records.ask_to_keep(name, reason)
        sweep_one(self._store, name)

    def remove(self, name: str) -> Ended:
        """Remove a workspace that nobody holds, kept or not.

        Raises WorkspaceAlive, WorkspaceGone and CleanupIncomplete.
        """
        return remove_one(self._store, name, "asked for")

    @property
    def keeps_all(self) -> bool:
        """Whether KEEP_TEMP in the environment asked for every workspace to be kept."""
        return self._store.keeps_all

    def enter(self, ended: Ended) -> None:
        """Enter into the ledger how something ended that this root did not hold itself."""
        self._store.ledger.append(ended)

    def history(self) -> list[Ended]:
        """Return how workspaces ended, the oldest first, as far as the ledger reaches back."""
        return list(self._store.ledger.read())

    def usage(self) -> Usage:
        """Walk all workspaces, alive, dead and kept, and return what they hold together."""
        total = Usage()
        for one in self.workspaces():
            total += self.usage_of(one.name)
        return total

    def usage_of(self, name: str) -> Usage:
        """Walk one workspace and return what it holds; nothing if it is gone or can't be read."""
        try:
            return self._store.leases.measure(name)
        except OSError:
            return Usage()

    def limits_of(self, name: str) -> InForce | None:
        """Return the quota of one workspace, as it is enforced now; None if it has none."""
        return in_force(self._store.folder, name)

    def __repr__(self) -> str:
        return f"<Root {self.path!r}>"

    def _open(self, store: Store, *, sweep_first: bool) -> None:
        self._store = store
        if sweep_first:
            try:
                self.sweep(seconds=OPENING_SWEEP_SECONDS)
            except OSError:
                pass  # who opens a root wants a workspace, and can have one

    def _look(self, name: str) -> Found | None:
        state: State
        why = ""
        try:
            lease = self._store.leases.seize(name)
        except FileNotFoundError:
            return None
        except OSError as error:
            state, why, record = "unknown", error.strerror or str(error), None
        else:
            if lease is not None:
                lease.release()
            record = self._store.records.read(name)
            state = "alive" if lease is None else "kept" if record is not None and record.is_kept else "dead"
        return Found(os.path.join(self.path, name), name, state, record, why)


def roots_in(directory: str | os.PathLike[str] | None = None) -> list[str]:
    """Return the paths of this user's roots in a directory, sorted.

    By default those in the temp folder, and those elsewhere that are registered.
    """
    prefix = root_prefix()
    with os.scandir(tempdir() if directory is None else os.path.abspath(directory)) as entries:
        found = {entry.path for entry in entries if entry.name.startswith(prefix)}
    return sorted(found.union(registry.registered()) if directory is None else found)
