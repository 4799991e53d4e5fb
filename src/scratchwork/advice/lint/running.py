"""Looking at many files: on all cores, and only at what is not known already."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time

from scratchwork.advice.lint.cache import Known, digest_of, settled_stamp, stamp_of
from scratchwork.advice.lint.reading import look_at, read, unreadable
from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self

    from scratchwork.advice.lint.cache import Cache
    from scratchwork.advice.lint.mistakes import Mistake

WORTH_A_PROCESS = 300_000
"""Bytes of source that are looked at in about the time that another process takes to start."""

_CHUNK = 100_000  # bytes: small, so that all processes are done at about the same time


class Looked(Fact):
    """One file that was looked at, and all that was found in it."""

    __slots__ = ("found", "path")

    def __init__(self, path: str, found: Sequence[Mistake]) -> None:
        self.path = path
        self.found = found


class Task(Fact):
    """A file to look at, how large it is, and what was known of it before it changed, if it did."""

    __slots__ = ("known", "path", "size")

    def __init__(self, path: str, size: int, known: Known | None) -> None:
        self.path = path
        self.size = size
        self.known = known


def look_at_files(paths: Sequence[str], cache: Cache | None = None, cores: int | None = None) -> list[Looked]:
    """Look at files and return what was found, in their order, whatever the number of `cores` (by default all of ours).

    What the cache knows of unchanged files is taken from it, and what is new is saved there. When this process is
    interrupted or killed, those that help it end as well. Raises OSError if one of these is killed.
    """
    found: dict[str, Sequence[Mistake]] = {}
    tasks = []
    for path in paths:
        known = cache.known(path) if cache is not None else None
        try:
            status = os.stat(path)
        except OSError as error:
            found[path] = [unreadable(error)]
            continue
        if known is not None and known.stamp == stamp_of(status):
            found[path] = known.found
        else:
            tasks.append(Task(path, status.st_size, known))
    for task, now in zip(tasks, _look(tasks, cores or _our_cores()), strict=True):
        if isinstance(now, Known):
            found[task.path] = now.found
            if cache is not None and now != task.known:
                cache.put(task.path, now)
        else:
            found[task.path] = [now]
    if cache is not None:
        cache.save()
    return [Looked(path, found[path]) for path in paths]


def _look(tasks: list[Task], cores: int) -> Iterable[Known | Mistake]:
    processes = min(cores, sum(task.size for task in tasks) // WORTH_A_PROCESS, len(tasks))
    if processes < 2:
        return map(_look_at_one, tasks)
    return _look_in_processes(list(_chunks(tasks)), processes)


def _look_at_one(task: Task) -> Known | Mistake:
    """Return what is known of a file now, or why nothing is."""
    started = time.time_ns()
    try:
        data, status = read(task.path)
    except OSError as error:
        return unreadable(error)
    digest = digest_of(data)
    is_the_same = task.known is not None and task.known.digest == digest
    try:
        found = task.known.found if task.known is not None and is_the_same else look_at(data)
    except Exception as error:
        error.add_note(f"in {task.path}")  # a mistake of ours: say with which file
        raise
    return Known(settled_stamp(status, started), digest, found)


def _look_in_processes(chunks: list[list[Task]], processes: int) -> list[Known | Mistake]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    others = set(multiprocessing.active_children())
    with _Uninterrupted() as signals:
        pool = ProcessPoolExecutor(processes, initializer=_begin)
        futures = [pool.submit(_look_at_some, chunk) for chunk in chunks]
        try:
            signals.let_through()
            return [one for future in futures for one in future.result()]
        except BrokenProcessPool:
            raise OSError(errno.ECHILD, "a process that looked at files was killed; was there enough memory?") from None
        except BaseException:
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _look_at_some(tasks: list[Task]) -> list[Known | Mistake]:
    return [_look_at_one(task) for task in tasks]


class _Uninterrupted:
    """Holds an interrupt back while processes are started, so that they inherit it blocked: we end them ourselves."""

    def __enter__(self) -> Self:
        if sys.platform != "win32":
            self._before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        return self

    def let_through(self) -> None:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def __exit__(self, *error: object) -> None:
        self.let_through()


def _begin() -> None:
    """Prepare a process that helps: it ends when the one that it helps is gone, however that ended."""
    import gc
    import threading

    gc.set_threshold(200_000)  # trees are large and have no cycles: looking for some takes a sixth of the time
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _chunks(tasks: list[Task]) -> Iterator[list[Task]]:
    chunk: list[Task] = []
    size = 0
    for task in tasks:
        chunk.append(task)
        size += task.size
        if size >= _CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _our_cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
