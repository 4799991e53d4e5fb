"""Watching what any program writes into a tree: looking now and then, often when it matters.

A look is one statvfs(2). What the file system has lost since the last walk is the most that the tree can have grown by,
so only when that would bring it to its limit, or the last walk is long ago, the tree is walked. Looks come the faster
the less is left. Walks take `_DUTY` of a core on average, and no more than one is saved up, or owed: they come twice a
second in a tree that is small, and twice a minute in one of 100,000 files.

Where others write on the same file system, it tells nothing of the tree, and there is no walking all the time. Then we
glance at the processes that descend from ours, which costs the same for any number of files, and takes `_GLANCING` of
a core. If all that they have open for writing in the tree is more than its limit, that is enough. If they have written
as much as there was room for, into whatever, it is time for a walk, also for one that is owed.

What can't be seen: how far a program gets between two looks. Where others are busy, the growth by many small files, by
empty ones, or by processes that are no descendants of ours, may show at the next walk only; the growth that is balanced
by what others remove at the same instant does so anyhow. Directories of other users that we may not look into don't
count. Those of ours whose mode keeps us out can't be left uncounted, and a job's modes are its own to change: so when
one stays shut, the watching ends with an error.
"""

from __future__ import annotations

import os
import sys
import time

from scratchwork.errors import CannotWatch, QuotaExceeded
from scratchwork.files import metering
from scratchwork.system import holdings, mounts, processes
from scratchwork.system.trees import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Thread
    from typing import Any, ClassVar

    from scratchwork.files.meters import Meter

    OnExceeded = Callable[[OSError], object]

_DUTY = 0.01  # of a core: what all walks together may take
_SAVED = 0.06  # seconds of walking that may be saved up for when it matters; or one walk that takes longer
_GLANCING, _SAVED_GLANCING = 0.003, 0.005  # of a core, and seconds
_OFTEN, _SELDOM = 0.01, 0.5  # seconds between looks
_FASTEST_BYTES = 8e9  # a second: what a program may write at most
_FASTEST_FILES = 1e6  # a second: how many it may make
_MORE = 64 * 2**20  # bytes
_SHUT_FOR = 1.0  # seconds: programs that try what they are forbidden open it again
_WALK_AT_LEAST = 0.1  # seconds between regular walks of a small tree


class _Allowance:
    """Seconds of a core that may be spent: a share of it on average, and what is saved up of that."""

    __slots__ = ("_at", "_share", "saved")

    def __init__(self, share: float, saved: float) -> None:
        self._share = share
        self._at = 0.0
        self.saved = saved

    def earn(self, now: float, most: float) -> None:
        """Get what has come in until now, but save no more than so much."""
        self.saved = min(most, self.saved + (now - self._at) * self._share)
        self._at = now

    def spend(self, cost: float) -> None:
        """Spend so much, or all there is; what was owed before is forgiven, so that some is there in bounded time."""
        self.saved = max(self.saved - cost, -cost)

    def wait(self) -> float:
        """Return the seconds until nothing is owed."""
        return -self.saved / self._share if self.saved < 0 else 0.0


