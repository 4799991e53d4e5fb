"""Cancelled at any await whatsoever, nothing is left: each one in turn, on both loops, by each kind of cancellation."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import threading
from collections.abc import Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import scratchwork
from scratchwork import aio
from scratchwork.aio import calls
from scratchwork.roots import tenure
from scratchwork.roots.commands import Command
from tests.aio.scenarios import SCENARIOS
from tests.helpers_processes import PATIENCE, is_gone, until

MOST_AWAITS = 200
KINDS = ("a scope on asyncio", "a scope on trio", "Task.cancel()")


@pytest.fixture(autouse=True)
def _collect_only_what_is_new() -> Iterator[None]:
    """Let a collection after each await look at what the test made, and not at all that pytest has loaded."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class CancelAt:
    """An awaitable that is another one, and calls `cancel` when that waits for the n-th time."""

    def __init__(self, awaitable: Awaitable[None], number: int, cancel: Callable[[], object]) -> None:
        self._awaitable = awaitable
        self._left = number
        self._cancel = cancel
        self.was_reached = False

    def __await__(self) -> Generator[Any, Any, None]:
        steps: Any = self._awaitable.__await__()
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                waits_for = steps.send(value) if error is None else steps.throw(error)
            except StopIteration:
                return
            self._left -= 1
            if self._left == 0:
                self.was_reached = True
                self._cancel()
            value = error = None
            try:
                value = yield waits_for
            except BaseException as thrown:
                error = thrown


def cancelled_at(awaitable: Callable[[], Awaitable[None]], number: int, kind: str) -> bool:
    """Run something and cancel it when it waits for the n-th time; return whether it waited that often."""
    reached = False

    async def main() -> None:
        nonlocal reached
        with anyio.CancelScope() as scope:
            cancel: Callable[[], object] = scope.cancel
            if kind == "Task.cancel()":
                task = asyncio.current_task()
                assert task is not None
                cancel = task.cancel
            wrapped = CancelAt(awaitable(), number, cancel)
            try:
                await wrapped
            finally:
                reached = wrapped.was_reached

    with contextlib.suppress(asyncio.CancelledError):
        anyio.run(main, backend="trio" if "trio" in kind else "asyncio")
    return reached


@pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"made_by_hand"}))
def test_nothing_is_left(name: str, kind: str, temp: Path, left: Callable[[], list[str]]) -> None:
    for number in range(1, MOST_AWAITS):
        reached = cancelled_at(lambda: SCENARIOS[name](temp), number, kind)
        gc.collect()
        assert left() == [], f"cancelled at await {number}"
        if not reached:
            assert number > 1
            return
    pytest.fail("it waits too often to tell")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("function", [aio.mkstemp, aio.mkdtemp])
def test_what_nobody_was_given_is_removed(
    function: Callable[[], Awaitable[Any]], kind: str, temp: Path, left: Callable[[], list[str]]
) -> None:
    made: list[Any] = []

    async def make() -> None:
        made.append(await function())

    for number in range(1, MOST_AWAITS):
        reached = cancelled_at(make, number, kind)
        if not made:
            assert left() == []
        if not reached:
            return
        made.clear()
        for path in temp.iterdir():  # it was given it, and cancelled after that
            path.rmdir() if path.is_dir() else path.unlink()


def cancelled_while_making(temp: Path) -> None:
    """Cancel a task natively while its thread is about to make a directory for it."""
    begun, cancelled = threading.Event(), threading.Event()

    def function() -> Path:
        begun.set()
        cancelled.wait(PATIENCE)
        (temp / "made").mkdir()
        return temp / "made"

    async def main() -> None:
        task = asyncio.create_task(calls.make(function, Path.rmdir))
        await anyio.to_thread.run_sync(begun.wait, PATIENCE)
        task.cancel()
        await asyncio.sleep(0)
        cancelled.set()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    anyio.run(main, backend="asyncio")


def test_what_is_being_made_is_undone(temp: Path) -> None:
    cancelled_while_making(temp)
    assert list(temp.iterdir()) == []


def test_control_without_undoing_it_is_left(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undo = calls._Once.undo
    monkeypatch.setattr(calls._Once, "undo", lambda once, _: undo(once, lambda _: None))
    cancelled_while_making(temp)
    assert list(temp.iterdir()) == [temp / "made"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_running_command_is_ended(kind: str, temp: Path, left: Callable[[], list[str]]) -> None:
    pids: list[int] = []

    async def main() -> None:
        async with aio.workspace() as ws:
            pid = Path(ws) / "pid"

            async def run() -> None:
                await ws.run(["sh", "-c", "echo $$ > started; mv started pid; sleep 60 & wait"])

            async def cancel_when_started(cancel: Callable[[], object]) -> None:
                await anyio.to_thread.run_sync(until, pid.exists, "the command")
                pids.append(int(pid.read_text()))
                cancel()

            if kind == "Task.cancel()":
                task = asyncio.create_task(run())
                await cancel_when_started(task.cancel)
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            else:
                async with anyio.create_task_group() as group:
                    group.start_soon(run)
                    await cancel_when_started(group.cancel_scope.cancel)
            assert is_gone(pids[0]), "ended, and waited for"

    anyio.run(main, backend="trio" if "trio" in kind else "asyncio")
    assert pids
    assert left() == []


def test_control_without_stopping_it_runs_on(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Command, "stop", lambda *_: None)

    async def main() -> None:
        async with aio.workspace() as ws:
            pid, fifo = Path(ws) / "pid", Path(ws) / "fifo"
            os.mkfifo(fifo)
            task = asyncio.create_task(ws.run(["sh", "-c", "echo $$ > started; mv started pid; read x < fifo"]))
            await anyio.to_thread.run_sync(until, pid.exists, "the command")
            task.cancel()
            await anyio.to_thread.run_sync(lambda: None)
            assert not is_gone(int(pid.read_text()))
            await anyio.to_thread.run_sync(fifo.write_text, "x\n")
            with contextlib.suppress(asyncio.CancelledError):
                await task

    anyio.run(main, backend="asyncio")


@pytest.mark.anyio
async def test_a_cancelled_sweep_ends(temp: Path) -> None:
    root = aio.Root("app", temp, sweep_first=False)
    sync = await root.opened()
    for _ in range(50):
        _die_with(sync)
    with anyio.CancelScope() as scope:
        await root.sweep(progress=lambda done, total: anyio.from_thread.run_sync(scope.cancel))
    assert scope.cancelled_caught
    await root.sweep()
    assert await root.workspaces() == []


def _die_with(root: scratchwork.Root) -> None:
    """Leave a workspace as a killed process does: nobody holds it."""
    ws = root.workspace()
    ws._tenure.lease.release()
    ws._tenure.is_over = True
    tenure._under_way.pop(ws.name)
