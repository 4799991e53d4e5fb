"""Workspaces in async code: what their blocks see, and what becomes of them in odd ways of ending."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import pytest

from scratchwork import QuotaExceeded, aio
from scratchwork.aio.workspaces import WorkspaceOpening

TENS = 45  # more than there are threads for short calls


@pytest.mark.anyio
async def test_an_exceeded_quota_cancels_the_block(temp: Path, left: Callable[[], list[str]]) -> None:
    with pytest.raises(QuotaExceeded) as caught:
        async with aio.workspace(quota="1 MB", enforce="watched") as ws:
            await (ws / "big").write_bytes(b"x" * 3_000_000)
            await anyio.sleep_forever()
    assert caught.value.workspace == os.fspath(ws)
    assert left() == []


@pytest.mark.anyio
async def test_it_ends_a_command(temp: Path, left: Callable[[], list[str]]) -> None:
    with pytest.raises(QuotaExceeded):
        async with aio.workspace(quota="1 MB", enforce="watched") as ws:
            await ws.run(["sh", "-c", "head -c 3000000 /dev/zero > big; exec sleep 1000"])
    assert left() == []


@pytest.mark.anyio
async def test_without_a_block_somebody_must_be_told(temp: Path, left: Callable[[], list[str]]) -> None:
    with pytest.raises(ValueError, match="on_exceeded"):
        await aio.workspace(quota="1 MB", enforce="watched")
    assert left() == []


@pytest.mark.anyio
async def test_releases_are_not_starved_by_those_who_wait_for_them(temp: Path, left: Callable[[], list[str]]) -> None:
    loans = []
    async with anyio.create_task_group() as group:
        for _ in range(TENS):
            ws = await aio.workspace()
            await (ws / "file").touch()
            loans.append(await ws.lend("file"))
            group.start_soon(partial(ws.cleanup, background=False, wait=float("inf")))
        await anyio.wait_all_tasks_blocked()
        for loan in loans:
            await loan.release()
    assert left() == []


def test_a_block_that_another_task_leaves_is_ended_all_the_same(temp: Path, left: Callable[[], list[str]]) -> None:
    paths: list[str] = []

    async def enter(opening: WorkspaceOpening) -> None:
        paths.append(os.fspath(await opening.__aenter__()))

    async def leave(opening: WorkspaceOpening) -> None:
        await opening.__aexit__(None, None, None)

    async def main() -> None:
        opening = aio.workspace(quota="1 MB", enforce="watched")
        await asyncio.create_task(enter(opening))
        with pytest.raises(RuntimeError, match="different task"):
            await asyncio.create_task(leave(opening))

    asyncio.run(main())
    assert not os.path.exists(paths[0])
    assert left() == []


_STOPPED = """
import asyncio, os, sys, threading
from scratchwork import aio
from scratchwork.roots.watching import Watcher
told = threading.Event()
tell = Watcher._tell
def tell_and_say(self, error):
    tell(self, error)
    told.set()
Watcher._tell = tell_and_say
loop = asyncio.new_event_loop()
async def main():
    opening = aio.workspace(quota="1 MB", enforce="watched")
    return await opening.__aenter__(), opening
ws, opening = loop.run_until_complete(main())
with open(os.path.join(ws, "big"), "wb") as file:
    file.write(bytes(3_000_000))
told.wait(60)
print(os.fspath(ws), flush=True)
"""


def test_a_loop_that_was_stopped_does_not_hold_up_the_exit(temp: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _STOPPED], capture_output=True, text=True, timeout=60, check=True
    )
    assert not os.path.exists(done.stdout.strip())
