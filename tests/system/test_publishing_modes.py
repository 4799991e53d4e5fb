"""Modes, owners, extended attributes and ACLs of what is published."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scratchwork.errors import CannotPublish
from scratchwork.system.publishing import attributes, drafts, modes, open_draft, publish, publish_descriptor
from scratchwork.system.publishing.xattrs import linux

from .helpers import NOBODY, in_child, needs_root
from .publishing_scenarios import NEW, OLD, make_file, make_tree, picture

ACL = "system.posix_acl_access"
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 1, 2, 4, 16, 32


@pytest.fixture(params=[0o022, 0o077, 0o000, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def by_path(place: Path, mode: int | None = None, made: int = 0o600) -> None:
    make_file(place / "source", NEW, made)
    publish(place / "source", place / "result", mode=mode)


def by_descriptor(place: Path, mode: int | None = None, made: int = 0o600) -> None:
    fd = os.open(place, os.O_TMPFILE | os.O_RDWR)
    os.fchmod(fd, made)
    publish_descriptor(fd, place / "result", mode=mode)
    os.close(fd)


def by_draft(place: Path, mode: int | None = None, made: int = 0o600) -> None:
    draft = open_draft(place / "result")
    os.fchmod(draft.fd, made)
    draft.commit(mode=mode)
    draft.close()


WAYS = pytest.mark.parametrize("way", [by_path, by_descriptor, by_draft])
Way = Callable[..., None]


@WAYS
def test_a_mode_is_had_exactly(place: Path, umask: int, way: Way) -> None:
    for mode in (0o600, 0o644, 0o666, 0o777, 0o4755, 0o2711, 0o000):
        way(place, mode)
        assert mode_of(place / "result") == mode
    way(place, stat.S_IFREG | 0o640)  # as stat(2) tells it
    assert mode_of(place / "result") == 0o640


@WAYS
def test_a_new_file_has_the_mode_that_open_gives(place: Path, umask: int, way: Way) -> None:
    way(place)
    (place / "plain").touch()
    assert mode_of(place / "result") == mode_of(place / "plain") == 0o666 & ~umask


@pytest.mark.parametrize("way", [by_path, by_descriptor])
def test_a_new_program_can_be_executed(place: Path, umask: int, way: Way) -> None:
    way(place, made=0o4700)
    assert mode_of(place / "result") == 0o777 & ~umask


@WAYS
def test_the_mode_of_the_replaced_file_is_kept(place: Path, umask: int, way: Way) -> None:
    for mode, kept in ((0o604, 0o604), (0o755, 0o755), (0o400, 0o400), (0o4755, 0o755), (0o2710, 0o710)):
        make_file(place / "result", OLD, mode)
        way(place, made=0o777)
        assert mode_of(place / "result") == kept
        assert (place / "result").stat().st_size != len(OLD)


def test_directories(place: Path, umask: int) -> None:
    make_tree(place / "source", NEW, 0o700)
    publish(place / "source", place / "result")
    (place / "plain").mkdir()
    assert mode_of(place / "result") == mode_of(place / "plain") == 0o777 & ~umask
    (place / "result").chmod(0o751)
    for mode in (None, 0o2770, 0o555):
        make_tree(place / "source", NEW, 0o700)
        publish(place / "source", place / "result", mode=mode)
        assert mode_of(place / "result") == (0o751 if mode is None else mode)
        (place / "result").chmod(0o751)
        assert mode_of(place / "result" / "file") == 0o640
        assert mode_of(place / "result" / "sub" / "script") == 0o711


def test_the_umask_is_read_without_changing_it(umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: int) -> int:
        raise AssertionError

    monkeypatch.setattr(os, "umask", never)
    assert modes.umask() == umask


@pytest.mark.parametrize("trouble", ["open", "read", "no line"])
def test_the_umask_without_proc(umask: int, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(*arguments: Any) -> Any:
        raise OSError(errno.ENOENT, "no")

    with monkeypatch.context() as patch:
        if trouble == "no line":
            patch.setattr(os, "open", lambda _, flags: real("/dev/null", flags))
        else:
            patch.setattr(os, trouble, refuse)
        assert modes.umask() == umask
    assert modes.umask() == umask


@pytest.mark.parametrize("way", ["path", "named draft"])
def test_never_wider_not_for_an_instant(place: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [mode for mode in modes_seen(place, way, monkeypatch) if mode & 0o077]


def test_control_an_acl_that_is_not_fitted_is_wider(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux, "_fit", lambda acl, _: acl)
    assert [mode for mode in modes_seen(place, "path", monkeypatch) if mode & 0o077]


@needs_root
def test_not_open_to_a_group_that_was_not_meant(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_file(place / "result", OLD)
    os.chown(place / "result", NOBODY, 12345)
    seen: list[int] = []
    with monkeypatch.context() as patch:
        watch(patch, place, seen)
        inherit_by_path(place, made=0o640, mode=0o600)
    assert len(seen) >= 2
    assert set(seen) == {0o600}


def modes_seen(place: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Replace a file that is open to others by one that is not to be; return the modes that it had on the way."""
    make_file(place / "result", OLD, 0o666)
    set_acl(place / "result", mask=6)
    seen: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(drafts, "_TMPFILE", 0)
        watch(patch, place, seen)
        (inherit_by_path if way == "path" else inherit_by_draft)(place, made=0o600, mode=0o600)
    assert len(seen) >= 2
    assert mode_of(place / "result") == 0o600
    return seen


