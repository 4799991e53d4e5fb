"""A sweep of old junk that nobody leased, beside `rm -rf` of all and the cleaners that are there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.timing import Bar, Result, Timed, in_turn, once

FILES = 3
_AGE = 1  # seconds: what the cleaners take at least


def measure(place: str, folder: Path, *, quick: bool) -> list[Result]:
    """Measure 100,000 entries: 25,000 directories of three files each. No bar: the others don't look who uses what.

    A tenth of that on a disk, where making them all, for each of the candidates, takes minutes.
    """
    if sys.platform != "linux":
        return []
    entries = 1_000 if quick else 100_000 if place == "tmpfs" else 10_000
    cleaners: dict[str, Callable[[Path], None]] = {"sweep --unleased": _ours}
    if shutil.which("systemd-tmpfiles"):
        cleaners["systemd-tmpfiles"] = _tmpfiles
    if _tmpreaper():
        cleaners["tmpreaper"] = _reap
    cleaners["rm -rf"] = lambda tree: _run("rm", "-rf", str(tree))
    rounds = 1 if quick else 3
    timed = {name: _timed(folder, entries, clean) for name, clean in cleaners.items()}
    each = {name: seconds / entries for name, seconds in in_turn(timed, rounds).items()}
    return [Result(f"{entries:,} old entries", place, "us each", each, rounds, Bar("rm -rf", None))]


def _timed(folder: Path, entries: int, clean: Callable[[Path], None]) -> Timed:
    def timed() -> float:
        tree = folder / "junk"
        tree.mkdir()
        for number in range(entries // (FILES + 1)):
            os.mkdir(f"{tree}/pip-{number}")
            for name in range(FILES):
                os.close(os.open(f"{tree}/pip-{number}/{name}", os.O_CREAT | os.O_WRONLY, 0o600))
        os.sync()
        time.sleep(_AGE + 2)  # they count in whole seconds
        seconds = once(lambda: clean(tree))()
        if tree.exists():
            if len(os.listdir(tree)) > 0:
                raise RuntimeError(f"{len(os.listdir(tree))} entries are left of {entries}")
            tree.rmdir()
        return seconds

    return timed


def _ours(tree: Path) -> None:
    from scratchwork.roots.unleased import sweep_unleased

    sweep_unleased(str(tree), ["pip-*"], _AGE, dry_run=False)


def _tmpfiles(tree: Path) -> None:
    rules = tree.parent / "rules.conf"
    rules.write_text(f"d {tree} - - - {_AGE}s\n")
    _run("systemd-tmpfiles", "--clean", str(rules))
    rules.unlink()


def _tmpreaper() -> str | None:
    return shutil.which("tmpreaper") or shutil.which("tmpreaper", path=f"{sys.prefix}/cleaners/usr/sbin")


def _reap(tree: Path) -> None:
    _run(_tmpreaper() or "tmpreaper", "--all", f"{_AGE}s", str(tree))


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