class Watch:
    """The look at one tree: `look()` returns the seconds until the next one is due."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._used = Usage()
        self._space: mounts.Space | None = None
        self._walked = self._cost = 0.0
        self._walking = _Allowance(_DUTY, _SAVED)
        self._glancing = _Allowance(_GLANCING, _SAVED_GLANCING)
        self._more = 0
        self._lost_bytes = self._lost_files = 0
        """What the file system has lost since the last walk."""
        self._before = (0, 0)
        """What a glance saw just before the last walk."""
        self._shut = ("", 0.0)
        """The directory that the last walk could not look into, and since when that is so."""

    def look(self) -> float:
        """Raise QuotaExceeded if the tree holds more than it may; else return for how long that is likely to hold.

        Raises OSError if it can't be found out.
        """
        now = time.monotonic()
        numbers = self._meter.read()
        limit = numbers.limit + self._more
        try:
            left = self._left(limit, numbers.limit_files)
        except FileNotFoundError:
            return _SELDOM  # it was removed; should it come back, it is seen
        if self._is_walk_due(now, left) or (left < 0 and self._is_suspect(now, limit, numbers.limit)):
            self._walk(now)
            if self._used.bytes > limit:
                raise QuotaExceeded(self._meter.tree, self._used.bytes, numbers.limit)
            files = self._used.files + self._used.directories
            if files > numbers.limit_files:
                raise QuotaExceeded(self._meter.tree, files, numbers.limit_files, what="files")
            left = self._left(limit, numbers.limit_files)
        return min(max(left if left >= 0 else self._glancing.wait(), _OFTEN), _SELDOM)

    def allow_more(self) -> None:
        """Let the next look, and those after it, find no fault with what is there now and somewhat more."""
        limit = self._meter.read().limit
        self._more = max(0, self._used.bytes - limit) + max(limit // 10, _MORE)

    def _left(self, limit: int, limit_files: int) -> float:
        """Return the seconds that pass at least until the limit can be reached, if the file system tells the truth."""
        space, before = mounts.space(self._meter.tree), self._space
        self._space = space
        if before is None:
            return -1.0
        # Of what others free between two looks we see nothing; so what was lost is added up from look to look.
        self._lost_bytes += max(0, before.free_bytes - space.free_bytes)
        left = (limit - self._used.bytes - self._lost_bytes) / _FASTEST_BYTES
        if space.free_inodes is not None and before.free_inodes is not None:
            self._lost_files += max(0, before.free_inodes - space.free_inodes)
            files_left = limit_files - self._used.files - self._used.directories - self._lost_files
            left = min(left, files_left / _FASTEST_FILES)
        return left

    def _is_walk_due(self, now: float, left: float) -> bool:
        self._walking.earn(now, max(_SAVED, self._cost))
        if not self._walked:
            return True
        if left >= 0:
            return now - self._walked > max(_WALK_AT_LEAST, 2 * self._cost / _DUTY)
        # Half of what is saved of many walks is for those that a glance asks for.
        return self._walking.saved >= max(_SAVED / 2, self._cost)

    def _is_suspect(self, now: float, limit: int, told: int) -> bool:
        """Glance, if that may be, and tell whether the tree should be walked although little time for that is saved.

        Raises QuotaExceeded with `told` as the limit if the glance alone says that there is more than `limit`.
        """
        self._glancing.earn(now, _SAVED_GLANCING)
        if self._glancing.saved < 0:
            return False
        began = time.thread_time()
        there, written = self._glance()
        self._glancing.spend(time.thread_time() - began)
        if there > limit:
            self._used = Usage(self._used.files, self._used.directories, max(there, self._used.bytes))
            raise QuotaExceeded(self._meter.tree, there, told)
        grown = max(there - self._before[0], written - self._before[1])
        return self._walking.saved >= 0 and grown >= limit - self._used.bytes

    def _glance(self) -> tuple[int, int]:
        """Return what our family has open for writing in the tree, and what it has written so far, anywhere."""
        family = processes.family()
        return holdings.open_in(self._meter.tree, family), processes.written(family)

    def _walk(self, now: float) -> None:
        began = time.thread_time()
        self._lost_bytes = self._lost_files = 0  # before the walk: what is written meanwhile counts as lost
        self._before = self._glance()
        try:
            self._used = self._meter.measure()
        except PermissionError:
            self._used = Usage(self._used.files, self._used.directories, self._used.bytes, shut=os.curdir)
        self._check_shut(now)
        self._walked = now
        self._cost = time.thread_time() - began
        self._walking.spend(self._cost)

    def _check_shut(self, now: float) -> None:
        """Raise CannotWatch if what keeps us out now did so some time ago."""
        path, since = self._shut
        if self._used.shut != path:
            self._shut = self._used.shut, now
        elif path and now - since > _SHUT_FOR:
            raise CannotWatch(os.path.normpath(os.path.join(self._meter.tree, path)))


class Watcher:
    """A thread that looks after trees until it is stopped.

    It tells when one has exceeded its quota, and once more if it goes on to grow after that, by a tenth of the quota or
    64 MiB. If it can't look any more (an OSError), it tells that, too: what nobody watches must not go on. It does not
    keep the interpreter from exiting. A forked child has none.
    """

    def __init__(self, meters: list[Meter], on_exceeded: OnExceeded | None, root: str | None = None) -> None:
        """Start it. `on_exceeded` None: raise the error in the main thread, see `MainThreadRaiser`.

        `root`: the path of a root that has no quota yet; once it has one, that is looked after, too.
        """
        import threading

        self._root = root
        self._watches = [Watch(meter) for meter in meters]
        self._listeners: list[OnExceeded] = []
        self._main_listeners: list[OnExceeded] = []
        self._error: OSError | None = None
        self._raiser: MainThreadRaiser | None = None
        if on_exceeded is None:
            on_exceeded = self._raiser = MainThreadRaiser()
        self._on_exceeded = on_exceeded
        self._stopped = threading.Event()
        self._thread: Thread | None = threading.Thread(target=self._run, name="scratchwork-quota", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking. When it returns, `on_exceeded` won't be called, and nothing be raised, any more."""
        if self._raiser is not None:
            self._raiser.stop()
        self._stopped.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread.is_alive():
            import threading

            if thread is not threading.current_thread():
                thread.join()

    def finish(self) -> OSError | None:
        """Stop looking, but for one last look; return what it finds. For who is not told of that in any other way."""
        self.stop()
        try:
            self._look()
        except OSError as error:
            return error
        return None

    def add_listener(self, listener: OnExceeded) -> None:
        """Tell one more, before the one it was made with. Raises what it told last if it looks no more.

        One that is added by the main thread raises the error there, so that it is not raised a second time.
        """
        import threading

        if threading.current_thread() is threading.main_thread():
            self._main_listeners.append(listener)
        self._listeners.append(listener)
        if self._error is not None:
            self.remove_listener(listener)
            raise self._error

    def remove_listener(self, listener: OnExceeded) -> None:
        """Tell that one no more."""
        self._listeners.remove(listener)
        if listener in self._main_listeners:
            self._main_listeners.remove(listener)

    def _run(self) -> None:
        try:
            error = self._look_until_exceeded()
            if isinstance(error, QuotaExceeded):
                self._tell(error)
                for watch in self._watches:
                    watch.allow_more()
                error = self._look_until_exceeded()
            self._error = error
            if error is not None:
                self._tell(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody watches from here on
            self._error = OSError(f"the watcher of a quota failed: {type(error).__name__}: {error}")
            self._tell(self._error)

    def _tell(self, error: OSError) -> None:
        raises_it = bool(self._main_listeners)
        for listener in list(self._listeners):
            listener(error)
        if self._raiser is None or not raises_it:
            self._on_exceeded(error)

    def _look_until_exceeded(self) -> OSError | None:
        """Return what went wrong; None if nothing did until we were stopped."""
        try:
            while not self._stopped.wait(self._look()):
                pass
        except OSError as error:
            return None if self._stopped.is_set() else error
        return None

    def _look(self) -> float:
        """Look at all trees, and return the seconds until the next look is due."""
        if self._root is not None and (meter := metering.known(self._root)) is not None:
            self._watches.append(Watch(meter))
            self._root = None
        return min([watch.look() for watch in self._watches])


class MainThreadRaiser:
    """An `on_exceeded` that raises the error in the main thread, also out of a system call that blocks it.

    It does what ctrl-C does, by way of another signal: SIGURG, which is ignored unless a program asks for it. If it
    does, its handler is called whenever the signal has not come from us.
    """

    _waiting: ClassVar[list[MainThreadRaiser]] = []
    """Those that may have to raise something; the signal has its handler as long as there are any."""
    _handler_before: ClassVar[object] = None

    def __init__(self) -> None:
        """Get ready. Raises ValueError in a thread other than the main one, and on Windows."""
        import threading

        if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
            raise ValueError(
                "an exception can be raised in the main thread alone, and not on Windows: "
                "give on_exceeded=, which is called instead"
            )
        import signal

        self.error: OSError | None = None
        if not self._waiting:
            MainThreadRaiser._handler_before = signal.signal(signal.SIGURG, self._raise)
        self._waiting.append(self)

    def __call__(self, error: OSError) -> None:
        """Raise it there, as soon as may be."""
        import signal
        import threading

        self.error = error
        main = threading.main_thread().ident
        if sys.platform != "win32" and main is not None:
            signal.pthread_kill(main, signal.SIGURG)

    def stop(self) -> None:
        """Raise nothing any more."""
        if self not in self._waiting:
            return
        self._waiting.remove(self)
        if not self._waiting and sys.platform != "win32":
            import signal
            import threading

            if threading.current_thread() is threading.main_thread():  # elsewhere it can't be set; ours does no harm
                before: Any = MainThreadRaiser._handler_before  # by way of `self` a function would become a method
                signal.signal(signal.SIGURG, before or signal.SIG_DFL)

    @classmethod
    def _raise(cls, number: int, frame: object) -> None:
        for one in cls._waiting:
            error, one.error = one.error, None  # once
            if error is not None:
                raise error
        if callable(cls._handler_before):
            cls._handler_before(number, frame)
