"""What the operating system refuses: one clear error, nothing left behind, no descriptor leaked."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from scratchwork import CannotMakeWorkspace, LocksUnsupported, Root
from scratchwork.roots.tenure import _under_way
from scratchwork.system import locks
from tests.helpers_programs import python

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
OWN = {"ledger.jsonl", "root.conf"}


def descriptors() -> set[str]:
    gc.collect()
    return set(os.listdir("/proc/self/fd"))


@pytest.fixture
def mounted(temp: Path) -> Iterator[Callable[[str], Path]]:
    """Give a function that mounts a tmpfs with these options."""
    places: list[Path] = []

    def mount(options: str) -> Path:
        place = temp / f"m{len(places)}"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"{options},mode=700", "none", place], check=True)
        places.append(place)
        return place

    yield mount
    gc.collect()  # what is still open there
    for place in places:
        subprocess.run(["umount", place], check=True)


class Refusal(NamedTuple):
    errno: int | None
    message: str


def refused(work: Callable[[], object]) -> Refusal | None:
    """Do something that may be refused; look that no descriptor and no tenure is left, and return the refusal."""
    before, under_way = descriptors(), dict(_under_way)
    refusal = None
    try:
        work()
    except CannotMakeWorkspace as error:
        refusal = Refusal(error.errno, str(error))
    assert descriptors() == before
    assert _under_way == under_way
    if refusal is not None:
        assert ": can't make a workspace: " in refusal.message
        assert "; " in refusal.message or ": run " in refusal.message, "it comes with advice"
    return refusal


def make_and_end(root: Root) -> None:
    with root.workspace("a label that needs a record", keep="failure"):
        pass


@needs_root
@pytest.mark.parametrize("kind", ["directory", "file"])
def test_whatever_number_of_inodes_is_left(mounted: Callable[[str], Path], kind: str) -> None:
    place = mounted("size=1m,nr_inodes=24")
    root = Root("app", dir=place)
    Path(root.path, "root.conf").write_text(f"lease={kind}\n")
    root = Root("app", dir=place)
    make_and_end(root)  # the ledger is there from now on
    fillers: list[Path] = []
    with pytest.raises(OSError, match="No space"):
        while True:
            fillers.append(place / f"filler{len(fillers)}")
            fillers[-1].touch()
    fillers.pop()
    refusals = []
    while fillers and (refusal := refused(lambda: make_and_end(root))) is not None:
        assert refusal.errno == errno.ENOSPC
        assert set(os.listdir(root.path)) == OWN
        refusals.append(refusal)
        fillers.pop().unlink()
    assert len(refusals) == (2 if kind == "directory" else 3)
    assert root.sweep().skipped == []


@needs_root
def test_a_new_root_whatever_number_of_inodes_is_left(mounted: Callable[[str], Path]) -> None:
    place = mounted("size=1m,nr_inodes=12")
    fillers: list[Path] = []
    with pytest.raises(OSError, match="No space"):
        while True:
            fillers.append(place / f"filler{len(fillers)}")
            fillers[-1].touch()
    fillers.pop()
    count = 0
    while (refusal := refused(lambda: Root("app", dir=place))) is not None:
        count += 1
        assert refusal.errno == errno.ENOSPC
        left = place / f"scratch-{os.geteuid()}-app"
        assert not left.exists() or os.listdir(left) == []
        if left.exists():
            left.rmdir()
        fillers.pop().unlink()
    assert count == 2, "the root itself, and what is made in it"


def fill(place: Path) -> Path:
    """Use up all bytes."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 4096)
    return filler


@needs_root
def test_no_bytes_left(mounted: Callable[[str], Path]) -> None:
    place = mounted("size=64k,nr_inodes=100")
    root = Root("app", dir=place)
    make_and_end(root)  # the ledger is open from now on
    filler = fill(place)
    refusal = refused(lambda: make_and_end(root))
    assert refusal is not None
    assert refusal.errno == errno.ENOSPC
    assert "the disk is full" in refusal.message
    assert set(os.listdir(root.path)) <= OWN
    new = refused(lambda: Root("new", dir=place))
    assert new is not None
    assert new.errno == errno.ENOSPC
    filler.unlink()
    make_and_end(Root("new", dir=place))
    make_and_end(root)
    assert root.history()[-1].outcome == "cleaned"


@needs_root
def test_a_full_disk_makes_no_ending_fail(mounted: Callable[[str], Path]) -> None:
    place = mounted("size=64k,nr_inodes=100")
    root = Root("app", dir=place)
    with root.workspace() as ws:
        (ws / "file").touch()
        filler = fill(place)
    assert not ws.path.exists()
    for _ in range(200):
        with root.workspace():
            pass
    filler.unlink()
    with root.workspace("after"):
        pass
    assert root.history()[-1].label == "after"


