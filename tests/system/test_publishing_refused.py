"""What is not published, and why; nothing is changed then."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from scratchwork.errors import CannotPublish
from scratchwork.system.publishing import open_draft, publish, publish_descriptor

from .helpers import NOBODY, as_nobody, mount, needs_root, with_own_mounts
from .publishing_scenarios import NEW, OLD, make_file, make_tree, picture


def refused(source: Path | str, destination: Path | str, number: int, **terms: bool) -> CannotPublish:
    with pytest.raises(CannotPublish) as caught:
        publish(source, destination, **terms)
    assert caught.value.errno == number
    assert caught.value.filename == str(destination)
    assert caught.value.source == str(source)
    assert not caught.value.in_place
    return caught.value


def make_special(path: Path, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            here = os.getcwd()
            os.chdir(path.parent)  # its address may be 107 bytes long
            bound.bind(path.name)
            os.chdir(here)
    else:
        os.mknod(path, 0o020600, os.makedev(1, 3))


KINDS = ["pipe", "socket", pytest.param("device", marks=needs_root)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tree", [True, False])
def test_a_special_file_is_not_replaced(place: Path, kind: str, tree: bool) -> None:
    make_special(place / "special", kind)
    make_tree(place / "source", NEW) if tree else make_file(place / "source", NEW)
    before = picture(place)
    assert refused(place / "source", place / "special", errno.ENOTDIR if tree else errno.EINVAL).step == "check"
    if not tree:
        with pytest.raises(CannotPublish, match="no regular file"):
            open_draft(place / "special")
    assert picture(place) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_special_file_is_not_published(place: Path, kind: str) -> None:
    make_special(place / "special", kind)
    error = refused(place / "special", place / "result", errno.EINVAL)
    assert "neither a regular file nor a directory; only those" in str(error)


def test_dev_null_stays(place: Path) -> None:
    make_file(place / "source", NEW)
    refused(place / "source", "/dev/null", errno.EINVAL)
    assert (place / "source").read_bytes() == NEW


@pytest.mark.parametrize("kind", ["file", "directory", "nothing"])
def test_a_symlink_is_not_published(place: Path, kind: str) -> None:
    if kind != "nothing":
        (make_tree if kind == "directory" else make_file)(place / "target", NEW)
    (place / "link").symlink_to("target")
    assert "the source is a symlink; give what it leads to" in str(
        refused(place / "link", place / "result", errno.ELOOP)
    )


def test_files_and_directories_do_not_replace_each_other(place: Path) -> None:
    make_file(place / "file", NEW)
    make_tree(place / "tree", OLD)
    before = picture(place)
    assert "a directory has that name" in str(refused(place / "file", place / "tree", errno.EISDIR))
    assert "no directory has that name" in str(refused(place / "tree", place / "file", errno.ENOTDIR))
    assert picture(place) == before


@pytest.mark.parametrize("name", ["", ".", "..", "/", "here/.", "here/.."])
def test_a_name_is_needed(place: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    Path("here").mkdir()
    make_file(Path("source"), NEW)
    assert "name the thing itself, not the folder" in str(refused("source", name, errno.EINVAL))
    assert "give it by its name" in str(refused(name, "result", errno.EINVAL))


def test_a_file_has_no_slash_at_its_end(place: Path) -> None:
    make_file(place / "source", NEW)
    assert "ends in a slash" in str(refused(place / "source", f"{place}/result/", errno.EISDIR))
    with pytest.raises(CannotPublish, match="ends in a slash"):
        open_draft(f"{place}/result/")


def test_nothing_is_published_onto_itself(place: Path) -> None:
    make_file(place / "file", NEW)
    make_tree(place / "tree", NEW)
    (place / "link").symlink_to("file")
    (place / "self").symlink_to(".")
    before = picture(place)
    for source, destination in (
        ("file", "file"),
        ("file", "link"),
        ("file", "self/file"),
        ("tree", "tree"),
        ("tree", "self/tree"),
    ):
        assert "source and destination are the same" in str(refused(place / source, place / destination, errno.EINVAL))
    assert picture(place) == before


def test_a_directory_does_not_go_into_itself(place: Path) -> None:
    make_tree(place / "tree", NEW)
    for destination in ("tree/result", "tree/sub/result"):
        assert "inside the source" in str(refused(place / "tree", place / destination, errno.EINVAL))


@needs_root
def test_one_file_on_two_mounts_is_one(place: Path) -> None:
    make_file(place / "file", NEW)
    (place / "bound").mkdir()

    def work() -> None:
        mount("--bind", place, place / "bound")
        refused(place / "file", place / "bound" / "file", errno.EINVAL)
        assert (place / "file").read_bytes() == NEW
        publish(place / "file", place / "bound" / "result")  # another mount of that device: copied
        assert (place / "result").read_bytes() == NEW
        assert not (place / "file").exists()
        os.link(place / "result", place / "second")
        publish(place / "second", place / "bound" / "result")
        assert (place / "result").read_bytes() == NEW
        make_tree(place / "tree", NEW)
        refused(place / "tree", place / "bound" / "tree", errno.EINVAL)
        refused(place / "tree", place / "bound" / "tree" / "result", errno.EINVAL)
        assert (place / "tree" / "file").read_bytes() == NEW

    with_own_mounts(work)


@needs_root
def test_a_mounted_destination_is_refused(place: Path) -> None:
    make_file(place / "source", NEW)
    make_file(place / "result", OLD)
    make_tree(place / "tree", NEW)
    (place / "mounted").mkdir()

    def work() -> None:
        mount("--bind", place / "result", place / "result")
        assert refused(place / "source", place / "result", errno.EBUSY).step == "rename"
        mount("-t", "tmpfs", "none", place / "mounted")
        refused(place / "tree", place / "mounted", errno.EBUSY)
        mount("-t", "tmpfs", "none", place / "tree" / "empty")
        before = picture(place)
        error = refused(place / "tree", place / "mounted" / "result", errno.EBUSY)
        assert "another file system is mounted on 'empty' in it" in str(error)
        assert picture(place) == before

    with_own_mounts(work)


@needs_root
def test_a_source_that_must_stay_is_not_copied(place: Path) -> None:
    for name in ("source", "sticky", "there"):
        (place / name).mkdir()
    make_file(place / "source" / "file", NEW, 0o644)
    make_file(place / "sticky" / "file", NEW, 0o644)

    def read_only() -> None:
        mount("--bind", place / "source", place / "source")
        mount("-o", "remount,ro,bind", place / "source")
        mount("-t", "tmpfs", "none", place / "there")
        error = refused(place / "source" / "file", place / "there" / "result", errno.EACCES)
        assert "can't be removed from its folder" in str(error)
        assert os.listdir(place / "there") == []
        os.chmod(place / "there", 0o777)
        os.chmod(place / "sticky", 0o1777)
        os.chmod(place, 0o755)
        os.chdir(place)
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        refused("sticky/file", "there/result", errno.EACCES)
        assert os.listdir("there") == []

    with_own_mounts(read_only)


@needs_root
def test_a_symlink_of_another_user_is_not_followed_in_an_open_folder(place: Path) -> None:
    make_file(place / "source", NEW)
    make_file(place / "target", OLD)
    shared = place / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "trap").symlink_to(place / "target")
    (shared / "mine").symlink_to(place / "target")
    os.chown(shared / "trap", NOBODY, NOBODY, follow_symlinks=False)
    assert "another user's" in str(refused(place / "source", shared / "trap", errno.EACCES))
    assert (place / "target").read_bytes() == OLD
    publish(place / "source", shared / "mine")
    assert (place / "target").read_bytes() == NEW


def test_symlinks_in_a_circle(place: Path) -> None:
    make_file(place / "source", NEW)
    (place / "one").symlink_to("two")
    (place / "two").symlink_to("one")
    refused(place / "source", place / "one", errno.ELOOP)


def test_a_symlink_that_took_the_name_meanwhile_is_not_replaced(place: Path) -> None:
    draft = open_draft(place / "result")
    (place / "result").symlink_to("target")
    with pytest.raises(CannotPublish, match="a symlink has got that name meanwhile"):
        draft.commit()
    draft.close()
    assert os.listdir(place) == ["result"]


def test_what_is_missing(place: Path) -> None:
    make_file(place / "source", NEW)
    error = refused(place / "missing", place / "result", errno.ENOENT)
    assert (error.step, type(error.__cause__)) == ("open the source", FileNotFoundError)
    error = refused(place / "source", place / "missing" / "result", errno.ENOENT)
    assert error.step == "open the folder"
    assert "could not open the folder: No such file or directory; see that" in str(error)
    refused(place / "source", place / "source" / "result", errno.ENOTDIR)
    refused(place / "source", place / ("x" * 256), errno.ENAMETOOLONG)


def test_an_open_file_with_a_name_or_none_at_all(place: Path) -> None:
    named = os.open(place / "file", os.O_CREAT | os.O_RDWR)
    reading, writing = os.pipe()
    closed = os.dup(reading)
    os.close(closed)
    for fd, number in ((named, errno.EINVAL), (writing, errno.EINVAL), (closed, errno.EBADF), (-1, errno.EBADF)):
        with pytest.raises(CannotPublish) as caught:
            publish_descriptor(fd, place / "result")
        assert (caught.value.errno, caught.value.source) == (number, None)
        assert not (place / "result").exists()
    for fd in (named, reading, writing):
        os.close(fd)


def test_without_permission(place: Path) -> None:
    (place / "here").mkdir()
    (place / "there").mkdir()
    make_file(place / "here" / "file", NEW)
    make_tree(place / "here" / "tree", NEW)

    def work() -> None:
        os.chmod("here", 0o500)
        for name in ("file", "tree"):
            before = picture(Path("here")), picture(Path("there"))
            assert refused(f"here/{name}", "there/result", errno.EACCES).step == "rename"
            assert (picture(Path("here")), picture(Path("there"))) == before
        os.chmod("here", 0o700)
        os.chmod("there", 0o500)
        for name in ("file", "tree"):
            assert refused(f"here/{name}", "there/result", errno.EACCES).step == "rename"
        with pytest.raises(CannotPublish) as caught:
            open_draft("there/result")
        assert caught.value.step == "open a draft"
        os.chmod("there", 0o700)
        publish("here/tree", "there/tree", mode=0o555)  # its owner's permission to write is taken away after it moved
        assert os.stat("there/tree").st_mode & 0o777 == 0o555

    as_nobody(place, work)


def test_a_tree_that_cannot_be_read_whole_is_not_published(place: Path) -> None:
    make_tree(place / "tree", NEW)

    def work() -> None:
        os.chmod("tree/sub", 0)
        assert refused("tree", "result", errno.EACCES).step == "sync"
        os.chmod("tree/sub", 0o700)
        os.chmod("tree/file", 0)
        assert refused("tree", "result", errno.EACCES).step == "sync"
        publish("tree", "result", durable=False)

    as_nobody(place, work)
