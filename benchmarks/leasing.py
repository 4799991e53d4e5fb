"""A leased workspace made and removed, beside `tempfile.TemporaryDirectory` and bare mkdir and rmdir."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import scratchwork
from benchmarks.timing import Bar, Result, in_turn, repeated

MOST = {"tmpfs": 0.75, "disk": 0.80}


def measure(place: str, folder: Path, *, quick: bool) -> Result:
    """Measure on one file system. The root is opened once, as programs do."""
    root = scratchwork.Root("bench", folder)
    plain = folder / "plain"
    bare = folder / "bare"
    plain.mkdir()
    bare.mkdir()
    name = str(bare / "workspace")

    def leased() -> None:
        with root.workspace("bench"):
            pass

    def temporary_directory() -> None:
        with tempfile.TemporaryDirectory(dir=plain):
            pass

    def mkdir_rmdir() -> None:
        os.mkdir(name, 0o700)
        os.rmdir(name)

    times, rounds = (100, 15) if quick else (300, 101)
    medians = in_turn(
        {
            "leased workspace": repeated(leased, times),
            "TemporaryDirectory": repeated(temporary_directory, times),
            "mkdir + rmdir": repeated(mkdir_rmdir, times),
        },
        rounds,
    )
    bar = Bar("TemporaryDirectory", MOST[place])
    return Result("made and removed", place, "us", medians, rounds, bar)
