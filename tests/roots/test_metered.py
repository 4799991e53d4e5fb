"""Quotas on what our own file objects write: exact to the byte, whoever writes and however."""

from __future__ import annotations

import errno
import gc
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scratchwork import Quota, QuotaExceeded, Root, Workspace, tempfile
from scratchwork.files import metering
from scratchwork.files.meters import Meter

LIMIT = 10_000


@pytest.fixture
def ws(root: Root) -> Iterator[Workspace]:
    with root.workspace("metered", quota=LIMIT) as workspace:
        yield workspace


def meter_of(ws: Workspace) -> Meter:
    meter = metering.known(os.fspath(ws))
    assert meter is not None
    return meter


def lengths(ws: os.PathLike[str]) -> int:
    return sum(path.stat().st_size for path in Path(ws).rglob("*") if path.is_file())


def test_the_write_that_would_exceed_it_raises(ws: Workspace) -> None:
    with ws.open("a", "wb") as file:
        file.write(b"x" * (LIMIT - 1))
        with pytest.raises(QuotaExceeded) as caught:
            file.write(b"yy")
        file.write(b"z")  # what fits, fits
    error = caught.value
    assert isinstance(error, OSError)
    assert error.errno == errno.EDQUOT
    assert (error.workspace, error.used, error.limit, error.wanted) == (os.fspath(ws), LIMIT - 1, LIMIT, 2)
    assert str(error).startswith(f"{ws}: its quota of 10,000 bytes is exceeded: 9,999 are used, and 2 more")
    assert (ws / "a").read_bytes() == b"x" * (LIMIT - 1) + b"z"


def test_the_workspace_still_cleans_up(root: Root) -> None:
    with pytest.raises(QuotaExceeded), root.workspace("full", quota=10) as ws, ws.open("a", "wb") as file:
        file.write(b"x" * 11)
    assert [entry for entry in os.listdir(root.path) if entry.startswith("full")] == []


@pytest.mark.parametrize("buffering", [-1, 0, 10, 100_000])
def test_whatever_the_buffer(ws: Workspace, buffering: int) -> None:
    with pytest.raises(QuotaExceeded), ws.open("a", "wb", buffering) as file:
        for _ in range(LIMIT + 1):
            file.write(b"x")
    assert (ws / "a").stat().st_size == LIMIT


