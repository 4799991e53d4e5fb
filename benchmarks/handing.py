"""What handing a piece of data to another program costs, beside what people write for it with `tempfile`."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import scratchwork
from benchmarks.timing import Bar, Result, in_turn, repeated

_DATA = b"x" * 4096


def measure(place: str, folder: Path, *, quick: bool) -> list[Result]:
    """Measure on one file system: 4 KiB, written, closed, and removed."""
    times, rounds = (20, 3) if quick else (300, 21)
    before = tempfile.tempdir
    tempfile.tempdir = str(folder)  # where both put it
    try:
        medians = in_turn(
            {
                "handoff()": repeated(_handed_off, times),
                "handoff(memory=True)": repeated(_handed_off_in_memory, times),
                "NamedTemporaryFile, unlinked": repeated(_by_hand, times),
            },
            rounds,
        )
    finally:
        tempfile.tempdir = before
        shutil.rmtree(scratchwork.Root("default", folder, sweep_first=False).path)
    bar = Bar("NamedTemporaryFile, unlinked", None)
    return [Result("4 KiB handed off", place, "us", medians, rounds, bar)]


def _handed_off() -> None:
    with scratchwork.handoff(_DATA):
        pass


def _handed_off_in_memory() -> None:
    with scratchwork.handoff(_DATA, memory=True):
        pass


def _by_hand() -> None:
    with tempfile.NamedTemporaryFile(delete=False) as file:  # noqa: SCR204 - as people write it
        file.write(_DATA)
    os.unlink(file.name)
