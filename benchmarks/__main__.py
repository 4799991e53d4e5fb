"""Run all benchmarks; see `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import (
    files,
    handing,
    leasing,
    limits,
    linting,
    loops,
    plugin,
    reporting,
    starting,
    sweeping,
    tracing,
    unleased,
    uploads,
)
from benchmarks.timing import Result

TMPFS = Path("/dev/shm")


def main() -> int:
    """Run, print and write everything. The exit status says nothing of the bars: a busy machine is no bug."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up then, too
    arguments = _arguments()
    results: list[Result] = []
    with ExitStack() as stack:
        os.environ["XDG_STATE_HOME"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="scratch-bench-"))
        places = {"disk": Path(arguments.disk or tempfile.gettempdir())}
        if TMPFS.is_dir() and os.access(TMPFS, os.W_OK):
            places = {"tmpfs": TMPFS, **places}
        else:
            print(f"skipped: there is no {TMPFS} to write to, so nothing is measured on a tmpfs")
        folders = {place: _own_folder(stack, parent) for place, parent in places.items()}
        for place, folder in folders.items():
            _tell(f"made and removed, {place}")
            results.append(leasing.measure(place, folder, quick=arguments.quick))
            _tell(f"files, {place}")
            results += files.measure(place, folder, quick=arguments.quick)
        _tell("starting")
        results += starting.measure(folders["disk"], quick=arguments.quick)
        for place, folder in folders.items():
            _tell(f"sweeping, {place}")
            results += sweeping.measure(place, folder, quick=arguments.quick)
            _tell(f"old junk, {place}")
            results += unleased.measure(place, folder, quick=arguments.quick)
            _tell(f"limits, {place}")
            results += limits.measure(place, folder, quick=arguments.quick)
            _tell(f"hand-off, {place}")
            results += handing.measure(place, folder, quick=arguments.quick)
            _tell(f"event loops, {place}")
            results += loops.measure(place, folder, quick=arguments.quick)
            _tell(f"tracing, {place}")
            results += tracing.measure(place, folder, quick=arguments.quick)
        _tell("linting")
        results += linting.measure(folders["disk"], quick=arguments.quick)
        _tell("uploads")
        results += uploads.measure("disk", folders["disk"], quick=arguments.quick)
        _tell("the pytest plugin")
        results += plugin.measure(folders["disk"], quick=arguments.quick)
    _report(results, Path(arguments.output), quick=arguments.quick)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure scratchwork side by side.")
    parser.add_argument("--quick", action="store_true", help="few rounds and small trees: to see that it works")
    parser.add_argument("--disk", metavar="DIR", help="a folder on a disk (default: the temp folder)")
    parser.add_argument("--output", metavar="DIR", default="build/bench", help="where to write (default: build/bench)")
    return parser.parse_args()


def _own_folder(stack: ExitStack, parent: Path) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scratch-bench-", dir=parent)))


def _tell(what: str) -> None:
    print(f"measuring: {what} ...", file=sys.stderr, flush=True)


def _report(results: list[Result], output: Path, *, quick: bool) -> None:
    reporting.print_table(results)
    output.mkdir(parents=True, exist_ok=True)
    reporting.write_json(output / "latest.json", results, quick=quick)
    print(f"\nwritten: {output / 'latest.json'}")
    if reporting.draw(output / "latest.png", results):
        print(f"written: {output / 'latest.png'}")
    else:
        print("no picture: matplotlib is not installed")


if __name__ == "__main__":
    sys.exit(main())
