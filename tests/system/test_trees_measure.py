from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scratchwork.system import trees
from scratchwork.system.folders import Folder
from scratchwork.system.trees import Usage, descent

from .helpers import (
    as_nobody,
    fill,
    measure,
    mount,
    needs_root,
    nest,
    with_few_descriptors,
    with_own_mounts,
)


def blocks(path: Path) -> int:
    return os.lstat(path).st_blocks * 512


def test_hard_links_count_once(tree: Path) -> None:
    (tree / "sub").mkdir()
    (tree / "one").write_bytes(b"x" * 100_000)
    alone = measure(tree)
    for number in range(5):
        os.link(tree / "one", tree / "sub" / f"{number}")
    usage = measure(tree)
    assert usage.files == 6
    assert usage.bytes == alone.bytes


def test_a_hole_takes_nothing(tree: Path) -> None:
    with (tree / "sparse").open("wb") as file:
        file.truncate(10**12)
    assert measure(tree).bytes < 10**6


def test_a_symlink_counts_as_itself(tree: Path, place: Path) -> None:
    (place / "outside").mkdir()
    fill(place / "outside", 1)
    (tree / "link").symlink_to(place / "outside")
    assert measure(tree) == Usage(1, 0, blocks(tree / "link"))


def test_it_agrees_with_du(tree: Path) -> None:
    fill(tree)
    os.link(tree / "file0", tree / "again")
    os.mkfifo(tree / "fifo")
    du = subprocess.check_output(["du", "-s", "--block-size=1", tree], text=True)
    assert measure(tree).bytes == int(du.split()[0]) - blocks(tree)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.lists(st.binary(min_size=1, max_size=12), min_size=1, max_size=5),
            st.sampled_from(["directory", "file", "symlink", "fifo", "socket"]),
        ),
        max_size=30,
    )
)
def test_whatever_a_tree_holds_is_counted_and_removed(place: Path, entries: list[tuple[list[bytes], str]]) -> None:
    tree = place / "tree"
    tree.mkdir()
    top = os.fsencode(tree)
    for parts, kind in entries:
        if any(part in {b".", b".."} or {0, ord("/")} & set(part) for part in parts):
            continue
        path = top
        for part in parts[:-1]:
            path += b"/" + part
            if not os.path.lexists(path):
                os.mkdir(path)
            if not os.path.isdir(path) or os.path.islink(path):
                break
        else:
            make(path + b"/" + parts[-1], kind)
    found = [os.path.join(where, name) for where, folders, files in os.walk(top) for name in folders + files]
    folders = [path for path in found if os.path.isdir(path) and not os.path.islink(path)]
    usage = measure(tree)
    assert (usage.files, usage.directories) == (len(found) - len(folders), len(folders))
    folder = Folder(str(place))
    removal = trees.remove_in(folder, "tree")
    assert removal.complete
    assert (removal.usage.files, removal.usage.directories) == (usage.files, usage.directories)
    assert not os.path.lexists(top)


def make(path: bytes, kind: str) -> None:
    if os.path.lexists(path):
        return
    if kind == "directory":
        os.mkdir(path)
    elif kind == "file":
        os.close(os.open(path, os.O_CREAT))
    elif kind == "symlink":
        os.symlink(b"..", path)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)


def test_a_folder_comes_before_what_is_in_it(tree: Path) -> None:
    fill(tree)
    seen = {""}
    top = os.open(tree, os.O_RDONLY)
    for where, entry in trees.walk(top):
        assert where in seen
        assert entry.stat(follow_symlinks=False).st_ino == os.lstat(tree / where / entry.name).st_ino
        if entry.is_dir():
            seen.add(os.path.join(where, entry.name))
    os.close(top)
    assert len(seen) == 40


def test_a_walk_that_is_broken_off_gives_its_descriptors_back(tree: Path) -> None:
    nest(tree, 10)
    top = os.open(tree, os.O_RDONLY)
    before = os.listdir("/proc/self/fd")
    walk = trees.walk(top)
    for where, _ in walk:
        if where.count("d") == 5:
            break
    walk.close()  # type: ignore[attr-defined]
    assert os.listdir("/proc/self/fd") == before
    os.close(top)


def test_measuring_twice_gives_the_same(tree: Path) -> None:
    fill(tree)
    top = os.open(tree, os.O_RDONLY)
    assert trees.measure(top) == trees.measure(top)
    os.close(top)


@pytest.mark.parametrize(("limit", "free"), [(64, 50), (16, 6), (16, 3)])
def test_few_descriptors_suffice(tree: Path, limit: int, free: int) -> None:
    nest(tree, 500)
    top = os.open(tree, os.O_RDONLY)

    def work() -> None:
        usage = trees.measure(top)
        assert (usage.files, usage.directories) == (500, 500)

    with_few_descriptors(limit, free, {top}, work)
    os.close(top)


