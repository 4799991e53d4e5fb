"""Locks on single bytes of an open file."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scratchwork.system import record_locks
from scratchwork.system.record_locks import exclusive, holder, posix, release, shared

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere two descriptors of a process share them")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[int, int]]:
    (tmp_path / "file").touch()
    one, two = (os.open(tmp_path / "file", os.O_RDWR) for _ in range(2))
    yield one, two
    os.close(one)
    os.close(two)


def test_one_alone_or_several_together(pair: tuple[int, int]) -> None:
    one, two = pair
    assert exclusive(one, 0)
    assert exclusive(two, 1)
    assert not exclusive(two, 0)
    assert not shared(two, 0)
    assert shared(one, 0)
    assert shared(two, 0)
    assert not exclusive(one, 0)
    release(two, 0, 2)
    assert exclusive(one, 0)
    assert exclusive(one, 1)


def test_closing_another_descriptor_drops_nothing(pair: tuple[int, int], tmp_path: Path) -> None:
    one, two = pair
    assert exclusive(one, 0)
    (tmp_path / "file").read_bytes()
    assert not exclusive(two, 0)


def test_control_posix_locks_are_dropped_by_that(pair: tuple[int, int], tmp_path: Path) -> None:
    one, _ = pair
    assert posix.exclusive(one, 0)
    assert not _can_another_process_lock(tmp_path / "file")
    (tmp_path / "file").read_bytes()
    assert _can_another_process_lock(tmp_path / "file")


def _can_another_process_lock(path: Path) -> bool:
    program = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)"
    return subprocess.run([sys.executable, "-c", program, path], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("kind", ["open file", "process"])
def test_who_holds_it(pair: tuple[int, int], tmp_path: Path, kind: str) -> None:
    module = "record_locks" if kind == "open file" else "record_locks.posix"
    program = (
        f"import sys, scratchwork.system.{module} as locks\n"
        "file = open(sys.argv[1], 'r+b')\n"
        "print(locks.exclusive(file.fileno(), 0), flush=True)\n"
        "sys.stdin.read()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program, tmp_path / "file"], stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        assert holder(pair[0], 0) == process.pid
        assert holder(pair[0], 1) is None
        process.communicate()
    assert holder(pair[0], 0) is None


def test_a_kernel_that_knows_no_locks_of_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    from scratchwork.system.record_locks import linux

    def refuse(*_: object) -> bytes:
        raise OSError(22, "Invalid argument")

    assert linux._probe() == fcntl.F_OFD_SETLK
    monkeypatch.setattr(linux, "fcntl", refuse)
    assert linux._probe() == fcntl.F_SETLK
    assert record_locks.shared is linux.shared
