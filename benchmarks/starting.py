"""What it costs to start: importing scratchwork beside `tempfile`, and `scratch run` beside an empty Python."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import scratchwork
from benchmarks.timing import Bar, Result, Timed, in_turn, once

SCRATCH = Path(sys.executable).parent / "scratch"
IMPORT_MOST = 1.0
RUN_MOST = 1.6
_TIMED_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def measure(folder: Path, *, quick: bool) -> list[Result]:
    """Measure in fresh interpreters, in the environment's own Python, with byte code compiled."""
    rounds = 15 if quick else 101
    for package in scratchwork.__path__:
        compileall.compile_dir(package, quiet=2)
    environment = _environment(folder)
    python = [sys.executable, "-c"]
    modules = ("scratchwork", "scratchwork.tempfile", "tempfile")
    inner = {f"import {name}": partial(_inner, [*python, _TIMED_IMPORT.format(name)], environment) for name in modules}
    whole = {f"import {name}": _process([*python, f"import {name}"], environment) for name in modules}
    results = []
    for where, candidates in (("in process", inner), ("whole process", whole)):
        medians = in_turn(candidates, rounds)
        for name in modules[:-1]:
            two = {f"import {name}": medians[f"import {name}"], "import tempfile": medians["import tempfile"]}
            results.append(Result("import", where, "ms", two, rounds, Bar("import tempfile", IMPORT_MOST)))
    if SCRATCH.exists():
        results.append(_run(python, environment, rounds))
    return results


def _run(python: list[str], environment: dict[str, str], rounds: int) -> Result:
    medians = in_turn(
        {
            "scratch run -- true": _process([str(SCRATCH), "run", "--", "true"], environment),
            "python -c pass": _process([*python, "pass"], environment),
        },
        rounds,
    )
    return Result("start of run", "whole process", "ms", medians, rounds, Bar("python -c pass", RUN_MOST))


def _environment(folder: Path) -> dict[str, str]:
    without = {"PYTHONDONTWRITEBYTECODE", "SCRATCH_WORKSPACE", "KEEP_TEMP"}
    inherited = {name: value for name, value in os.environ.items() if name not in without}
    return {**inherited, "TMPDIR": str(folder)}


def _process(command: list[str], environment: dict[str, str]) -> Timed:
    run = partial(subprocess.run, command, env=environment, stdout=subprocess.DEVNULL, check=True)
    run()  # once unmeasured: byte code and the disk's cache
    return once(run)


def _inner(command: list[str], environment: dict[str, str]) -> float:
    return float(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
