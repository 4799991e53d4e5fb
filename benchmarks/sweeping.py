"""A sweep of dead workspaces, beside `rm -rf` of the same tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import scratchwork
from benchmarks.timing import Bar, Result, Timed, in_turn, once
from scratchwork.roots import labels

MOST = 1.1
FILES = ("input.csv", "output.csv", "log.txt")
CONTENT = b"id,name\n" * 16
SLOW_TO_MAKE = 1.0  # seconds for 1,000
DEAD_PID = 4_000_000  # names tell who made a workspace; the lock, which nobody holds, tells that it is dead


def measure(place: str, folder: Path, *, quick: bool) -> list[Result]:
    """Measure the bar's size in turn with rm, then how the time for one workspace grows with their number."""
    if quick:
        return [_against_rm(place, folder, 200, 3, judged=True)]
    # Making a tree on ext4 can take 30 times as long as removing it (the kernel passes over inodes freed lately), hence
    # fewer rounds on a disk, and no more than that where it does.
    rounds = 7 if place == "tmpfs" else 3
    results = [
        _against_rm(place, folder, 10_000, rounds, judged=True),
        _against_rm(place, folder, 1_000, rounds, judged=False),
    ]
    if _seconds_to_make(folder, 1_000) < SLOW_TO_MAKE:
        results.append(_against_rm(place, folder, 100_000, 1, judged=False))
    else:
        print(f"skipped: a sweep of 100,000 on {place}: the file system takes minutes to make them", file=sys.stderr)
    return results


def make_dead(path: Path, count: int) -> None:
    """Fill the root at `path` with dead workspaces of three small files each: like real ones, but not locked."""
    for _ in range(count):
        workspace = f"{path}/{labels.compose('bench', DEAD_PID)}"
        os.mkdir(workspace, 0o700)
        for name in FILES:
            descriptor = os.open(f"{workspace}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(descriptor, CONTENT)
            os.close(descriptor)


def _against_rm(place: str, folder: Path, count: int, rounds: int, *, judged: bool) -> Result:
    medians = in_turn({"sweep": partial(_sweep, folder, count), "rm -rf": partial(_rm, folder, count)}, rounds)
    each = {name: seconds / count for name, seconds in medians.items()}
    bar = Bar("rm -rf", MOST if judged else None)
    return Result(f"sweep of {count:,} dead", place, "us each", each, rounds, bar)


def _seconds_to_make(folder: Path, count: int) -> float:
    tree = folder / "trial"
    tree.mkdir()
    seconds = once(lambda: make_dead(tree, count))()
    shutil.rmtree(tree)
    return seconds


def _sweep(folder: Path, count: int) -> float:
    root = scratchwork.Root("bench-sweep", folder, sweep_first=False)
    make_dead(Path(root.path), count)
    os.sync()  # what the making left to write is not the sweep's to pay for
    swept: list[scratchwork.Swept] = []
    seconds = once(lambda: swept.append(root.sweep()))()
    if len(swept[0].removed) != count or swept[0].files != count * len(FILES):
        raise RuntimeError(f"the sweep removed {len(swept[0].removed)} of {count} workspaces: {swept[0].skipped[:3]}")
    shutil.rmtree(root.path)
    return seconds


def _rm(folder: Path, count: int) -> float:
    tree = folder / "rm"
    tree.mkdir()
    make_dead(tree, count)
    os.sync()
    timed: Timed = once(lambda: subprocess.run(["rm", "-rf", str(tree)], check=True))
    return timed()
