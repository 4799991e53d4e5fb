"""What the detection of leaks costs: a suite of trivial tests with it, and without the plugin."""

from __future__ import annotations

import compileall
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import scratchwork
from benchmarks.timing import Bar, Result

MOST = 1.03
_WITHOUT = "pytest -p no:scratchwork"
_WITH = "pytest --scratch-leaks=error"
_IDLE = "pytest, not asked for"
_OPTIONS = {_WITH: ["--scratch-leaks=error"], _IDLE: [], _WITHOUT: ["-p", "no:scratchwork"]}


def measure(folder: Path, *, quick: bool) -> list[Result]:
    """Measure whole sessions of 2,000 tests.

    A round runs each of them once. What is compared is the processor time, which others on the machine change less
    than the time on the clock: the detection does not wait for anything.
    """
    rounds = 3 if quick else 21
    for package in scratchwork.__path__:
        compileall.compile_dir(package, quiet=2)
    suite = folder / "suite"
    suite.mkdir()
    tests = "\n".join(f"def test_{number}():\n    assert {number} + 1 == {number + 1}\n" for number in range(2000))
    (suite / "test_trivial.py").write_text(tests, encoding="utf-8")
    (suite / "pytest.ini").write_text("[pytest]\naddopts = -q -p no:cacheprovider\n", encoding="utf-8")
    seconds: dict[str, list[float]] = {name: [] for name in _OPTIONS}
    names = list(_OPTIONS)
    _session(suite, [])  # once unmeasured: byte code and the disk's cache
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(_session(suite, _OPTIONS[name]))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return [Result("2,000 trivial tests", "processor", "ms", medians, rounds, Bar(_WITHOUT, MOST))]


def _session(suite: Path, options: list[str]) -> float:
    without = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTEST_ADDOPTS", "KEEP_TEMP"}
    environment = {name: value for name, value in os.environ.items() if name not in without}
    before = _spent()
    subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=suite,
        env={**environment, "TMPDIR": str(suite)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return _spent() - before


def _spent() -> float:
    """Return the processor time of all children that have ended, in seconds."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
