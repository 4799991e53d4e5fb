from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from scratchwork.system import locks
from tests.helpers_programs import kill, running

HOLDER = """
import os, sys
from scratchwork.system import locks
fd = os.open(sys.argv[1], os.O_RDONLY)
print(getattr(locks, sys.argv[2])(fd), flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["directory", "file"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    made = tmp_path / "locked"
    made.mkdir() if request.param == "directory" else made.touch()
    return made


@pytest.fixture
def two(path: Path) -> Iterator[tuple[int, int]]:
    """Two descriptors that share no lock."""
    pair = os.open(path, os.O_RDONLY), os.open(path, os.O_RDONLY)
    yield pair
    for descriptor in pair:
        os.close(descriptor)


def test_shared_ones_share(two: tuple[int, int]) -> None:
    assert locks.shared(two[0])
    assert locks.shared(two[1])


def test_an_exclusive_one_excludes_both_kinds(two: tuple[int, int]) -> None:
    assert locks.exclusive(two[0])
    assert not locks.shared(two[1])
    assert not locks.exclusive(two[1])


def test_a_shared_one_excludes_the_exclusive(two: tuple[int, int]) -> None:
    assert locks.shared(two[0])
    assert not locks.exclusive(two[1])


def test_a_lock_lasts_until_its_last_copy_is_closed(path: Path) -> None:
    first, other = os.open(path, os.O_RDONLY), os.open(path, os.O_RDONLY)
    assert locks.exclusive(first)
    copy = os.dup(first)
    os.close(first)
    assert not locks.exclusive(other)
    os.close(copy)
    assert locks.exclusive(other)
    os.close(other)


def test_closing_another_descriptor_of_the_same_file_drops_nothing(path: Path, two: tuple[int, int]) -> None:
    """As it would with the record locks of POSIX."""
    assert locks.exclusive(two[0])
    os.close(os.open(path, os.O_RDONLY))
    assert not locks.exclusive(two[1])


def test_a_forked_child_holds_it_too(path: Path, two: tuple[int, int]) -> None:
    held = os.open(path, os.O_RDONLY)
    assert locks.exclusive(held)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    os.close(held)
    assert not locks.exclusive(two[0])
    os.close(writer)
    os.waitpid(child, 0)
    assert locks.exclusive(two[0])


@pytest.mark.parametrize("kind", ["shared", "exclusive"])
def test_the_kernel_drops_it_when_its_holder_is_killed(path: Path, two: tuple[int, int], kind: str) -> None:
    with running(HOLDER, str(path), kind) as (process, words):
        assert words == ["True"]
        assert not locks.exclusive(two[0])
        kill(process)
        assert locks.exclusive(two[0])


def test_a_stopped_holder_still_holds_it(path: Path, two: tuple[int, int]) -> None:
    with running(HOLDER, str(path), "shared") as (process, _):
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        assert not locks.exclusive(two[0])
        process.send_signal(signal.SIGCONT)


def test_any_other_error_is_passed_on(path: Path) -> None:
    closed = os.open(path, os.O_RDONLY)
    os.close(closed)
    for kind in (locks.shared, locks.exclusive):
        with pytest.raises(OSError) as caught:
            kind(closed)
        assert caught.value.errno == errno.EBADF
