"""For how long an event loop is held up while a workspace of 100,000 files is removed in the background."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import anyio

import scratchwork
from benchmarks.timing import Bar, Result
from scratchwork import aio

LONGEST = 0.02  # seconds
_TICK = 0.001  # seconds
_BAR = "20 ms"


def measure(place: str, folder: Path, *, quick: bool) -> list[Result]:
    """Measure on one file system, on both loops."""
    files = 1_000 if quick else 100_000
    before = tempfile.tempdir
    tempfile.tempdir = str(folder)
    try:
        steps = {loop: anyio.run(_longest_step, files, backend=loop) for loop in ("asyncio", "trio")}
    finally:
        tempfile.tempdir = before
        shutil.rmtree(scratchwork.Root("default", folder, sweep_first=False).path)
    return [
        Result(f"longest step, {loop}", place, "ms", {"while 100,000 files go": step, _BAR: LONGEST}, 1, Bar(_BAR, 1.0))
        for loop, step in steps.items()
    ]


async def _longest_step(files: int) -> float:
    """Return the longest time, by the clock on the wall, that the loop let another task wait."""
    ws = await aio.workspace()
    command = ["sh", "-c", f"seq {files} | xargs touch"]
    await anyio.to_thread.run_sync(lambda: subprocess.run(command, cwd=os.fspath(ws), check=True))
    longest = 0.0
    begun = anyio.Event()
    finished = False

    async def watch() -> None:
        nonlocal longest
        before = time.perf_counter()
        while not finished or any(thread.name == "scratchwork-cleanup" for thread in threading.enumerate()):
            begun.set()
            await anyio.sleep(_TICK)
            now = time.perf_counter()
            longest, before = max(longest, now - before - _TICK), now

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        await begun.wait()
        await ws.cleanup()
        finished = True
    return longest