@pytest.mark.parametrize("mode", [0o000, 0o100, 0o200, 0o300, 0o400, 0o600])
def test_what_can_not_be_looked_into_is_left_out(place: Path, tree: Path, mode: int) -> None:
    (tree / "shut" / "below").mkdir(parents=True)
    (tree / "shut" / "file").write_bytes(b"x" * 10_000)
    (tree / "file").touch()

    def work() -> None:
        Path("tree/shut").chmod(mode)
        usage = measure(Path("tree"))
        assert (usage.files, usage.directories) == (1, 1)
        assert Path("tree/shut").stat().st_mode & 0o777 == mode, "measuring changes nothing"

    as_nobody(place, work)


def test_what_vanishes_meanwhile_is_left_out(tree: Path) -> None:
    fill(tree)
    top = os.open(tree, os.O_RDONLY)
    seen = 0
    for where, entry in trees.walk(top):
        seen += 1
        if entry.is_dir():
            subprocess.run(["rm", "-rf", tree / where / entry.name], check=True)
    os.close(top)
    assert seen <= 6


def test_a_folder_moved_away_meanwhile_is_not_followed(
    place: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descent, "_MOST_OPEN", 2)
    deep = tree / "a" / "b" / "c" / "d" / "e"
    deep.mkdir(parents=True)
    (deep / "last").touch()
    outside = place / "outside"
    outside.mkdir()
    (outside / "canary").touch()
    top = os.open(tree, os.O_RDONLY)
    names = []
    for _, entry in trees.walk(top):
        names.append(entry.name)
        if entry.name == "last":
            os.rename(tree / "a" / "b", outside / "b")
    os.close(top)
    assert names == ["a", "b", "c", "d", "e", "last"]


def test_past_the_deadline_it_says_so(tree: Path) -> None:
    (tree / "file").touch()
    with pytest.raises(TimeoutError):
        measure(tree, deadline=time.monotonic() - 1)
    assert measure(tree, deadline=time.monotonic() + 1000).files == 1


@needs_root
@pytest.mark.parametrize("kind", ["tmpfs", "bind of a file"])
def test_what_is_mounted_inside(tree: Path, kind: str) -> None:
    inside = tree / "mount"
    outside = tree.parent / "outside"
    outside.touch()

    def work() -> None:
        if kind == "tmpfs":
            inside.mkdir()
            mount("-t", "tmpfs", "none", inside)
            (inside / "file").touch()
            usage = measure(tree)
            assert (usage.files, usage.directories) == (0, 1)
        else:
            inside.touch()
            mount("--bind", outside, inside)
            assert measure(tree).files == 1

    with_own_mounts(work)


def test_measuring_by_name_never_follows_a_symlink(place: Path, tree: Path) -> None:
    (tree / "file").touch()
    (place / "link").symlink_to("tree")
    folder = Folder(str(place))
    assert trees.measure_in(folder, "tree").files == 1
    for name in ("link", "tree/file", "none"):
        with pytest.raises(OSError):
            trees.measure_in(folder, name)


@pytest.mark.parametrize("shut", [".", "a", "a/b"])
@pytest.mark.parametrize("mode", [0o000, 0o200, 0o300, 0o400, 0o600, 0o100, 0o500, 0o700])
def test_a_directory_of_ours_that_keeps_us_out_is_told(tmp_path: Path, shut: str, mode: int) -> None:
    (tmp_path / "top" / "a" / "b").mkdir(parents=True)
    (tmp_path / "top" / "a" / "b" / "file").write_bytes(bytes(10_000))

    def work() -> None:
        top = os.open("top", os.O_RDONLY)
        os.chmod(f"top/{shut}", mode)
        needed = 0o100 if shut == "." else 0o500  # as the top is open already
        keeps_out = mode & needed != needed
        usage = trees.measure(top)
        assert usage.shut == (shut if keeps_out else "")
        assert (usage.length == 0) == keeps_out

    as_nobody(tmp_path, work)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_that_of_somebody_else_is_not(tmp_path: Path) -> None:
    (tmp_path / "top" / "theirs").mkdir(parents=True)

    def work() -> None:
        assert trees.measure(os.open("top", os.O_RDONLY)).shut == ""

    as_nobody(tmp_path, work, but=tmp_path / "top" / "theirs")
    subprocess.run(["chown", "-R", "0:0", tmp_path], check=True)


def test_root_is_kept_out_of_nothing(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    (tmp_path / "top" / "a").mkdir(parents=True)
    (tmp_path / "top" / "a").chmod(0)
    assert trees.measure(os.open(tmp_path / "top", os.O_RDONLY)).shut == ""
