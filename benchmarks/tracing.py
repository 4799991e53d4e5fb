"""What it costs a program to be traced: when it starts, and for each temporary file that it makes."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import scratchwork
from benchmarks.timing import Bar, Result, Timed, in_turn, once
from scratchwork.advice.tracing import running

START_MOST = 1.25
_FILES = """
import os, sys, tempfile, time
def make():
    descriptor, path = tempfile.mkstemp()
    os.close(descriptor)
    os.unlink(path)
make()
began = time.perf_counter()
for _ in range(int(sys.argv[1])):
    make()
print((time.perf_counter() - began) / int(sys.argv[1]))
"""


def measure(place: str, folder: Path, *, quick: bool) -> list[Result]:
    """Measure one place, with fresh interpreters and byte code compiled."""
    for package in scratchwork.__path__:
        compileall.compile_dir(package, quiet=2)
    without = {"PYTHONDONTWRITEBYTECODE", "SCRATCH_WORKSPACE", "KEEP_TEMP"}
    plain = {name: value for name, value in os.environ.items() if name not in without} | {"TMPDIR": str(folder)}
    record = folder / "record"
    record.mkdir()
    traced = plain | running.prepare(str(record))
    rounds = 15 if quick else 101
    start = {
        "python -c pass, traced": _start(traced),
        "python -c pass": _start(plain),
    }
    count, file_rounds = (1000, 3) if quick else (10_000, 7)
    files = {
        "mkstemp and unlink, traced": partial(_files, traced, count),
        "mkstemp and unlink": partial(_files, plain, count),
    }
    return [
        Result("traced start", place, "ms", in_turn(start, rounds), rounds, Bar("python -c pass", START_MOST)),
        Result(
            f"{count:,} traced files",
            place,
            "us each",
            in_turn(files, file_rounds),
            file_rounds,
            Bar("mkstemp and unlink", None),  # a person waits for it, once; nothing is on the way of every job,
        ),
    ]


def _start(environment: dict[str, str]) -> Timed:
    run = partial(subprocess.run, [sys.executable, "-c", "pass"], env=environment, check=True)
    run()  # once unmeasured: byte code and the disk's cache
    return once(run)


def _files(environment: dict[str, str], count: int) -> float:
    command = [sys.executable, "-c", _FILES, str(count)]
    return float(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
