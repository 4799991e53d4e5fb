"""Copies to another device: the same content, holes, links, times and attributes, by whatever call there is."""

from __future__ import annotations

import errno
import os
import random
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchwork.errors import CannotPublish
from scratchwork.system import trees
from scratchwork.system.publishing import copying, publish, publish_descriptor

from .helpers import NOBODY, needs_root
from .publishing_scenarios import NEW, OLD, content, make_file, make_tree, picture

BLOCK = 1 << 16


@pytest.fixture(params=["memory to disk", "disk to memory"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Two folders on two devices."""
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev:
        pytest.skip("one device only")
    memory = Path(tempfile.mkdtemp(prefix="publishing-", dir="/dev/shm"))
    yield (memory, tmp_path) if request.param == "memory to disk" else (tmp_path, memory)
    shutil.rmtree(memory)


def refusing(number: int) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return refuse


def nothing(*_: Any, **__: Any) -> int:
    return 0


def few(name: str) -> Callable[..., Any]:
    """A call that copies less than it was asked to."""
    real = getattr(os, name)
    if name == "pwrite":
        return lambda fd, data, at: real(fd, data[:1000], at)
    if name == "copy_file_range":
        return lambda source, target, count, *at: real(source, target, min(count, 1000), *at)
    return lambda target, source, at, count: real(target, source, at, min(count, 1000))


HELP: dict[str, dict[str, Callable[..., Any]]] = {
    "all": {},
    "little at once": {"copy_file_range": few("copy_file_range")},
    "none is copied": {"copy_file_range": nothing},
    "sendfile": {"copy_file_range": refusing(errno.EXDEV)},
    "sendfile, little at once": {"copy_file_range": refusing(errno.EINVAL), "sendfile": few("sendfile")},
    "neither": {"copy_file_range": refusing(errno.ENOSYS), "sendfile": refusing(errno.EINVAL)},
    "neither, little at once": {
        "copy_file_range": refusing(errno.EOPNOTSUPP),
        "sendfile": nothing,
        "pwrite": few("pwrite"),
    },
}


@pytest.mark.parametrize("name", HELP)
def test_copies_by_whatever_there_is(ends: tuple[Path, Path], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = random.Random(1).randbytes(100_001)
    here, there = ends
    make_file(here / "source", data)
    before = (here / "source").stat()
    for call, instead in HELP[name].items():
        monkeypatch.setattr(os, call, instead)
    publish(here / "source", there / "result")
    after = (there / "result").stat()  # before it is read, which sets its access time
    assert (there / "result").read_bytes() == data
    assert (after.st_mtime_ns, after.st_atime_ns // 10**9) == (before.st_mtime_ns, before.st_atime_ns // 10**9)
    assert os.listdir(here) == []
    assert os.listdir(there) == ["result"]


@pytest.mark.parametrize("call", ["copy_file_range", "sendfile"])
def test_any_other_error_is_one(ends: tuple[Path, Path], call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = ends
    make_file(here / "source", NEW)
    monkeypatch.setattr(os, "copy_file_range", refusing(errno.EXDEV))
    monkeypatch.setattr(os, call, refusing(errno.ENOSPC))
    with pytest.raises(CannotPublish, match=r"could not copy: No space left on device; the disk is full") as caught:
        publish(here / "source", there / "result")
    assert caught.value.step == "copy"
    assert content(there) == {}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3 * BLOCK)), max_size=6))
def test_holes_stay_holes(pieces: list[tuple[bool, int]]) -> None:
    for with_help in (True, False):
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
            size = 0
            for is_data, length in pieces:
                if is_data:
                    os.pwrite(source.fileno(), b"d" * length, size)
                size += length
            os.ftruncate(source.fileno(), size)
            os.lseek(source.fileno(), 7, os.SEEK_SET)
            with pytest.MonkeyPatch.context() as patch:
                if not with_help:
                    patch.setattr(copying, "_HELPERS", ())
                copying.copy(source.fileno(), target.fileno())
            assert os.pread(target.fileno(), size + 1, 0) == os.pread(source.fileno(), size + 1, 0)
            assert os.lseek(source.fileno(), 0, os.SEEK_CUR) == 7
            assert os.fstat(target.fileno()).st_blocks <= os.fstat(source.fileno()).st_blocks + 8


def test_a_large_hole_is_not_filled(ends: tuple[Path, Path]) -> None:
    here, there = ends
    with (here / "source").open("wb") as file:
        file.truncate(1 << 40)
        file.seek(1 << 39)
        file.write(b"in the middle")
    publish(here / "source", there / "result", durable=False)
    status = (there / "result").stat()
    assert status.st_size == 1 << 40
    assert status.st_blocks * 512 < 1 << 20


@pytest.mark.parametrize("number", sorted(copying._NO_SEEK_DATA))
def test_where_holes_cannot_be_told_all_is_copied(
    ends: tuple[Path, Path], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = ends
    real = os.lseek

    def refuse(fd: int, at: int, how: int) -> int:
        if how in (os.SEEK_DATA, os.SEEK_HOLE):
            raise OSError(number, "no")
        return real(fd, at, how)

    make_file(here / "source", NEW)
    monkeypatch.setattr(os, "lseek", refuse)
    publish(here / "source", there / "result")
    assert (there / "result").read_bytes() == NEW


@pytest.mark.parametrize("change", ["longer", "shorter", "other"])
def test_a_source_that_is_written_to_is_not_removed(
    ends: tuple[Path, Path], change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = ends
    make_file(here / "source", NEW)
    make_file(there / "result", OLD)
    real = os.copy_file_range

    def write(source: int, *arguments: int) -> int:
        with (here / "source").open("r+b") as file:
            if change == "shorter":
                file.truncate(100)
            else:
                file.seek(0, os.SEEK_END if change == "longer" else os.SEEK_SET)
                file.write(b"more")
        os.utime(here / "source", (1, 1))  # the clock may stand still meanwhile
        return real(source, *arguments)

    monkeypatch.setattr(os, "copy_file_range", write)
    with pytest.raises(CannotPublish, match=r"somebody (wrote to|shortened) the source while it was copied") as caught:
        publish(here / "source", there / "result")
    assert caught.value.errno == errno.EBUSY
    assert (here / "source").exists()
    assert content(there) == {"result": OLD}


def test_a_source_replaced_meanwhile_is_not_removed(ends: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = ends
    real = os.copy_file_range

    def replace(*arguments: Any) -> int:
        make_file(here / "second", OLD)
        (here / "second").replace(here / "source")
        return real(*arguments)

    make_file(here / "source", NEW)
    monkeypatch.setattr(os, "copy_file_range", replace)
    publish(here / "source", there / "result")
    assert (content(here), content(there)) == ({"source": OLD}, {"result": NEW})


def test_attributes_come_along(ends: tuple[Path, Path]) -> None:
    here, there = ends
    make_file(here / "source", NEW, 0o4711)
    try:
        os.setxattr(here / "source", "user.color", b"blue")
        os.setxattr(there, "user.color", b"blue")
    except OSError:
        pytest.skip("no extended attributes on one of them")
    if os.geteuid() == 0:
        os.chown(here / "source", NOBODY, NOBODY)
    before = (here / "source").stat()
    publish(here / "source", there / "result", mode=0o640)
    after = (there / "result").stat()
    assert os.getxattr(there / "result", "user.color") == b"blue"
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (before.st_uid, before.st_gid, 0o640)


def test_what_may_not_be_had_is_left_out(ends: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = ends
    make_tree(here / "source", NEW)
    with_attributes = True
    try:
        os.setxattr(here / "source" / "file", "user.color", b"blue")
    except OSError:
        with_attributes = False
    if os.geteuid() == 0:
        for path in (here / "source").rglob("*"):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    (here / "source" / "sub" / "script").chmod(0o4711)  # chown(2) took it away
    for name in ("fchown", "chown", "setxattr"):
        monkeypatch.setattr(os, name, refusing(errno.EPERM))
    publish(here / "source", there / "result")
    assert content(there / "result" / "file") == NEW
    assert not with_attributes or os.listxattr(there / "result" / "file") == []
    if os.geteuid() == 0:
        script = (there / "result" / "sub" / "script").stat()
        assert (script.st_uid, stat.S_IMODE(script.st_mode)) == (0, 0o711)  # not a set-user-id program of another user


def test_a_tree_is_the_same_on_the_other_side(ends: tuple[Path, Path]) -> None:
    here, there = ends
    make_tree(here / "source", NEW)
    (here / "source" / "dangling").symlink_to("nowhere")
    os.link(here / "source" / "file", here / "source" / "sub" / "again")
    (here / "source" / os.fsdecode(b"\xff")).touch()
    (here / "source" / "sub").chmod(0o500)
    (here / "source" / "empty").chmod(0o2750)
    with (here / "source" / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    if os.geteuid() == 0:
        os.chown(here / "source" / "dangling", NOBODY, NOBODY, follow_symlinks=False)
    for path in [here / "source", *(here / "source").rglob("*")]:
        os.utime(path, (10**9, 10**9 + 1), follow_symlinks=False)
    (here / "source" / "sparse").rename(here / "sparse")  # too long to be looked at
    before = picture(here / "source")
    (here / "sparse").rename(here / "source" / "sparse")
    os.utime(here / "source", (10**9, 10**9 + 1))
    publish(here / "source", there / "result", mode=0o750, durable=False)
    result = there / "result"
    assert (result / "sparse").stat().st_blocks < 1000
    assert {int(path.lstat().st_mtime) for path in [result, *result.rglob("*")]} == {10**9 + 1}
    (result / "sparse").unlink()
    assert picture(result) == before
    assert (result / "file").stat().st_ino == (result / "sub" / "again").stat().st_ino
    assert os.listdir(here) == []


def test_a_deep_and_wide_tree(ends: tuple[Path, Path]) -> None:
    here, there = ends
    path = here / "source"
    for number in range(200):
        path /= "d" * 10
        path.mkdir(parents=True)
        make_file(path / str(number), b"x")
    publish(here / "source", there / "result", durable=False)
    assert sum(len(files) for _, _, files in os.walk(there / "result")) == 200
    assert os.listdir(here) == []


@pytest.mark.parametrize("kind", ["pipe", pytest.param("device", marks=needs_root)])
def test_a_tree_with_a_special_file_is_not_copied(ends: tuple[Path, Path], kind: str) -> None:
    here, there = ends
    make_tree(here / "source", NEW)
    special = here / "source" / "sub" / "special"
    os.mkfifo(special) if kind == "pipe" else os.mknod(special, 0o020600, os.makedev(1, 5))
    before = picture(here)
    with pytest.raises(CannotPublish, match="'sub/special' in it is a device, a pipe or a socket") as caught:
        publish(here / "source", there / "result")
    assert caught.value.step == "copy"
    assert picture(here) == before
    assert os.listdir(there) == []


def test_a_draft_that_cannot_be_removed_is_told(ends: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from scratchwork.system.trees import Removal

    removal = Removal()
    removal.failed("file", OSError(errno.EIO, "Input/output error"))
    here, there = ends
    make_tree(here / "source", NEW)
    os.mkfifo(here / "source" / "pipe")
    monkeypatch.setattr(trees, "remove_in", lambda *_: removal)
    with pytest.raises(CannotPublish) as caught:
        publish(here / "source", there / "result")
    (left,) = there.iterdir()
    assert caught.value.__notes__ == [f"and the draft could not be removed: {left}: file: Input/output error"]


def test_an_open_file_of_another_device_keeps_its_offset(ends: tuple[Path, Path]) -> None:
    here, there = ends
    fd = os.open(here, os.O_TMPFILE | os.O_RDWR)
    os.write(fd, NEW)
    os.lseek(fd, 3, os.SEEK_SET)
    publish_descriptor(fd, there / "result")
    assert os.lseek(fd, 0, os.SEEK_CUR) == 3
    assert content(there) == {"result": NEW}
    os.close(fd)
