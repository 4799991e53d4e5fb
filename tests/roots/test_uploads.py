"""Uploads without a framework: caps, memory, and the one workspace of each process."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from scratchwork import QuotaExceeded, Root, Uploads, UploadTooLarge
from tests.helpers_programs import kill, running
from tests.system.helpers import in_child

PROGRAM = """
import sys
from scratchwork import Uploads
uploads = Uploads("app", in_memory=10)
upload = uploads.begin()
upload.open().write(bytes(100))
print("ready", flush=True)
sys.stdin.read()
"""


def workspaces(temp: Path) -> list[str]:
    return [found.state for found in Root("app", temp, sweep_first=False).workspaces()]


def test_a_cap_is_of_the_whole_body_announced_or_counted(temp: Path) -> None:
    uploads = Uploads("app", cap="1 KiB")
    with pytest.raises(UploadTooLarge, match=r"1,025 bytes or more is over the cap of 1,024") as caught:
        uploads.begin(1025)
    assert (caught.value.cap, caught.value.size, caught.value.errno) == (1024, 1025, errno.EFBIG)
    with uploads.begin(1024) as upload:
        upload.count(1000)
        upload.count(24)
        with pytest.raises(UploadTooLarge):
            upload.count(1)
    with Uploads("app").begin(2**62) as upload:
        upload.count(2**62)


@pytest.mark.parametrize("terms", [{"cap": -1}, {"cap": "many"}, {"in_memory": "1 parsec"}, {"memory": -5}])
def test_amounts_that_are_none(terms: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="bytes"):
        Uploads("app", **terms)


def test_small_ones_touch_no_disk_and_large_ones_leave_nothing(temp: Path) -> None:
    uploads = Uploads("app", in_memory=100)
    with uploads.begin() as upload:
        small, large = upload.open(), upload.open()
        small.write(bytes(100))
        assert (small.name, upload.is_on_disk, os.listdir(temp)) == (None, False, [])
        large.write(bytes(101))
        assert large.name is not None
        assert upload.is_on_disk
        assert workspaces(temp) == ["alive"]
        assert os.listdir(uploads) == [], "it has no name"
    assert small.closed
    assert large.closed
    assert uploads.budget.used == 0
    with pytest.raises(ValueError, match="over"):
        upload.open()
    upload.close()
    uploads.close()
    assert workspaces(temp) == []


def test_nothing_in_memory(temp: Path) -> None:
    with Uploads("app", memory=0).begin() as upload:
        file = upload.open()
        file.write(b"x")
        assert file.name is not None
    with Uploads("app", in_memory=0).begin() as upload:
        file = upload.open()
        file.write(b"xx")
        assert file.name is not None


def test_one_budget_for_all_requests_which_says_when_a_write_may_block(temp: Path) -> None:
    uploads = Uploads("app", in_memory="1 MiB", memory="1 MiB")
    with uploads.begin() as one, uploads.begin() as two:
        first, second = one.open(), two.open()
        assert not second._rolled
        first.write(bytes(700_000))
        assert second.name is None
        assert second._rolled, "the next write may go to disk"
        second.write(bytes(700_000))
        assert second.name is not None
        assert uploads.budget.used == 700_000
    assert uploads.budget.used == 0


def test_a_name_until_it_is_closed(temp: Path) -> None:
    uploads = Uploads("app")
    with uploads.begin() as upload:
        file = upload.open()
        file.write(b"content")
        path = file.named()
        assert path.parent == Path(os.fspath(uploads))
        file.write(b" and more")
        assert file.named() == path
        assert path.read_bytes() == b"content and more"
    assert os.listdir(uploads) == []


def test_who_moves_the_name_away_or_takes_it_keeps_what_is_there(temp: Path) -> None:
    uploads = Uploads("app")
    with uploads.begin() as upload:
        moved, replaced = upload.open(), upload.open()
        moved.write(b"content")
        moved.named().rename(temp / "result")
        path = replaced.named()
        path.unlink()
        path.write_bytes(b"another's")
    assert (temp / "result").read_bytes() == b"content"
    assert path.read_bytes() == b"another's"


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("size", [10, 1000])
def test_a_published_one_stays(temp: Path, size: int, named: bool) -> None:
    uploads = Uploads("app", in_memory=100)
    with uploads.begin() as upload:
        file = upload.open()
        file.write(bytes(size))
        if named:
            file.named()
        assert file.publish(temp / "result") == temp / "result"
        assert file.closed
    assert (temp / "result").stat().st_size == size
    assert os.listdir(uploads) == []


def test_a_quota_for_what_lies_on_disk(temp: Path) -> None:
    uploads = Uploads("app", in_memory=100, quota="1 MB")
    with uploads.begin() as upload:
        file = upload.open()
        file.write(bytes(900_000))
        with pytest.raises(QuotaExceeded):
            file.write(bytes(200_000))
        with pytest.raises(QuotaExceeded):
            upload.open().write(bytes(200_000))
    with uploads.begin() as upload:
        upload.open().write(bytes(900_000))


def test_the_first_file_of_a_process_counts_against_the_quota_too(temp: Path) -> None:
    program = """
