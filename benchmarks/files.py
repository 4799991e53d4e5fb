"""File objects and directories made and gone, and spools: ours, the standard library's, and the bare system calls."""

from __future__ import annotations

import os
import tempfile as original
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from benchmarks.timing import Bar, Result, in_turn, once, repeated
from scratchwork import tempfile as ours

OURS, ORIGINAL, BARE = "scratchwork.tempfile", "tempfile", "bare system calls"
_MAKING = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_SMALL, _LARGE = b"x" * 50, b"x" * 65536

Work = Callable[[], object]


def measure(place: str, folder: Path, *, quick: bool) -> list[Result]:
    """Measure on one file system; the bars hold on the tmpfs."""
    before = original.tempdir, ours.tempdir
    original.tempdir = ours.tempdir = str(folder)
    try:
        return [*_made(place, folder, quick=quick), *_spools(place, quick=quick)]
    finally:
        original.tempdir, ours.tempdir = before


def _made(place: str, folder: Path, *, quick: bool) -> list[Result]:
    path = str(folder / "one")
    times, rounds = (100, 15) if quick else (300, 101)
    pairs: list[tuple[str, Callable[[ModuleType], Work], Work, float, float]] = [
        ("TemporaryFile", _anonymous, lambda: _open_unnamed(folder), 0.85, 1.4),
        ("NamedTemporaryFile", _named, lambda: _open_and_unlink(path), 0.75, 1.6),
        ("mkstemp, close, unlink", _mkstemp, lambda: _open_and_unlink(path), 0.95, 1.5),
        ("TemporaryDirectory", _directory, lambda: _mkdir_and_rmdir(path), 0.65, 2.2),
    ]
    results = []
    for name, make, bare, most, most_of_bare in pairs:
        work = {OURS: make(ours), ORIGINAL: make(original), BARE: bare}
        medians = in_turn({candidate: repeated(do, times) for candidate, do in work.items()}, rounds)
        for against, bar in ((ORIGINAL, most), (BARE, most_of_bare)):
            two = {OURS: medians[OURS], against: medians[against]}
            results.append(Result(name, place, "us", two, rounds, _bar(place, against, bar)))
    return results


def _spools(place: str, *, quick: bool) -> list[Result]:
    rounds = 5 if quick else 15
    many, few = (20_000, 50) if quick else (200_000, 500)
    results = [_spool("5 bytes in a spool", place, _five_bytes, 2.0, 101, repeat=300)]
    for where, size in (("in memory", 0), ("rolled over", 1)):
        for name, data, times, most in (("50 bytes", _SMALL, many, 0.5), ("64 KiB", _LARGE, few, 1.0)):
            results.append(
                _spool(f"{name} to a spool, {where}", place, _writes(size, data, times), most, rounds, scale=times)
            )
    return results


def _spool(
    name: str, place: str, make: Callable[[ModuleType], Work], most: float, rounds: int, repeat: int = 1, scale: int = 1
) -> Result:
    works = {OURS: make(ours), ORIGINAL: make(original)}
    medians = in_turn({who: repeated(do, repeat) if repeat > 1 else once(do) for who, do in works.items()}, rounds)
    each = {who: seconds / scale for who, seconds in medians.items()}
    return Result(name, place, "us each", each, rounds, _bar(place, ORIGINAL, most))


def _bar(place: str, against: str, most: float) -> Bar:
    return Bar(against, most if place == "tmpfs" else None)


def _anonymous(module: ModuleType) -> Work:
    return lambda: module.TemporaryFile().close()


def _named(module: ModuleType) -> Work:
    return lambda: module.NamedTemporaryFile().close()


def _mkstemp(module: ModuleType) -> Work:
    def work() -> None:
        descriptor, path = module.mkstemp()
        os.close(descriptor)
        os.unlink(path)

    return work


def _directory(module: ModuleType) -> Work:
    def work() -> None:
        with module.TemporaryDirectory():
            pass

    return work


def _five_bytes(module: ModuleType) -> Work:
    def work() -> None:
        spool = module.SpooledTemporaryFile(max_size=1000)
        spool.write(b"12345")
        spool.seek(0)
        spool.read()
        spool.close()

    return work


def _writes(max_size: int, data: bytes, times: int) -> Callable[[ModuleType], Work]:
    def make(module: ModuleType) -> Work:
        def work() -> None:
            with module.SpooledTemporaryFile(max_size=max_size) as spool:
                write = spool.write
                for _ in range(times):
                    write(data)

        return work

    return make


def _open_unnamed(folder: Path) -> None:
    os.close(os.open(folder, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600))


def _open_and_unlink(path: str) -> None:
    os.close(os.open(path, _MAKING, 0o600))
    os.unlink(path)


def _mkdir_and_rmdir(path: str) -> None:
    os.mkdir(path, 0o700)
    os.rmdir(path)