def watch(patch: pytest.MonkeyPatch, place: Path, seen: list[int]) -> None:
    """See the modes of all but the result after each change of one."""
    for name in ("fchmod", "fchown", "setxattr", "removexattr", "link", "fsync"):
        real = getattr(os, name)

        def look(*arguments: Any, real: Any = real, **named: Any) -> Any:
            result = real(*arguments, **named)
            seen.extend(stat.S_IMODE(entry.lstat().st_mode) for entry in place.iterdir() if entry.name != "result")
            return result

        patch.setattr(os, name, look)


def acl(mask: int, user: int = 6) -> bytes:
    """Return an ACL that lets user 12345 in, as far as the mask does."""
    nobody = 0xFFFFFFFF
    entries = [(_USER_OBJ, 6, nobody), (_USER, user, 12345), (_GROUP_OBJ, 4, nobody), (_MASK, mask, nobody)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in [*entries, (_OTHER, 0, nobody)])


def set_acl(path: Path, mask: int = 6) -> None:
    try:
        os.setxattr(path, ACL, acl(mask))
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        pytest.skip("no ACLs on that file system")


def set_color(path: Path, color: bytes) -> None:
    try:
        os.setxattr(path, "user.color", color)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        pytest.skip("no extended attributes on that file system")


def inherit_by_path(place: Path, made: int = 0o640, **terms: Any) -> None:
    make_file(place / "source", NEW, made)
    publish(place / "source", place / "result", inherit=True, **terms)


def inherit_by_draft(place: Path, made: int = 0o640, **terms: Any) -> None:
    draft = open_draft(place / "result")
    os.fchmod(draft.fd, made)
    os.write(draft.fd, NEW)
    draft.commit(inherit=True, **terms)
    draft.close()


INHERITING = pytest.mark.parametrize("way", [inherit_by_path, inherit_by_draft])


@INHERITING
def test_the_acl_is_inherited(place: Path, way: Way) -> None:
    make_file(place / "result", OLD)
    set_acl(place / "result")
    before = picture(place / "result")
    way(place)
    assert (place / "result").read_bytes() == NEW
    assert picture(place / "result")[:4] == before[:4]


@INHERITING
def test_an_inherited_acl_grants_no_more_than_the_mode(place: Path, way: Way) -> None:
    make_file(place / "result", OLD)
    set_acl(place / "result")
    way(place, mode=0o640)
    assert os.getxattr(place / "result", ACL) == acl(mask=4)
    assert mode_of(place / "result") == 0o640


