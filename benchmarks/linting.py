"""`scratch lint` over the running Python's standard library: with an empty cache, and with nothing changed since."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from itertools import count
from pathlib import Path

from benchmarks.timing import Bar, Result, in_turn, once
from scratchwork.advice.lint.files import find_files

SCRATCH = Path(sys.executable).parent / "scratch"
BAR, SECONDS_A_LINE = "50,000 lines a second", 1 / 50_000


def measure(folder: Path, *, quick: bool) -> list[Result]:
    """Measure whole processes, in seconds a line; the cache is in the folder."""
    library = sysconfig.get_path("stdlib")
    corpus = os.path.join(library, "asyncio") if quick else library
    files = list(find_files([corpus]))
    lines = sum(Path(path).read_bytes().count(b"\n") for path in files)
    number = count()
    kinds: list[tuple[str, Callable[[], Path], int]] = [
        ("cold cache", lambda: folder / f"cache-{next(number)}", 1 if quick else 3),
        ("warm cache", lambda: folder / "cache", 3 if quick else 11),
    ]
    _lint(corpus, folder / "cache")
    results = []
    for kind, cache, rounds in kinds:
        seconds = in_turn({kind: once(lambda cache=cache: _lint(corpus, cache()))}, rounds)[kind]  # type: ignore[misc]
        each = {"scratch lint": seconds / lines, BAR: SECONDS_A_LINE}
        results.append(Result(f"lint, {kind}, {lines:,} lines", "disk", "us each", each, rounds, Bar(BAR, 1.0)))
    return results


def _lint(corpus: str, cache: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    command = [str(SCRATCH), "lint", "--exit-zero", "--format", "json", corpus]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