from scratchwork import QuotaExceeded, Uploads
with Uploads("app", in_memory=100, quota="1 MB").begin() as upload:
    try:
        upload.open().write(bytes(1_100_000))
    except QuotaExceeded:
        print("exceeded")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "exceeded\n"


def test_a_workspace_that_ended_or_was_removed_is_made_anew(temp: Path) -> None:
    uploads = Uploads("app", in_memory=1)
    for end in (uploads.close, lambda: shutil.rmtree(uploads), lambda: shutil.rmtree(Root("app").path)):
        before = os.fspath(uploads)
        end()
        with uploads.begin() as upload:
            upload.open().write(b"content")
            assert os.fspath(uploads) != before
            assert workspaces(temp) == ["alive"]


def test_threads_share_one_workspace(temp: Path) -> None:
    uploads = Uploads("app", in_memory=1)
    paths = set()
    together = threading.Barrier(8)

    def work() -> None:
        together.wait()
        with uploads.begin() as upload:
            upload.open().write(b"content")
            paths.add(os.fspath(uploads))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 1
    assert workspaces(temp) == ["alive"]


def test_two_threads_may_end_one_request(temp: Path) -> None:
    uploads = Uploads("app", in_memory=1)
    for _ in range(50):
        upload = uploads.begin()
        files = [upload.open() for _ in range(10)]
        for file in files:
            file.write(b"content")
        other = threading.Thread(target=upload.close)
        other.start()
        upload.close()
        other.join()
        assert all(file.closed for file in files)


def test_a_forked_worker_has_its_own_and_leaves_its_parents_alone(temp: Path) -> None:
    uploads = Uploads("app", in_memory=1)
    parents = os.fspath(uploads)

    def work() -> None:
        with uploads.begin() as upload:
            upload.open().write(b"content")
            assert os.fspath(uploads) != parents
        uploads.close()

    in_child(work)
    assert os.fspath(uploads) == parents
    assert workspaces(temp) == ["alive"]


def test_at_exit_it_goes_without_a_warning(temp: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM.replace("sys.stdin.read()", "upload.close()")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert workspaces(temp) == []


def test_after_a_kill_an_empty_directory_is_left_for_the_next_sweep(temp: Path) -> None:
    with running(PROGRAM) as (process, _):
        (found,) = Root("app", temp, sweep_first=False).workspaces()
        assert found.state == "alive"
        kill(process)
    assert os.listdir(found.path) == []
    assert Root("app", temp).workspaces() == []


def test_one_that_is_forgotten_takes_its_workspace_with_it(temp: Path) -> None:
    uploads = Uploads("app")
    assert os.path.isdir(uploads)
    del uploads
    assert workspaces(temp) == []
