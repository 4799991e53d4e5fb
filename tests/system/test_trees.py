from __future__ import annotations

import contextlib
import errno
import gc
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from scratchwork.system import trees
from scratchwork.system.trees import Usage, descent, emptying, posix

from .helpers import fill, in_child, measure, needs_root, nest, remove

assert sys.platform != "win32"


def test_what_is_removed_is_what_was_measured(tree: Path) -> None:
    fill(tree)
    os.link(tree / "file0", tree / "directory0" / "same")
    (tree / "link").symlink_to("/")
    with (tree / "sparse").open("wb") as sparse:
        sparse.truncate(10**9)
    measured = measure(tree)
    assert (measured.files, measured.directories) == (3 + 9 + 27 + 81 + 3, 39)
    assert measured.bytes < 10**7
    du = subprocess.check_output(["du", "-s", "--block-size=1", tree], text=True)
    own = os.stat(tree).st_blocks * 512
    assert measured.bytes == int(du.split()[0]) - own
    removal = remove(tree)
    assert removal.complete
    assert (removal.usage.files, removal.usage.directories) == (measured.files, measured.directories)
    assert removal.usage.bytes <= measured.bytes
    assert not tree.exists()


def test_a_tree_5000_deep(tree: Path) -> None:
    nest(tree, 5000)
    gc.collect()  # what earlier tests left is given back now, not meanwhile
    before = os.listdir("/proc/self/fd")
    assert measure(tree) == Usage(5000, 5000, measure(tree).bytes)
    removal = remove(tree)
    assert removal.complete
    assert (removal.usage.files, removal.usage.directories) == (5000, 5000)
    assert os.listdir("/proc/self/fd") == before


def test_a_deep_tree_with_hardly_any_descriptors(tree: Path) -> None:
    nest(tree, 300)
    fill(tree)

    def work() -> None:
        parent = os.open(tree.parent, os.O_RDONLY)
        top = os.open(tree, os.O_RDONLY)
        highest = max(parent, top)
        for descriptor in range(highest):
            if descriptor not in {0, 1, 2, parent, top}:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
        while len(os.listdir("/proc/self/fd")) < 6:  # five of the eight are taken
            os.dup(2)
        assert trees.measure(top).directories == 339
        assert trees.remove(tree.name, parent, top).complete

    in_child(work)
    assert not tree.exists()


def test_names_of_every_byte(tree: Path) -> None:
    parent = os.fsencode(tree)
    for byte in set(range(1, 256)) - {ord("/"), ord(".")}:
        os.mkdir(parent + b"/" + bytes([byte]))
        os.close(os.open(parent + b"/" + bytes([byte]) + b"/" + bytes([byte, byte]), os.O_CREAT))
    os.mkdir(parent + b"/" + b"\xff" * 255)
    assert measure(tree).directories == 254
    assert remove(tree).complete


def test_fifos_sockets_and_dangling_symlinks(tree: Path) -> None:
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree / "socket"))
    (tree / "dangling").symlink_to("nowhere")
    (tree / "loop").symlink_to(tree)
    assert measure(tree).files == 4
    assert remove(tree).usage.files == 4
    assert not tree.exists()


@pytest.mark.parametrize("mode", [0o000, 0o100, 0o200, 0o400, 0o500, 0o555, 0o600])
def test_folders_without_permission(tree: Path, mode: int) -> None:
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "file").touch()
    (tree / "a" / "file").touch()
    if os.geteuid() == 0:
        tree.parent.chmod(0o777)
        for path in (tree, *tree.rglob("*")):
            os.chown(path, 65534, 65534)

    def work() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        (tree / "a" / "b").chmod(mode)
        (tree / "a").chmod(mode)
        removal = remove(tree)
        assert removal.complete, removal
        assert removal.usage.files == 2

    in_child(work)
    assert not tree.exists()


@needs_root
def test_somebody_elses_folder_is_told_and_the_rest_is_removed(tree: Path) -> None:
    tree.parent.chmod(0o755)
    (tree / "theirs").mkdir(mode=0o700)
    (tree / "theirs" / "file").touch()
    (tree / "ours").touch()
    os.chown(tree, 65534, 65534)
    os.chown(tree.parent, 65534, 65534)

    def work() -> None:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        removal = remove(tree)
        assert [(failure.path, failure.reason) for failure in removal.failures] == [("theirs", "Permission denied")]
        assert not removal.complete

    in_child(work)
    assert [path.name for path in tree.iterdir()] == ["theirs"]


@needs_root
@pytest.mark.parametrize("options", [["--bind", "OUTSIDE"], ["-t", "tmpfs", "none"]])
def test_what_is_mounted_inside_survives(tree: Path, options: list[str]) -> None:
    outside = tree.parent / "outside"
    outside.mkdir()
    (outside / "canary").touch()
    inside = tree / "a" / "mount"
    inside.mkdir(parents=True)
    (tree / "a" / "file").touch()
    command = ["mount", *[option.replace("OUTSIDE", str(outside)) for option in options], str(inside)]
    subprocess.run(command, check=True)
    try:
        (inside / "mounted").touch()
        removal = remove(tree)
        assert [failure.path for failure in removal.failures] == ["a/mount"]
        assert (inside / "mounted").exists()
    finally:
        subprocess.run(["umount", inside], check=True)
    assert (outside / "canary").exists()
    assert remove(tree).complete


