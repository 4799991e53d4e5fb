from __future__ import annotations

import errno
import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scratchwork.system import locks
from scratchwork.system.folders import Folder
from scratchwork.system.leases import choose, directory, probe

if TYPE_CHECKING:
    from scratchwork.system.leases.lease import Leases


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


@pytest.fixture(params=["directory", "file"])
def leases(request: pytest.FixtureRequest, folder: Folder) -> Leases:
    return choose(request.param, folder)


def test_what_is_taken_can_not_be_seized_until_it_is_released(leases: Leases) -> None:
    lease = leases.take("ws")
    assert lease is not None
    assert leases.seize("ws") is None
    lease.release()
    lease.release()
    assert leases.seize("ws") is not None


def test_a_name_is_taken_once(leases: Leases) -> None:
    lease = leases.take("ws")
    assert leases.take("ws") is None
    assert lease is not None


def test_a_copy_of_the_descriptor_holds_it_too(leases: Leases) -> None:
    lease = leases.take("ws")
    assert lease is not None
    copy = os.dup(lease.fileno())
    lease.release()
    assert leases.seize("ws") is None
    os.close(copy)
    assert leases.seize("ws") is not None


def test_joining_shares_it_and_seizing_excludes(leases: Leases) -> None:
    lease = leases.take("ws")
    joined = leases.join("ws")
    assert lease is not None
    assert joined is not None
    lease.release()
    assert leases.seize("ws") is None
    joined.release()
    assert leases.join("ws") is None, "nobody holds it"
    seized = leases.seize("ws")
    assert seized is not None
    assert leases.seize("ws") is None, "two sweepers can't both get it"
    assert leases.join("ws") is None


def test_what_is_gone(leases: Leases) -> None:
    with pytest.raises(FileNotFoundError):
        leases.seize("ws")
    assert leases.join("ws") is None


def test_removing_takes_the_lease_along(leases: Leases, tmp_path: Path) -> None:
    lease = leases.take("ws")
    assert lease is not None
    (tmp_path / "ws" / "file").touch()
    assert not leases.remove_empty("ws", lease)
    assert leases.remove("ws", lease, float("inf")).complete
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_nothing_behind(leases: Leases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(fd: int) -> bool:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(locks, "shared", fail)
    gc.collect()  # what earlier tests left is given back now, not meanwhile
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="no locks"):
        leases.take("ws")
    assert list(tmp_path.iterdir()) == []
    assert os.listdir("/proc/self/fd") == before


def test_an_error_of_the_lock_is_passed_on_and_not_taken_for_dead(
    leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = leases.take("ws")

    def fail(fd: int) -> bool:
        raise OSError(errno.EIO, "unknown")

    monkeypatch.setattr(locks, "exclusive", fail)
    with pytest.raises(OSError, match="unknown"):
        leases.seize("ws")
    assert lease is not None


class Race:
    """A sweeper that removes a new directory between its making and its locking."""

    def __init__(self, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._real = locks.shared
        monkeypatch.setattr(locks, "shared", self.shared)

    def shared(self, fd: int) -> bool:
        sweeper = directory.DirectoryLeases(self._folder)
        seized = sweeper.seize("ws")
        assert seized is not None
        assert sweeper.remove_empty("ws", seized)
        seized.release()
        return self._real(fd)


def test_a_sweeper_that_wins_the_race_is_noticed(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    Race(folder, monkeypatch)
    assert choose("directory", folder).take("ws") is None


def test_control_without_the_link_count_it_is_not(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    Race(folder, monkeypatch)
    monkeypatch.setattr(directory, "was_removed", lambda fd: False)
    assert choose("directory", folder).take("ws") is not None
    assert not os.path.exists(os.path.join(folder.path, "ws"))


def test_a_name_that_leads_elsewhere_by_now_is_not_seized(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases = choose("directory", folder)
    (tmp_path / "ws").mkdir()
    real = locks.exclusive

    def swap(fd: int) -> bool:
        os.rename(tmp_path / "ws", tmp_path / "saved")
        (tmp_path / "ws").mkdir()
        return real(fd)

    monkeypatch.setattr(locks, "exclusive", swap)
    with pytest.raises(FileNotFoundError, match="another directory"):
        leases.seize("ws")


def test_a_symlink_is_not_seized(leases: Leases, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "ws").symlink_to("outside")
    (tmp_path / "ws.lock").symlink_to("outside")
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        leases.seize("ws")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to change owners")
def test_somebody_elses_is_not_seized(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "ws").mkdir()
    os.chown(tmp_path / "ws", 12345, 12345)
    with pytest.raises(PermissionError, match="belongs to user 12345"):
        choose("directory", folder).seize("ws")


def test_probing_finds_directory_locks_here_and_leaves_nothing(folder: Folder, tmp_path: Path) -> None:
    assert probe(folder) == "directory"
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_its_job_has_shut(tmp_path: Path) -> None:
    """As another user, since root may enter anything."""
    place = tmp_path / "place"
    place.mkdir()
    if os.geteuid() == 0:
        for above in (tmp_path, *tmp_path.parents):
            if above.owner() == "root" and str(above).startswith(os.environ.get("TMPDIR", "/tmp")):
                above.chmod(0o755)
        os.chown(place, 65534, 65534)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            leases = choose("directory", Folder(str(place)))
            lease = leases.take("ws")
            assert lease is not None
            (place / "ws").chmod(0)
            assert leases.seize("ws") is None, "alive"
            assert (place / "ws").stat().st_mode & 0o777 == 0, "and untouched"
            lease.release()
            seized = leases.seize("ws")
            assert seized is not None
            assert leases.remove("ws", seized, float("inf")).complete
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
