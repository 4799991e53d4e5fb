"""Trees to remove, and children that may change what a process is: its user, its mounts, its descriptors."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from scratchwork.system import trees
from scratchwork.system.trees import Removal, Usage

NOBODY = 65534
FOREVER = float("inf")
_CLONE_NEWNS = 0x20000

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount or to become another user")


def remove(path: Path, deadline: float = FOREVER) -> Removal:
    parent = os.open(path.parent, os.O_RDONLY)
    top = os.open(path, os.O_RDONLY)
    try:
        return trees.remove(path.name, parent, top, deadline=deadline)
    finally:
        os.close(parent)
        os.close(top)


def measure(path: Path, deadline: float = FOREVER) -> Usage:
    top = os.open(path, os.O_RDONLY)
    try:
        return trees.measure(top, deadline=deadline)
    finally:
        os.close(top)


def told(removal: Removal) -> list[tuple[str, str]]:
    """Return what could not be removed and why."""
    return [(failure.path, failure.reason) for failure in removal.failures]


def fill(path: Path, levels: int = 3, width: int = 3) -> None:
    for number in range(width):
        (path / f"file{number}").write_bytes(b"x" * 5000)
        if levels:
            (path / f"directory{number}").mkdir()
            fill(path / f"directory{number}", levels - 1, width)


def nest(path: Path, depth: int, mode: int = 0o777) -> None:
    """Make a chain of directories with a file in each, deeper than any path may be long."""
    here = os.open(path, os.O_RDONLY)
    for _ in range(depth):
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        os.mkdir("d", dir_fd=here)
        there = os.open("d", os.O_RDONLY, dir_fd=here)
        if mode != 0o777:
            os.fchmod(here, mode)
        os.close(here)
        here = there
    os.close(here)


def in_child(work: Callable[[], None]) -> None:
    """Run something in a forked child; what fails there fails here."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def as_nobody(place: Path, work: Callable[[], None], *, but: Path | None = None) -> None:
    """Run something in a child that root's powers don't help: in `place`, which is its own, `but` for a folder.

    Paths in it are relative, since what is above `place` may be shut to others.
    """
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "-h", f"{NOBODY}:{NOBODY}", place], check=True)
        if but is not None:
            os.chown(but, 0, 0)
            but.chmod(0o700)

    def become() -> None:
        os.chdir(place)
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        work()

    in_child(become)


def with_own_mounts(work: Callable[[], None]) -> None:
    """Run something in a child whose mounts nobody else sees, and that are gone with it."""

    def shut_off() -> None:
        assert ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) == 0, os.strerror(ctypes.get_errno())
        mount("--make-rprivate", "/")
        work()

    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    in_child(shut_off)


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True)


def with_few_descriptors(limit: int, free: int, keep: set[int], work: Callable[[], None]) -> None:
    """Run something in a child that may open `free` more descriptors; `keep` are those it works with."""
    import resource

    def starve() -> None:
        for descriptor in {int(name) for name in os.listdir("/proc/self/fd")} - {0, 1, 2} - keep:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        taken: list[int] = []
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(2))
        for descriptor in taken[: max(free, 0)]:
            os.close(descriptor)
        assert len(taken) >= free
        work()

    in_child(starve)
