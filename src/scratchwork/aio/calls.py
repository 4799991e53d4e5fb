"""Blocking calls from async code, in worker threads, so that a cancellation leaves nothing half-done or lost.

What has begun runs to its end, and is waited for, whoever cancels: a cancel scope of anyio or trio, or asyncio's own
`Task.cancel()`, from which anyio does not shield. Only then the cancellation goes on.
"""

from __future__ import annotations

import math
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from anyio import CancelScope, CapacityLimiter, get_cancelled_exc_class, to_thread
from anyio.lowlevel import RunVar, checkpoint, current_token

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_MOST_THREADS = 40  # for short calls; apart from anyio's own, which a program's long ones may have taken
_short: RunVar[CapacityLimiter] = RunVar("scratchwork.short")
_long: RunVar[CapacityLimiter] = RunVar("scratchwork.long")


async def call(function: Callable[[], T], *, is_long: bool = False) -> T:
    """Call a function; a cancellation comes before it begins, or after its end. `is_long`: it may take long."""
    await checkpoint()
    return await finish(function, is_long=is_long)


async def finish(function: Callable[[], T], *, is_long: bool = False) -> T:
    """Call a function that must be called, also if we are cancelled already. `is_long`: it may take long, or wait."""
    once = _Once(function)
    cancelled: BaseException | None = None
    while True:
        try:
            with CancelScope(shield=True):
                limiter = _limiter(_long, math.inf) if is_long else _limiter(_short, _MOST_THREADS)
                result = await to_thread.run_sync(once.run, limiter=limiter)
            break
        except get_cancelled_exc_class() as error:  # asyncio's own; perhaps before it has begun
            cancelled = error
        except BaseException as error:
            if cancelled is not None:
                raise cancelled from error
            raise
    if cancelled is not None:
        raise cancelled
    return result


async def make(function: Callable[[], T], undo: Callable[[T], object]) -> T:
    """Call a function that makes something, which is undone if we are cancelled before anybody has it."""
    await checkpoint()
    once = _Once(function)
    try:
        with CancelScope(shield=True):
            made = await to_thread.run_sync(once.run, limiter=_limiter(_short, _MOST_THREADS))
    except get_cancelled_exc_class():  # asyncio's own: what was made is nobody's
        await finish(lambda: once.undo(undo))
        raise
    return made


async def stoppable(function: Callable[[], T], stop: Callable[[], object], *, waits: bool = True) -> T:
    """Call a function that may take long; if we are cancelled, `stop` makes it end, which is waited for if `waits`."""
    once = _Once(function)
    try:
        return await to_thread.run_sync(once.run, abandon_on_cancel=True, limiter=_limiter(_long, math.inf))
    except get_cancelled_exc_class():
        if not once.forbid():
            await finish(stop)
            if waits:
                await finish(lambda: once.undo(lambda _: None), is_long=True)
        raise


def from_any_thread() -> Callable[[Callable[[], object]], object]:
    """Return what has a function called soon in the running event loop, from any thread, and waits for nothing.

    It raises RuntimeError, or trio.RunFinishedError, which is one, if the loop has ended.
    """
    native = current_token().native_token
    schedule: Callable[[Callable[[], object]], object] | None = getattr(native, "call_soon_threadsafe", None)
    return schedule or native.run_sync_soon  # type: ignore[attr-defined] # of asyncio; of trio


class _Once(Generic[T]):
    """A call that is made once, however often it is asked for; whoever asks later waits for it."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._lock = Lock()
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._is_settled = False

    def run(self) -> T:
        with self._lock:
            if not self._is_settled:
                self._is_settled = True
                try:
                    self._result.append(self._function())
                except BaseException as error:
                    self._error = error
                    raise
            if self._error is not None:
                raise self._error
            return self._result[0]

    def forbid(self) -> bool:
        """Never begin; False if it has begun. Does not wait."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            is_begun, self._is_settled = self._is_settled, True
            return not is_begun
        finally:
            self._lock.release()

    def undo(self, undo: Callable[[T], object]) -> None:
        """Never begin, or wait for the end and undo what was done."""
        with self._lock:
            self._is_settled = True
            if self._result:
                undo(self._result[0])


def _limiter(variable: RunVar[CapacityLimiter], most: float) -> CapacityLimiter:
    """Return the limiter of the running event loop."""
    try:
        return variable.get()
    except LookupError:
        limiter = CapacityLimiter(most)
        variable.set(limiter)
        return limiter