@needs_root
def test_control_without_trying_rmdir_first_a_bind_mount_is_emptied(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tree.parent / "outside"
    outside.mkdir()
    (outside / "canary").touch()
    inside = tree / "mount"
    inside.mkdir()
    subprocess.run(["mount", "--bind", outside, inside], check=True)
    try:
        monkeypatch.setattr(posix, "remove_empty", lambda name, dir_fd: False)
        remove(tree)
    finally:
        subprocess.run(["umount", inside], check=True)
    assert not (outside / "canary").exists()


@needs_root
def test_what_can_not_be_removed_is_told(place: Path, tree: Path) -> None:
    fill(tree, 1)
    stuck = tree / "directory1" / "file1"
    if subprocess.run(["chattr", "+i", stuck], capture_output=True, check=False).returncode:
        pytest.skip("no immutable files here")
    try:
        removal = remove(tree)
    finally:
        subprocess.run(["chattr", "-i", stuck], check=True)
    assert [failure.path for failure in removal.failures] == ["directory1/file1"]
    assert [path for path in tree.rglob("*") if path.is_file()] == [stuck]


def test_a_deadline_stops_it(tree: Path) -> None:
    fill(tree)
    removal = remove(tree, deadline=time.monotonic() - 1)
    assert removal.ran_out_of_time
    assert not removal.complete
    assert tree.exists()
    top = os.open(tree, os.O_RDONLY)
    with pytest.raises(TimeoutError):
        trees.measure(top, deadline=time.monotonic() - 1)
    os.close(top)


def test_it_gives_up_on_somebody_who_keeps_making_files(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = emptying.remove_empty

    def make_one_more(name: str, dir_fd: int | None) -> bool:
        if name == "inner":
            (tree / "inner" / "more").touch()
        return real(name, dir_fd)

    monkeypatch.setattr(posix, "remove_empty", make_one_more)
    (tree / "inner").mkdir()
    removal = remove(tree)
    assert [(failure.path, failure.reason) for failure in removal.failures] == [("inner", os.strerror(errno.ENOTEMPTY))]


class Swapper:
    """Swaps a directory for a symlink that leads outside, and back, as fast as it can."""

    def __init__(self, tree: Path, outside: Path) -> None:
        self._names = [str(tree / f"victim{number}") for number in range(8)]
        self._outside = str(outside)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            for name in self._names:
                try:
                    os.mkdir(name)
                    os.mkdir(name + "/inner")
                    os.rename(name, name + "-aside")
                    os.symlink(self._outside, name)
                    os.unlink(name)
                    os.rename(name + "-aside", name)
                except OSError:
                    continue


def attack(place: Path, rounds: int) -> bool:
    """Remove a tree again and again while it is attacked; return whether what lies outside came through."""
    outside = place / "outside"
    (outside / "inner").mkdir(parents=True)
    (outside / "canary").touch()
    for _ in range(rounds):
        tree = place / "tree"
        tree.mkdir(exist_ok=True)
        fill(tree, 1)
        with Swapper(tree, outside):
            for _ in range(5):
                if tree.exists():
                    remove(tree)
        if not (outside / "canary").exists():
            return False
    return True


@pytest.mark.once
def test_swapping_directories_for_symlinks_leads_nowhere(place: Path) -> None:
    assert attack(place, 60)


def swap_at_the_worst_moment(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Swap a directory for a symlink after it was seen to be one, before it is entered."""
    real = emptying.remove_empty
    (place / "tree" / "victim").mkdir(parents=True)
    (place / "outside").mkdir()
    (place / "outside" / "canary").touch()

    def swap_first(name: str, dir_fd: int | None) -> bool:
        if name == "victim" and not (place / "aside").exists():
            os.rename(place / "tree" / "victim", place / "aside")
            os.symlink(place / "outside", place / "tree" / "victim")
            return False
        return real(name, dir_fd)

    monkeypatch.setattr(posix, "remove_empty", swap_first)


def test_a_swap_at_the_worst_moment_leads_nowhere(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swap_at_the_worst_moment(place, monkeypatch)
    assert remove(place / "tree").complete
    assert (place / "aside").exists()
    assert (place / "outside" / "canary").exists()


def test_control_where_symlinks_are_followed_it_leads_outside(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descent, "_DIRECTORY", os.O_RDONLY | os.O_DIRECTORY)
    swap_at_the_worst_moment(place, monkeypatch)
    remove(place / "tree")
    assert not (place / "outside" / "canary").exists()


def test_a_fifo_swapped_in_does_not_hang(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = emptying.remove_empty

    def swap(name: str, dir_fd: int | None) -> bool:
        if name == "victim" and (tree / "victim").is_dir():
            os.rmdir(tree / "victim")
            os.mkfifo(tree / "victim")
            return False
        return real(name, dir_fd)

    monkeypatch.setattr(posix, "remove_empty", swap)
    (tree / "victim").mkdir()
    assert remove(tree).complete


def test_a_directory_moved_away_meanwhile_is_not_followed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descent, "_MOST_OPEN", 2)
    tree, outside = place / "tree", place / "outside"
    deep = tree / "a" / "b" / "c" / "d" / "e" / "f"
    deep.mkdir(parents=True)
    outside.mkdir()
    (outside / "canary").touch()
    (outside / "sub").mkdir()
    real = emptying.remove_empty

    def move(name: str, dir_fd: int | None) -> bool:
        if name == "f" and deep.exists():
            os.rename(tree / "a" / "b", outside / "sub" / "b")
        return real(name, dir_fd)

    monkeypatch.setattr(posix, "remove_empty", move)
    assert remove(tree).complete
    assert (outside / "canary").exists()
    assert (outside / "sub").exists()


def test_a_descriptor_that_was_closed_is_not_taken_for_the_current_directory(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "file").touch()
    monkeypatch.chdir(tree)
    assert trees.remove(str(tree), None, -1).failures
    with pytest.raises(OSError, match="Bad file descriptor"):
        trees.measure(-1)
    assert (tree / "file").exists()
