"""What quotas cost and how far they are overshot: metered writes, and the watcher."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import scratchwork
from benchmarks.timing import Bar, Result, Timed, in_turn, once
from scratchwork.files.metered import BUFFER
from scratchwork.files.metering import SUFFIX
from scratchwork.files.meters import Meter
from scratchwork.roots.watching import Watch

MOST_METERED = 1.15
MOST_OF_A_CORE = 0.02
_PAGE = b"x" * 4096
_QUOTA = 200_000_000
_ENTRY = "import sys; from scratchwork.cli import main; sys.exit(main())"
_GROWING = (
    "import sys\nwith open(sys.argv[1], 'ab', 0) as file:\n while True: file.write(b'x' * 65536); file.truncate(0)"
)
_CHURNING = (
    "import os, sys\nwhile True:\n with open(sys.argv[1], 'wb', 0) as file:\n"
    "  for _ in range(60): file.write(bytes(2**20))\n os.unlink(sys.argv[1])"
)


def measure(place: str, folder: Path, *, quick: bool) -> list[Result]:
    """Measure on one file system."""
    return [
        *_metered(place, folder, quick=quick),
        _overshoot(place, folder, quick=quick),
        *_cpu(place, folder, quick=quick),
    ]


def _metered(place: str, folder: Path, *, quick: bool) -> list[Result]:
    """4 KiB writes to a new file, and its closing."""
    writes, rounds = (200, 5) if quick else (4_000, 31)
    root = scratchwork.Root("bench-limits", folder, sweep_first=False)
    with root.workspace(quota="1 TB") as metered, root.workspace() as plain:
        works: dict[str, Callable[[], object]] = {
            "ws.open() with a quota": lambda: _write(metered.open("file", "wb"), writes),
            "open()": lambda: _write((plain / "file").open("wb"), writes),
            "open(), as large a buffer": lambda: _write((plain / "file").open("wb", BUFFER), writes),
        }
        medians = in_turn({name: once(work) for name, work in works.items()}, rounds)
    shutil.rmtree(root.path)
    each = {name: seconds / writes for name, seconds in medians.items()}
    ours, default, large = each
    return [
        Result("metered writes of 4 KiB", place, "us each", {name: each[name] for name in names}, rounds, bar)
        for names, bar in (
            ((ours, default), Bar(default, MOST_METERED)),
            ((ours, large), Bar(large, None)),
        )
    ]


def _write(file: IO[bytes], times: int) -> None:
    with file:
        for _ in range(times):
            file.write(_PAGE)


def _overshoot(place: str, folder: Path, *, quick: bool) -> Result:
    """How much a program that writes at full speed has written when it has been ended: the most of all rounds."""
    rounds = 2 if quick else 9
    reached = max(_run_dd(folder) for _ in range(rounds))
    sizes = {"reached at most": float(reached), "its quota": float(_QUOTA)}
    return Result("dd ended by the watcher", place, "MB", sizes, rounds, Bar("its quota", None))


def _run_dd(folder: Path) -> int:
    script = 'exec dd if=/dev/zero bs=1M of="$TMPDIR/big"'
    options = ("--dir", str(folder), "--quota", str(_QUOTA), "--grace", "0", "--keep", "failure", "--json")
    command = [sys.executable, "-c", _ENTRY, "run", *options, "--", "sh", "-c", script]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 122:
        raise RuntimeError(f"dd was not ended for its quota: {done.returncode} {done.stderr}")
    kept = Path(json.loads(done.stderr.splitlines()[-1])["path"])
    size = (kept / "big").stat().st_blocks * 512
    shutil.rmtree(kept.parent)
    return size


def _cpu(place: str, folder: Path, *, quick: bool) -> list[Result]:
    """The watcher's share of a core: of a tree that nobody changes, that is written into, that others write beside."""
    files, seconds = (1_000, 1.0) if quick else (100_000, 20.0)
    root = scratchwork.Root("bench-limits", folder, sweep_first=False)
    results = []
    with root.workspace(quota=scratchwork.Quota(_QUOTA + files * 4096, 10 * files)) as ws:
        for number in range(files):
            if number % 1_000 == 0:
                (ws / str(number)).mkdir()
            os.close(os.open(f"{ws}/{number // 1_000 * 1_000}/{number}", os.O_CREAT | os.O_WRONLY, 0o600))
        for name, program, path in (
            ("", None, folder),
            (", busy", _GROWING, ws / "growing"),
            (", others busy", _CHURNING, folder / "churning"),
        ):
            writer = subprocess.Popen([sys.executable, "-c", program, str(path)]) if program else None
            watch = Watch(Meter(str(ws), f"{ws}{SUFFIX}"))
            span = 3 * seconds  # an average, with the walks that are made early on because something is suspected
            timed: dict[str, Timed] = {"CPU time": partial(_watch, watch, span), "time": partial(float, span)}
            shares = in_turn(timed, 1)
            if writer is not None:
                writer.kill()
                writer.wait()
                path.unlink(missing_ok=True)
            bar = Bar("time", MOST_OF_A_CORE)
            results.append(Result(f"watcher, {files:,} files{name}", place, "ms", shares, 1, bar))
    shutil.rmtree(root.path)
    return results


def _watch(watch: Watch, seconds: float) -> float:
    before, until = time.thread_time(), time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(watch.look())
    return time.thread_time() - before