def test_only_what_the_replaced_file_had_is_inherited(place: Path) -> None:
    make_file(place / "result", OLD)
    set_color(place / "result", b"blue")
    make_file(place / "source", NEW)
    set_color(place / "source", b"red")
    os.setxattr(place / "source", "user.taste", b"sweet")
    set_acl(place / "source")
    publish(place / "source", place / "result", inherit=True)
    assert {name: os.getxattr(place / "result", name) for name in os.listxattr(place / "result")} == {
        "user.color": b"blue"
    }
    make_file(place / "source", NEW)
    publish(place / "source", place / "result")
    assert os.listxattr(place / "result") == []


def test_a_directory_inherits(place: Path) -> None:
    make_tree(place / "result", OLD)
    set_color(place / "result", b"blue")
    make_tree(place / "source", NEW)
    publish(place / "source", place / "result", inherit=True)
    assert os.getxattr(place / "result", "user.color") == b"blue"
    assert os.listxattr(place / "result" / "file") == []


def test_there_may_be_nothing_to_inherit(place: Path) -> None:
    inherit_by_path(place)
    assert (place / "result").read_bytes() == NEW


@needs_root
@INHERITING
def test_the_owner_is_inherited(place: Path, way: Way) -> None:
    make_file(place / "result", OLD, 0o4710)
    os.chown(place / "result", NOBODY, 12345)
    way(place)
    status = (place / "result").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (NOBODY, 12345, 0o710)
    way(place, mode=0o4750)
    assert mode_of(place / "result") == 0o4750


@needs_root
def test_what_may_not_be_inherited_is_an_error(place: Path) -> None:
    def work() -> None:
        make_file(Path("source"), NEW, 0o604)
        before = picture(Path())
        with pytest.raises(CannotPublish) as caught:
            publish("source", "theirs", inherit=True)
        assert (caught.value.step, caught.value.errno) == ("set the mode", errno.EPERM)
        assert picture(Path()) == before
        draft = open_draft("theirs")
        with pytest.raises(CannotPublish):
            draft.commit(inherit=True)
        draft.close()
        assert picture(Path()) == before
        publish("source", "theirs")
        assert os.stat("theirs").st_uid == os.getuid()

    (place / "work").mkdir()
    os.chown(place / "work", NOBODY, NOBODY)
    make_file(place / "work" / "theirs", OLD, 0o644)

    def become() -> None:
        os.chdir(place / "work")
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        work()

    in_child(become)


@needs_root
def test_somebody_elses_file_keeps_its_owner_if_it_is_moved(place: Path) -> None:
    make_file(place / "source", NEW, 0o4755)
    os.chown(place / "source", NOBODY, NOBODY)
    publish(place / "source", place / "result")
    assert (place / "result").stat().st_uid == NOBODY
    assert mode_of(place / "result") & 0o7000 == 0


def test_where_attributes_are_unknown_they_cannot_be_inherited(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scratchwork.system.publishing.xattrs import none

    make_file(place / "source", NEW)
    make_file(place / "result", OLD)
    monkeypatch.setattr(attributes, "xattrs", none)
    with pytest.raises(CannotPublish, match="can't be inherited on this system"):
        publish(place / "source", place / "result", inherit=True)
    publish(place / "source", place / "result")


def test_where_the_file_system_has_no_attributes_there_is_nothing_to_inherit(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise OSError(errno.EOPNOTSUPP, "no")

    make_file(place / "source", NEW)
    make_file(place / "result", OLD, 0o604)
    monkeypatch.setattr(os, "listxattr", refuse)
    publish(place / "source", place / "result", inherit=True)
    assert mode_of(place / "result") == 0o604


def test_a_source_that_could_not_be_restored_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.fchmod, [1]

    def once(fd: int, mode: int) -> None:
        if not calls:
            raise OSError(errno.EIO, "no")
        calls.pop()
        real(fd, mode)

    make_file(place / "source", NEW)
    monkeypatch.setattr(os, "fchmod", once)

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(CannotPublish) as caught:
        publish(place / "source", place / "result", mode=0o600)
    assert caught.value.step == "sync"
    assert "could not be restored" in caught.value.__notes__[0]
