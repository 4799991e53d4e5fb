"""Nothing blocks the loop: no file system call is made in its thread, and no step takes long."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

import scratchwork
from scratchwork import aio
from scratchwork.aio import files
from scratchwork.system.leases.directory import DirectoryLeases
from tests.aio.scenarios import SCENARIOS

pytestmark = pytest.mark.anyio

LONGEST = 0.02  # seconds of the processor's time that a step of the loop may take
TICK = 0.001  # seconds: to go round and round without a pause would keep the others from running
MANY = 100_000

# Audit events of calls that may wait for a disk, or another process.
_BLOCKING = ("open", "os.", "shutil.", "fcntl.", "subprocess.", "tempfile.", "ctypes.")
_HARMLESS = {"os.fspath", "os.putenv", "os.unsetenv", "os.register_at_fork"}
_watched: dict[int, list[str]] = {}
"""What was called in a thread that is watched."""


def _hook(event: str, arguments: Any) -> None:
    calls = _watched.get(threading.get_ident()) if _watched else None
    if calls is not None and event.startswith(_BLOCKING) and event not in _HARMLESS:
        calls.append(f"{event} {arguments!r:.200}")


sys.addaudithook(_hook)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Note what this thread calls that may block."""
    calls = _watched[threading.get_ident()] = []
    try:
        yield calls
    finally:
        del _watched[threading.get_ident()]


def _by_hand(name: str) -> bool:
    """Whether a scenario itself makes blocking calls."""
    return name in {"made_by_hand", "keeping_and_removing"}


@pytest.mark.parametrize("name", sorted(name for name in SCENARIOS if not _by_hand(name)))
async def test_nothing_in_the_loops_thread_touches_a_file_system(name: str, temp: Path) -> None:
    await SCENARIOS[name](temp)  # so that all is imported
    with watched() as calls:
        await SCENARIOS[name](temp)
    assert calls == []


async def test_control_it_is_seen(temp: Path) -> None:
    with watched() as calls:
        scratchwork.workspace().cleanup()
    assert any(call.startswith("os.mkdir") for call in calls)


async def test_a_spool_in_memory_needs_no_thread_and_on_disk_does(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_threads: list[str] = []
    call = files._OneAtATime.call

    def spied(self: Any, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        in_threads.append(method.__name__)
        return call(self, method, *arguments, **options)

    monkeypatch.setattr(files._OneAtATime, "call", spied)
    budget = scratchwork.MemoryBudget(2**20)
    async with aio.SpooledTemporaryFile(100_000, budget=budget) as spool:
        await spool.write(b"x" * 50_000)
        await spool.seek(0)
        await spool.read()
        assert in_threads == []
        assert budget.used == 50_000
        with watched() as calls:
            await spool.write(b"x" * 50_001)
            await spool.write(b"x")
            await spool.seek(0)
            await spool.read()
        assert calls == []
        assert in_threads == ["write", "write", "seek", "read"]


async def test_a_text_spool_too(temp: Path) -> None:
    async with aio.SpooledTemporaryFile(100_000, "w+", encoding="utf-8") as spool:
        with watched() as calls:
            for _ in range(3):
                await spool.write("ä" * 20_000)
            await spool.seek(0)
            assert len(await spool.read()) == 60_000
    assert calls == []


async def longest_step(done: Callable[[], bool]) -> float:
    """Run until `done`, as often as the loop lets us; return the longest that it let us wait, in processor time.

    The time that the processor was with others, on a busy machine, is not the loop's fault.
    """
    longest = 0.0
    before = time.thread_time()
    while not done():
        await anyio.sleep(TICK)
        now = time.thread_time()
        longest, before = max(longest, now - before), now
    return longest


def fill(ws: Path, number: int) -> None:
    """Make many files, quickly."""
    subprocess.run(["sh", "-c", f"seq {number} | xargs touch"], cwd=ws, check=True)


async def watch_while(action: Callable[[], Awaitable[Any]], until_gone: Callable[[], bool]) -> float:
    """Return the longest step while something is done, and until what is in the background is done."""
    finished = False
    longest = 0.0

    watches = anyio.Event()

    def is_over() -> bool:
        watches.set()
        return finished and until_gone()

    async def watch() -> None:
        nonlocal longest
        longest = await longest_step(is_over)

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        await watches.wait()
        await action()
        finished = True
    return longest


def _cleanup_is_over() -> bool:
    return all(thread.name != "scratchwork-cleanup" for thread in threading.enumerate())


@pytest.mark.once
async def test_the_loop_runs_on_while_a_workspace_of_100_000_files_is_removed(temp: Path) -> None:
    async with aio.workspace() as warm:
        await (warm / "file").touch()
    ws = await aio.workspace()
    await anyio.to_thread.run_sync(fill, Path(ws), MANY)
    longest = await watch_while(ws.cleanup, _cleanup_is_over)
    assert longest < LONGEST
    assert not await ws.path.exists()
    assert list(Path(ws).parent.glob("*.gone")) == []


@pytest.mark.once
async def test_control_in_the_loops_own_thread_it_does_not(temp: Path) -> None:
    ws = await aio.workspace()
    await anyio.to_thread.run_sync(fill, Path(ws), MANY // 10)

    async def remove() -> None:
        ws.wrapped.cleanup()

    assert await watch_while(remove, _cleanup_is_over) > LONGEST


async def test_the_long_removal_is_not_waited_for(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = threading.Event()
    remove = DirectoryLeases.remove

    def remove_later(*arguments: Any) -> Any:
        assert left.wait(30), "the block waits for what was to be done in the background"
        return remove(*arguments)

    monkeypatch.setattr(DirectoryLeases, "remove", remove_later)
    async with aio.workspace() as ws:
        await (ws / "file").touch()
    assert not await ws.path.exists(), "its name is gone"
    left.set()
