"""Where a workspace goes: what each candidate is refused for, and which one is taken."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import scratchwork
from scratchwork import NoSuitablePlace, Placement, Root
from scratchwork.system import tempdirs, trials
from tests.helpers_processes import Scratch, scratch

__all__ = ["scratch"]

_MORE_THAN_THERE_IS = "8 EB"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A directory that is not backed by memory."""
    from scratchwork.system import mounts

    mount = mounts.mount_of(str(tmp_path))
    if mount is None or mount.is_in_memory:
        pytest.skip("the temp folder is backed by memory")
    place = tmp_path / "disk"
    place.mkdir()
    return place


def place_of(temp: Path, placement: Placement) -> Path:
    with Root("app").workspace(placement=placement) as ws:
        return Path(os.path.dirname(os.path.dirname(ws)))


def refused(placement: Placement) -> dict[str, str]:
    with pytest.raises(NoSuitablePlace) as caught:
        Root("app").workspace(placement=placement)
    return dict(caught.value.refused)


# What each is refused for


def test_a_reserve(temp: Path) -> None:
    with Root("app").workspace(reserve="1 kB") as ws:
        assert os.path.dirname(os.path.dirname(ws)) == str(temp)
    with pytest.raises(NoSuitablePlace) as caught:
        Root("app").workspace(reserve=_MORE_THAN_THERE_IS)
    assert caught.value.errno == 28
    assert str(temp) in [path for path, _ in caught.value.refused]
    assert all(why.endswith((" of 8000.0 PB are free", "no such directory")) for _, why in caught.value.refused)
    assert Root("app").workspaces() == []


def test_every_candidate_and_why(temp: Path, tmp_path: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    noexec = tmpfs(tmp_path / "noexec", "size=1m,noexec")
    small = tmpfs(tmp_path / "small", "size=64k")
    few = tmpfs(tmp_path / "few", "size=10m,nr_inodes=5")
    read_only = tmpfs(tmp_path / "read-only", "size=1m")
    subprocess.run(["mount", "-o", "remount,ro", str(read_only)], check=True)
    (tmp_path / "file").touch()
    candidates = [tmp_path / "none", tmp_path / "file", read_only, noexec, small, few]
    placement = Placement("executable", reserve="512 kB", files=100, candidates=candidates)
    assert refused(placement) == {
        str(tmp_path / "none"): "no such directory",
        str(tmp_path / "file"): "no such directory",
        str(read_only): "Read-only file system",
        str(noexec): "programs can't be executed there (noexec)",
        str(small): "65.5 kB of 512.0 kB are free",
        str(few): "4 of 100 inodes are free",
    }
    good = tmp_path / "good"
    good.mkdir()
    assert place_of(temp, Placement("executable", reserve="512 kB", files=100, candidates=[*candidates, good])) == good


def test_the_message_names_them_all(temp: Path, tmp_path: Path) -> None:
    with pytest.raises(NoSuitablePlace) as caught:
        Root("app").workspace(placement=Placement(reserve=1, candidates=[tmp_path / "a", tmp_path / "b"]))
    message = str(caught.value)
    assert f"{tmp_path}/a: no such directory; {tmp_path}/b: no such directory" in message
    assert "make room, ask for less, or name another place" in message
    assert "\n" not in message


def test_a_place_that_can_not_be_written_to(temp: Path) -> None:
    place = Path("/proc/self")
    assert str(place) in refused(Placement(candidates=[place]))


# Kinds


def test_fast_is_memory_if_it_fits_there(
    tmp_path: Path, temp: Path, disk: Path, tmpfs: Callable[[Path, str], Path]
) -> None:
    memory = tmpfs(tmp_path / "memory", "size=10m")
    assert place_of(temp, Placement("fast", reserve="1 MB", candidates=[disk, memory])) == memory
    assert place_of(temp, Placement("fast", reserve="20 MB", candidates=[memory, disk])) == disk
    with Root("app").workspace(placement=Placement("fast", candidates=[disk, memory]), quota="5 MB") as ws:
        assert str(ws).startswith(str(memory))
    with Root("app").workspace(placement=Placement("fast", candidates=[memory, disk]), quota="50 MB") as ws:
        assert str(ws).startswith(str(disk))


def test_disk_is_not_memory(tmp_path: Path, temp: Path, disk: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    memory = tmpfs(tmp_path / "memory", "size=10m")
    assert place_of(temp, Placement("disk", candidates=[memory, disk])) == disk
    assert refused(Placement("disk", candidates=[memory])) == {str(memory): "it is backed by memory"}


def test_executable_is_tried(temp: Path, tmp_path: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    noexec = tmpfs(tmp_path / "noexec", "size=1m,noexec")
    assert "noexec" in trials.can_execute(str(noexec))
    assert trials.can_execute(str(tmp_path)) == ""
    assert os.listdir(noexec) == []
    assert place_of(temp, Placement("executable", candidates=[noexec, tmp_path])) == tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("quick",), "'quick'"),
        (("fast", "disk"), "not both"),
        (("fast,disk",), "not both"),
    ],
)
def test_no_placement(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Placement(*arguments)


@pytest.mark.parametrize("reserve", ["2 parsecs", "-1", -1])
def test_no_reserve(reserve: str | int) -> None:
    with pytest.raises(ValueError, match="a number of bytes"):
        Placement(reserve=reserve)


# The order


def test_the_documented_order(temp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = ["TMPDIR", "TEMP", "TMP", *tempdirs.BATCH_VARIABLES]
    for variable in variables:
        (tmp_path / variable).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / variable))
    assert tempdirs.places()[: len(variables)] == [str(tmp_path / variable) for variable in variables]
    for variable in variables:
        assert Path(tempdirs.tempdir()) == tmp_path / variable
        with scratchwork.workspace(placement="") as ws:
            assert Path(ws).parent.parent == tmp_path / variable
        monkeypatch.delenv(variable)