@needs_root
def test_read_only(mounted: Callable[[str], Path]) -> None:
    place = mounted("size=1m")
    root = Root("app", dir=place)
    with root.workspace(keep="always"):
        pass
    gc.collect()
    path = root.path
    del root
    gc.collect()
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    for work in (lambda: Root("app", dir=place).workspace(), lambda: Root("new", dir=place)):
        refusal = refused(work)
        assert refusal is not None
        assert refusal.errno == errno.EROFS
        assert "can be written" in refusal.message
    assert Root.at(path).sweep().retained == 1
    assert [found.state for found in Root.at(path).workspaces()] == ["kept"]


def test_whatever_number_of_descriptors_is_left(temp: Path) -> None:
    """In a process of its own: with n descriptors to spare, for n from 0 on, until all goes well."""
    program = """
import errno, json, logging, os, resource, sys
from scratchwork import CannotMakeWorkspace, Root
from scratchwork.roots.tenure import _under_way
from scratchwork.system import mounts
parent = Root("old")
with parent.workspace("first, so that the ledger is open"): pass

def attempt(work):
    limit = 40
    for spare in range(limit):
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        taken = []
        try:
            while True: taken.append(os.open("/", os.O_RDONLY))
        except OSError: pass
        for _ in range(spare): os.close(taken.pop())
        try:
            work()
            return spare
        except CannotMakeWorkspace as error:
            assert error.errno == errno.EMFILE, error
            assert "ulimit -n" in str(error), error
        finally:
            free = sum(1 for _ in taken)
            for descriptor in taken: os.close(descriptor)
            assert len(os.listdir("/proc/self/fd")) == before, os.listdir("/proc/self/fd")
            assert not _under_way
            assert set(os.listdir(parent.path)) == {"root.conf", "ledger.jsonl"}, os.listdir(parent.path)

def existing():
    with parent.workspace("a label that needs a record", keep="failure"): pass

def opening():
    Root("new", sweep_first=False)

before = len(os.listdir("/proc/self/fd"))
print(attempt(existing), attempt(opening))
"""
    needed = python(program).stdout.split()
    assert len(needed) == 2
    assert all(int(number) > 0 for number in needed)
    assert set(os.listdir(temp / f"scratch-{os.geteuid()}-new")) == {"root.conf"}


def test_a_directory_that_is_not_there_or_none(temp: Path) -> None:
    (temp / "file").touch()
    for place, number, advice in ((temp / "none", errno.ENOENT, "exists"), (temp / "file", errno.ENOTDIR, "directory")):
        refusal = refused(lambda place=place: Root("app", dir=place))  # type: ignore[misc]
        assert refusal is not None
        assert refusal.errno == number
        assert advice in refusal.message
    assert [path.name for path in temp.iterdir()] == ["file"]


def test_the_place_of_a_live_root_went_away(temp: Path) -> None:
    place = temp / "place"
    place.mkdir()
    root = Root("app", dir=place)
    subprocess.run(["rm", "-rf", place], check=True)
    refusal = refused(root.workspace)
    assert refusal is not None
    assert refusal.errno == errno.ENOENT
    place.mkdir()
    make_and_end(root)
    assert root.history()[-1].outcome == "cleaned"


@needs_root
def test_a_place_that_may_not_be_written(temp: Path) -> None:
    (temp / "place").mkdir(mode=0o755)
    temp.chmod(0o711)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.seteuid(65534)
            refusal = refused(lambda: Root("app", dir=temp / "place"))
            if refusal is not None and refusal.errno == errno.EACCES and "may write" in refusal.message:
                status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert list((temp / "place").iterdir()) == []


def test_locks_that_do_not_hold(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "exclusive", lambda _: True)
    gc.collect()  # what earlier tests left is given back now, not meanwhile
    before = descriptors()
    with pytest.raises(LocksUnsupported, match="choose another directory") as caught:
        Root("app")
    assert caught.value.errno == errno.ENOLCK
    path = Path(str(caught.value.filename))
    del caught
    assert descriptors() == before
    assert list(path.iterdir()) == []


def test_locks_that_only_files_have(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exclusive = locks.exclusive

    def files_only(descriptor: int) -> bool:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return exclusive(descriptor)

    monkeypatch.setattr(locks, "exclusive", files_only)
    root = Root("app")
    assert Path(root.path, "root.conf").read_text() == "lease=file\n"
    with root.workspace():
        assert root.sweep().alive == 1
    assert set(os.listdir(root.path)) == OWN


def test_the_sweep_of_an_opening_with_rubbish_everywhere_fails_nothing(root: Root) -> None:
    for name in ("job-1-1-0123456789", "job-1-1-0123456789.json", "job-1-1-abcdefghjk.lock", "x-1-1-0123456789.gone"):
        Path(root.path, name).mkdir()
        Path(root.path, name, "file").touch()
    with Root("app").workspace() as ws:
        assert ws.path.exists()


assert sys.platform == "linux"