def test_text(ws: Workspace) -> None:
    with ws.open("a", "w", encoding="utf-8") as file:
        file.write("é" * (LIMIT // 2))
        with pytest.raises(QuotaExceeded):
            file.write("é")
    assert (ws / "a").read_text(encoding="utf-8") == "é" * (LIMIT // 2)


def test_what_waits_in_a_buffer_is_written_as_far_as_there_is_room(root: Root) -> None:
    """Far from the limit writes go by way of the buffer; if others take the room meanwhile, the flush tells."""
    limit = 4 * 2**20
    with root.workspace("buffered", quota=limit) as ws:
        late = ws.open("late", "wb")
        late.write(b"x" * 1000)
        with ws.open("greedy", "wb") as greedy:
            greedy.write(bytes(limit - 400))
        with pytest.raises(QuotaExceeded):
            late.flush()
        assert (ws / "late").stat().st_size == 400
        with pytest.raises(QuotaExceeded):
            late.close()
        assert lengths(ws) == limit


def test_a_hole_counts_whole(ws: Workspace) -> None:
    with ws.open("a", "wb") as file:
        file.seek(LIMIT)
        with pytest.raises(QuotaExceeded):
            file.write(b"x")
        file.seek(LIMIT - 1)
        file.write(b"x")
        file.seek(10)
        file.write(b"filled")  # costs nothing more
    with ws.open("b", "wb", 0) as file:
        file.seek(5)
        with pytest.raises(QuotaExceeded):
            file.write(b"x")
    assert (ws / "b").stat().st_size == 0


def test_truncating_and_overwriting(ws: Workspace) -> None:
    with ws.open("a", "wb") as file:
        file.write(b"x" * LIMIT)
        file.seek(0)
        file.write(b"y" * LIMIT)
        with pytest.raises(QuotaExceeded):
            file.truncate(LIMIT + 1)
        file.truncate(10)
        file.seek(0, io.SEEK_END)
        file.write(b"z" * (LIMIT - 10))
    with ws.open("a", "wb") as file:  # cuts it off
        file.write(b"n" * LIMIT)
        with pytest.raises(QuotaExceeded):
            file.write(b"n")


def test_appending_by_two(ws: Workspace) -> None:
    with ws.open("a", "ab") as one, ws.open("a", "ab") as two:
        for _ in range(LIMIT // 200):
            one.write(b"1" * 100)
            two.write(b"2" * 100)
        for file in (one, two):
            with pytest.raises(QuotaExceeded):
                file.write(b"x")
    assert (ws / "a").stat().st_size == LIMIT


def test_what_others_remove_makes_room(ws: Workspace) -> None:
    with ws.open("a", "wb") as file:
        file.write(b"x" * LIMIT)
    os.unlink(ws / "a")
    with ws.open("b", "wb") as file:
        file.write(b"x" * LIMIT)
    os.truncate(ws / "b", 1)
    with ws.open("c", "wb") as file:
        file.write(b"x" * (LIMIT - 1))


def test_what_others_write_counts_when_it_matters(ws: Workspace) -> None:
    (ws / "foreign").write_bytes(bytes(LIMIT - 5))
    meter_of(ws).recount()
    with ws.open("a", "wb") as file, pytest.raises(QuotaExceeded):
        file.write(b"x" * 6)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of deleted files")
def test_a_deleted_file_counts_as_long_as_it_is_open(ws: Workspace) -> None:
    with ws.open("a", "wb") as file:
        file.write(b"x" * LIMIT)
        file.flush()
        os.unlink(ws / "a")
        with pytest.raises(QuotaExceeded), ws.open("b", "wb") as other:
            other.write(b"x")
    with ws.open("b", "wb") as other:
        other.write(b"x" * LIMIT)


def test_a_quota_of_nothing(root: Root) -> None:
    with root.workspace("none", quota=0) as ws:
        with ws.open("a", "wb") as file, pytest.raises(QuotaExceeded):
            file.write(b"x")
        assert os.listdir(ws) == ["a"]


# Files


def test_a_number_of_files(root: Root) -> None:
    with root.workspace("few", quota=Quota(files=3)) as ws:
        ws.open("a", "w", encoding="utf-8").close()
        removed = tempfile.mkdtemp(dir=ws)
        with pytest.raises(QuotaExceeded, match=r"quota of 3 files is exceeded: 3 are used, and 1 more"):
            for number in range(9):
                ws.open(f"b{number}", "x", encoding="utf-8").close()
        assert len(os.listdir(ws)) == 3
        ws.open("a", "w", encoding="utf-8").close()  # exists already
        os.rmdir(removed)
        with tempfile.NamedTemporaryFile(dir=ws):
            pass
        for _ in range(20):  # each is gone by the time of the next
            tempfile.TemporaryFile(dir=ws).close()
            tempfile.NamedTemporaryFile(dir=ws).close()
            tempfile.TemporaryDirectory(dir=ws).cleanup()


@pytest.mark.parametrize(("mode", "error"), [("r", FileNotFoundError), ("x", FileExistsError)])
def test_a_file_that_could_not_be_opened_takes_nothing(ws: Workspace, mode: str, error: type[OSError]) -> None:
    if mode == "x":
        (ws / "a").touch()
    with pytest.raises(error):
        ws.open("a", mode, encoding="utf-8")


# Which files


@pytest.mark.parametrize(
    "make",
    [
        lambda ws: tempfile.TemporaryFile(dir=ws),
        lambda ws: tempfile.TemporaryFile(dir=ws, buffering=0),
        lambda ws: tempfile.TemporaryFile("wb", dir=ws),
        lambda ws: tempfile.NamedTemporaryFile(dir=ws),
        lambda ws: tempfile.NamedTemporaryFile("wb", dir=ws),
        lambda ws: tempfile.NamedTemporaryFile(dir=ws, buffering=0),
        lambda ws: tempfile.SpooledTemporaryFile(10, dir=ws),
    ],
    ids=["anonymous", "unbuffered", "to write", "named", "named, to write", "named, unbuffered", "spooled"],
)
def test_the_files_of_tempfile_count(ws: Workspace, make: Any) -> None:
    with make(ws) as file:
        file.write(b"x" * LIMIT)
        with pytest.raises(QuotaExceeded):
            file.write(b"y")
            file.flush()
    gc.collect()
    with make(ws) as file:
        file.write(b"x" * LIMIT)


def test_in_a_directory_of_the_workspace(ws: Workspace) -> None:
    folder = tempfile.mkdtemp(dir=ws)
    with tempfile.NamedTemporaryFile(dir=folder) as file, pytest.raises(QuotaExceeded):
        file.write(b"x" * (LIMIT + 1))


def test_elsewhere_nothing_counts(ws: Workspace, tmp_path: Path) -> None:
    with tempfile.TemporaryFile(dir=tmp_path) as file:
        file.write(b"x" * (LIMIT + 1))
    assert meter_of(ws).read().used == 0


def test_a_spool_in_memory_does_not_count_and_stays_whole(ws: Workspace) -> None:
    with ws.open("a", "wb") as file:
        file.write(b"x" * LIMIT)
    with tempfile.SpooledTemporaryFile(dir=ws) as spool:
        spool.write(b"content")
        with pytest.raises(QuotaExceeded):
            spool.rollover()
        spool.seek(0)
        assert spool.read() == b"content"


def test_an_unbuffered_one_can_still_be_kept(ws: Workspace) -> None:
    with tempfile.TemporaryFile(dir=ws, buffering=0) as file:
        file.write(b"kept")
        assert file.keep().read_bytes() == b"kept"


def test_installed(root: Root, temp: Path) -> None:
    program = (
        "import scratchwork\n"
        "ws = scratchwork.install('app', quota=100, replace_tempfile=True)\n"
        "import tempfile\n"
        "file = tempfile.NamedTemporaryFile()\n"
        "try: file.write(b'x' * 101)\n"
        "except scratchwork.QuotaExceeded as error: print('refused', error.limit)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "refused 100\n"


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "", "."])
def test_open_stays_in_the_workspace(ws: Workspace, name: str) -> None:
    with pytest.raises(ValueError, match="does not lie in the workspace"):
        ws.open(name, "wb")


def test_open_without_a_quota_is_open(root: Root) -> None:
    with root.workspace() as ws:
        with ws.open("a", "w", encoding="utf-8") as file:
            assert type(file) is io.TextIOWrapper
            assert type(file.buffer.raw) is io.FileIO
        assert ws.quota is None


# Roots


def test_the_quota_of_a_root_is_for_all_its_workspaces(temp: Path) -> None:
    root = Root("app", quota=LIMIT)
    assert Root("app").quota == Quota(LIMIT)
    with root.workspace("one") as one, Root("app").workspace("two", quota="1 MB") as two:
        with one.open("a", "wb") as file:
            file.write(b"x" * 6000)
        with two.open("a", "wb") as file:
            file.write(b"x" * 4000)
            with pytest.raises(QuotaExceeded) as caught:
                file.write(b"x")
        assert caught.value.workspace == root.path
    with root.workspace() as three, three.open("a", "wb") as file:
        file.write(b"x" * LIMIT)


def test_a_root_that_holds_more_than_its_new_quota(temp: Path) -> None:
    root = Root("app")
    with root.workspace() as ws:
        (ws / "a").write_bytes(bytes(LIMIT))
        smaller = Root("app", quota=LIMIT // 2)
        with ws.open("a", "r+b") as file:
            file.write(b"in place")
            with pytest.raises(QuotaExceeded) as caught:
                file.truncate(LIMIT + 1)
            assert (caught.value.used, caught.value.limit) == (LIMIT, LIMIT // 2)
            file.truncate(10)
            file.seek(10)
            file.write(b"x" * (LIMIT // 2 - 10))
        assert smaller.quota == Quota(LIMIT // 2)


def test_changed_while_jobs_run(temp: Path) -> None:
    with Root("app", quota=LIMIT).workspace() as ws, ws.open("a", "wb", 0) as file:
        file.write(b"x" * LIMIT)
        with pytest.raises(QuotaExceeded):
            file.write(b"x")
        command = [sys.executable, "-c", "from scratchwork import Root; Root('app', quota='20 kB')"]
        subprocess.run(command, check=True)
        file.write(b"x" * LIMIT)
        Root("app", quota=Quota())
        file.write(b"x" * LIMIT)
        assert Root("app").quota is None


def test_sweeping_takes_the_meters_of_the_dead_along(temp: Path) -> None:
    program = (
        "import os, signal; from scratchwork import Root\n"
        "ws = Root('app').workspace('dead', quota=10)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    root = Root("app", sweep_first=False)
    assert [entry.split("-")[0] for entry in os.listdir(root.path) if entry.endswith(".quota")] == ["dead"]
    root.sweep()
    assert [entry for entry in os.listdir(root.path) if entry.startswith("dead")] == []
    (Path(root.path) / "dead-tp0000-1-aaaaaaaaaa.quota").write_bytes(b"of one that is gone")
    root.sweep()
    assert [entry for entry in os.listdir(root.path) if entry.endswith(".quota")] == []


# Bad input


@pytest.mark.parametrize("quota", ["2 parsecs", "-1", -1, "", "1.5"])
def test_no_quota(root: Root, quota: int | str) -> None:
    with pytest.raises(ValueError):
        root.workspace(quota=quota)
    with pytest.raises(ValueError):
        Root("app", quota=quota)
    with pytest.raises(ValueError, match="enforce is one of metered, watched"):
        root.workspace(quota=1, enforce="sternly")  # type: ignore[arg-type]
    assert root.workspaces() == []


def test_a_damaged_meter_refuses(root: Root) -> None:
    with root.workspace(quota=LIMIT) as ws:
        os.truncate(f"{ws}.quota", 3)
        with pytest.raises(OSError, match="the meter of a quota is damaged"):
            ws.open("a", "wb")
        assert root.limits_of(ws.name) is None
    with root.workspace() as ws:
        Path(f"{ws}.quota").write_bytes(b"short")
        assert root.limits_of(ws.name) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give a file away")
def test_somebody_elses_meter_is_not_heeded(temp: Path) -> None:
    """Beside a root, in the temp folder, anybody may put a file."""
    root = Root("app")
    trap = Path(f"{root.path}.quota")
    trap.write_bytes(b"\0" * 40)
    temp.chmod(0o1777)
    with Root("app").workspace() as ws, ws.open("a", "wb") as file:
        file.write(b"x")
    assert metering.known(root.path) is None


# Controls


def test_control_files_opened_otherwise_are_not_metered(ws: Workspace) -> None:
    with open(ws / "a", "wb") as file:
        file.write(b"x" * (LIMIT + 1))
    assert lengths(ws) > LIMIT