def test_a_root_with_a_place_of_its_own_stays_there(temp: Path, tmp_path: Path) -> None:
    place = tmp_path / "own"
    place.mkdir()
    root = Root("app", place)
    with root.workspace(reserve=1) as ws:
        assert str(ws).startswith(root.path)
    with pytest.raises(NoSuitablePlace) as caught:
        root.workspace(reserve=_MORE_THAN_THERE_IS)
    assert [path for path, _ in caught.value.refused] == [str(place)]


# Registered roots


def test_roots_elsewhere_are_found(scratch: Scratch, tmp_path: Path) -> None:
    """By ls and sweep, in another process, with another temp folder."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    assert scratch("run", "--candidate", str(place), "--keep", "always", "--label", "far", "--", "true").status == 0
    other = tmp_path / "other"
    other.mkdir()
    env = {"TMPDIR": str(other)}
    assert [row["label"] for row in scratch("ls", "--json", env=env).json()] == ["far"]
    swept = scratch("sweep", "--json", env=env).json()
    assert str(place / f"scratch-{os.geteuid()}-default") in [one["root"] for one in swept]
    assert scratch("ls", "--json", "--dir", str(other), env=env).json() == []


def test_a_root_that_has_gone_is_no_trouble(scratch: Scratch, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    scratch("run", "--candidate", str(place), "--", "true")
    (place / f"scratch-{os.geteuid()}-default" / "root.conf").unlink()
    subprocess.run(["rm", "-rf", str(place)], check=True)
    done = scratch("ls")
    assert (done.status, done.err) == (0, "no workspaces\n")


def test_what_the_register_names_is_not_trusted(scratch: Scratch, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    scratch("run", "--candidate", str(place), "--", "true")
    (place / f"scratch-{os.geteuid()}-default").chmod(0o777)
    done = scratch("ls")
    assert done.status == 4
    assert "others may enter it" in done.err


def test_without_a_home_it_works_all_the_same(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    env = {"XDG_STATE_HOME": str(tmp_path / "file")}
    assert scratch("run", "--", "true", env=env) == scratch("run", "--", "true")


# The command


def test_place_and_reserve_on_the_command_line(
    scratch: Scratch, tmp_path: Path, tmpfs: Callable[[Path, str], Path]
) -> None:
    noexec = tmpfs(tmp_path / "noexec", "size=1m,noexec,mode=1777")
    good = tmp_path / "good"
    good.mkdir()
    options = ("--place", "executable", "--reserve", "1 kB", "--reserve-files", "10")
    candidates = ("--candidate", str(noexec), "--candidate", str(good))
    done = scratch("run", *options, *candidates, "--", "sh", "-c", 'echo "$TMPDIR"')
    assert done.out.startswith(str(good))
    done = scratch("run", *options, "--candidate", str(noexec), "--", "touch", str(tmp_path / "ran"))
    assert done.status == 125
    assert done.err.count("\n") == 1
    assert f"{noexec}: programs can't be executed there (noexec)" in done.err
    assert not (tmp_path / "ran").exists()
