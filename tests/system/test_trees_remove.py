from __future__ import annotations

import contextlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from scratchwork.system import trees
from scratchwork.system.folders import Folder
from scratchwork.system.trees import Removal, descent, emptying, posix

from .helpers import (
    as_nobody,
    fill,
    measure,
    mount,
    needs_root,
    nest,
    remove,
    told,
    with_few_descriptors,
    with_own_mounts,
)

BUSY = "something is mounted there"


def test_the_bytes_told_are_those_of_the_files_that_were_measured(tree: Path) -> None:
    """An empty directory is removed without being looked at, so directories' own bytes are not counted."""
    fill(tree)
    (tree / "sparse").touch()
    os.truncate(tree / "sparse", 10**10)
    os.link(tree / "file0", tree / "directory0" / "same")
    folders = sum(path.stat().st_blocks * 512 for path in tree.rglob("*") if path.is_dir())
    measured = measure(tree)
    removed = remove(tree).usage
    assert (removed.files, removed.directories) == (measured.files, measured.directories)
    assert removed.bytes == measured.bytes - folders


def test_what_is_linked_from_outside_frees_nothing(place: Path, tree: Path) -> None:
    (tree / "file").write_bytes(b"x" * 100_000)
    os.link(tree / "file", place / "outside")
    assert remove(tree).usage.bytes == 0
    assert (place / "outside").stat().st_size == 100_000


@pytest.mark.parametrize(("limit", "free"), [(64, 50), (16, 6), (16, 3)])
def test_few_descriptors_suffice(tree: Path, limit: int, free: int) -> None:
    nest(tree, 500)
    parent, top = os.open(tree.parent, os.O_RDONLY), os.open(tree, os.O_RDONLY)

    def work() -> None:
        removal = trees.remove("tree", parent, top)
        assert removal.complete, removal
        assert (removal.usage.files, removal.usage.directories) == (500, 500)

    with_few_descriptors(limit, free, {parent, top}, work)
    os.close(parent)
    os.close(top)


def test_few_descriptors_suffice_also_where_modes_must_be_mended(place: Path, tree: Path) -> None:
    nest(tree, 100, mode=0)

    def work() -> None:
        Path("tree").chmod(0o700)
        parent, top = os.open(".", os.O_RDONLY), os.open("tree", os.O_RDONLY)

        def starved() -> None:
            removal = trees.remove("tree", parent, top)
            assert removal.complete, removal

        with_few_descriptors(16, 6, {parent, top}, starved)

    as_nobody(place, work)
    assert not tree.exists()


@pytest.mark.parametrize("mode", [0o000, 0o100, 0o200, 0o400, 0o500, 0o555])
@pytest.mark.parametrize("empty", [True, False])
def test_a_top_that_is_shut_is_removed_by_name(place: Path, tree: Path, mode: int, empty: bool) -> None:
    if not empty:
        fill(tree, 1)

    def work() -> None:
        os.chmod("tree", mode)
        removal = trees.remove_in(Folder("."), "tree")
        assert removal.complete, removal

    as_nobody(place, work)
    assert not tree.exists()


def test_by_name_it_never_follows_a_symlink(place: Path, tree: Path) -> None:
    (tree / "file").touch()
    (place / "link").symlink_to("tree")
    (place / "plain").touch()
    folder = Folder(str(place))
    for name in ("link", "plain"):
        assert told(trees.remove_in(folder, name)) == [("", "Not a directory")]
    assert trees.remove_in(folder, "none").complete
    assert sorted(folder.names()) == ["link", "plain", "tree"]
    assert (tree / "file").exists()


def test_the_name_that_leads_to_another_directory_by_now_is_left_alone(place: Path, tree: Path) -> None:
    fill(tree, 1)
    parent, top = os.open(place, os.O_RDONLY), os.open(tree, os.O_RDONLY)
    tree.rename(place / "moved")
    tree.mkdir()
    (tree / "canary").touch()
    removal = trees.remove("tree", parent, top)
    os.close(parent)
    os.close(top)
    assert not removal.complete
    assert removal.failures
    assert (tree / "canary").exists()


@pytest.mark.parametrize("wide", [True, False])
def test_a_deadline_that_passes_among_directories_stops_it(
    tree: Path, monkeypatch: pytest.MonkeyPatch, wide: bool
) -> None:
    """Time passes when the tenth directory goes."""
    here = tree
    for number in range(100):
        (here / str(number)).mkdir()
        here = here if wide else here / str(number)
    gone = []

    def drop(name: str, dir_fd: int | None) -> bool:
        gone.append(name)
        return emptying.remove_empty(name, dir_fd)

    monkeypatch.setattr(posix, "remove_empty", drop)
    monkeypatch.setattr(posix, "time", SimpleNamespace(monotonic=lambda: float(len(gone) > 10)))
    removal = remove(tree, deadline=0.5)
    assert removal.ran_out_of_time
    assert not removal.complete
    assert not removal.failures
    assert 0 < len(gone) < 15
    monkeypatch.undo()
    assert remove(tree).complete


def test_only_the_first_failures_are_told(place: Path, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(Removal.MOST_FAILURES + 50):
        (tree / str(number)).mkdir()

    def refuse(name: str, dir_fd: int | None) -> bool:
        raise PermissionError(1, "Operation not permitted", name)

    monkeypatch.setattr(posix, "remove_empty", lambda name, fd: refuse(name, fd) if name.isdigit() else False)
    assert len(remove(tree).failures) == Removal.MOST_FAILURES


@needs_root
@pytest.mark.parametrize("flag", ["i", "a"])
def test_a_folder_that_is_set_immutable_is_told_and_the_rest_goes(tree: Path, flag: str) -> None:
    fill(tree, 1)
    stuck = tree / "directory1"
    if subprocess.run(["chattr", f"+{flag}", stuck], capture_output=True, check=False).returncode:
        pytest.skip("no such attribute here")
    try:
        removal = remove(tree)
    finally:
        subprocess.run(["chattr", f"-{flag}", stuck], check=True)
    assert not removal.complete
    assert told(removal)[0] == ("directory1", "Operation not permitted")
    assert os.listdir(tree) == ["directory1"]
    assert remove(tree).complete


@needs_root
def test_devices_are_removed_and_not_opened(tree: Path) -> None:
    try:
        os.mknod(tree / "tape", 0o020600, os.makedev(9, 250))  # no driver: opening it is an error
        os.mknod(tree / "disk", 0o060600, os.makedev(250, 250))
    except PermissionError:
        pytest.skip("no devices may be made here")
    assert measure(tree).files == 2
    assert remove(tree).usage.files == 2


@needs_root
@pytest.mark.parametrize("what", ["tmpfs", "folder", "file"])
def test_a_mount_inside_survives_and_the_rest_goes(place: Path, tree: Path, what: str) -> None:
    fill(tree)
    inside = tree / "directory0" / "mount"
    (place / "folder").mkdir()
    (place / "folder" / "canary").touch()
    (place / "file").write_text("canary")

    def work() -> None:
        inside.touch() if what == "file" else inside.mkdir()
        if what == "tmpfs":
            mount("-t", "tmpfs", "none", inside)
        else:
            mount("--bind", place / what, inside)
        if what != "file":
            (inside / "canary").touch()
        removal = remove(tree)
        assert not removal.complete
        reason = os.strerror(16) if what == "file" else BUSY
        assert told(removal) == [("directory0/mount", reason)]
        assert sorted(tree.rglob("*"))[:2] == [tree / "directory0", inside]
        assert inside.read_text() == "canary" if what == "file" else (inside / "canary").exists()

    with_own_mounts(work)
    assert (place / "folder" / "canary").exists()
    assert (place / "file").read_text() == "canary"
    assert remove(tree).complete, "once it is unmounted"


@needs_root
@pytest.mark.parametrize("options", [("-t", "tmpfs", "none"), ("--bind", "OUTSIDE")])
def test_a_mount_on_the_top_survives(place: Path, tree: Path, options: tuple[str, ...]) -> None:
    (place / "outside").mkdir()

    def work() -> None:
        under = os.open(tree, os.O_RDONLY)
        mount(*[str(place / "outside") if option == "OUTSIDE" else option for option in options], tree)
        (tree / "canary").touch()
        folder = Folder(str(place))
        assert told(trees.remove_in(folder, "tree")) == [("", os.strerror(16))]
        assert told(trees.remove("tree", folder.fd, under)) == [("", os.strerror(16))]
        assert (tree / "canary").exists()

    with_own_mounts(work)


class _OneDevice:
    """The module `os`, but all that is open seems to be on one device."""

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    @staticmethod
    def fstat(fd: int) -> SimpleNamespace:
        return SimpleNamespace(st_dev=0, st_ino=os.fstat(fd).st_ino)


def _race_of_a_mount(tree: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Mount after the rmdir that would have told of it; return whether what is mounted came through."""
    (tree / "mount").mkdir()
    (tree / "mount" / "file").touch()
    survived = tree.parent / "survived"

    def mount_later(name: str, dir_fd: int | None) -> bool:
        empty = emptying.remove_empty(name, dir_fd)
        if name == "mount" and not (tree / "mount" / "canary").exists():
            mount("-t", "tmpfs", "none", tree / "mount")
            (tree / "mount" / "canary").touch()
        return empty

    def work() -> None:
        monkeypatch.setattr(posix, "remove_empty", mount_later)
        remove(tree)
        if (tree / "mount" / "canary").exists():
            survived.touch()

    with_own_mounts(work)
    return survived.exists()


@needs_root
def test_a_mount_that_comes_in_between_is_not_entered(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _race_of_a_mount(tree, monkeypatch)


@needs_root
def test_control_without_the_device_check_it_is_emptied(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descent, "os", _OneDevice())
    with contextlib.suppress(FileNotFoundError):
        assert not _race_of_a_mount(tree, monkeypatch)


def test_a_name_that_became_a_directory_or_a_file_meanwhile(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a scan says of an entry may be old by the time it is removed."""
    (tree / "folder").mkdir()
    (tree / "folder" / "file").touch()

    def swap(name: str, dir_fd: int | None) -> bool:
        if name == "folder" and (tree / "folder").is_dir() and not (tree / "was").exists():
            (tree / "folder").rename(tree / "was")
            (tree / "folder").touch()
        return emptying.remove_empty(name, dir_fd)

    monkeypatch.setattr(posix, "remove_empty", swap)
    removal = remove(tree)
    assert removal.complete
    assert not tree.exists()


def test_control_without_mending_a_shut_folder_stays(place: Path, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tree, 1)

    def refuse(name: str, dir_fd: int | None) -> int:
        raise PermissionError(13, "Permission denied", name)

    def work() -> None:
        Path("tree/directory0").chmod(0)
        monkeypatch.setattr(descent, "open_unreadable", refuse)
        assert told(remove(Path("tree"))) == [("directory0", "Permission denied")]

    as_nobody(place, work)
    assert os.listdir(tree) == ["directory0"]


@needs_root
def test_somebody_elses_folder_is_never_mended(place: Path, tree: Path) -> None:
    (tree / "theirs").mkdir()
    (tree / "theirs" / "file").touch()

    def work() -> None:
        assert told(remove(Path("tree"))) == [("theirs", "Permission denied")]

    as_nobody(place, work, but=tree / "theirs")
    assert (tree / "theirs").stat().st_mode & 0o777 == 0o700


def test_two_at_once_share_the_work(tree: Path) -> None:
    fill(tree, 4)
    total = measure(tree).files
    folder = Folder(str(tree.parent))
    with ThreadPoolExecutor(4) as pool:
        removals = list(pool.map(lambda _: trees.remove_in(folder, "tree"), range(4)))
    assert all(removal.complete for removal in removals), removals
    assert sum(removal.usage.files for removal in removals) == total
    assert not tree.exists()
