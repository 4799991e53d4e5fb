"""A root's quota that is set when jobs already run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from scratchwork import Quota, QuotaExceeded, Root, tempfile
from scratchwork.files import metering
from tests.helpers_processes import PATIENCE, until

LIMIT = 10_000


@pytest.fixture(autouse=True)
def _look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test wait for the next look at what other processes have set."""
    monkeypatch.setattr(metering, "_LOOK_AGAIN", 0.0)
    monkeypatch.setattr(metering, "_look_at", 0.0)


def set_elsewhere(quota: str) -> None:
    """Set it in another process."""
    program = "import sys, scratchwork; scratchwork.Root('app', quota=sys.argv[1])"
    subprocess.run([sys.executable, "-c", program, quota], check=True)


def test_files_and_workspaces_of_a_process_that_opened_it_before(temp: Path) -> None:
    root = Root("app")
    with root.workspace() as ws:
        with ws.open("before", "wb", 0) as file:
            set_elsewhere(str(LIMIT))
            file.write(b"x" * LIMIT)
        assert root.quota == Quota(LIMIT)
        with ws.open("a", "wb") as file, pytest.raises(QuotaExceeded) as caught:
            file.write(b"x")
        assert (caught.value.workspace, caught.value.used) == (root.path, LIMIT)
        with root.workspace(quota="1 GB") as other, other.open("a", "wb") as file, pytest.raises(QuotaExceeded):
            file.write(b"x")


@pytest.mark.parametrize("kind", ["anonymous", "named", "spooled"])
def test_temporary_files(temp: Path, kind: str) -> None:
    with Root("app").workspace() as ws:
        set_elsewhere(str(LIMIT))
        make: Any = {
            "anonymous": lambda: tempfile.TemporaryFile(dir=ws),
            "named": lambda: tempfile.NamedTemporaryFile(dir=ws),
            "spooled": lambda: tempfile.SpooledTemporaryFile(10, dir=ws),
        }[kind]
        with make() as file:
            file.write(b"x" * LIMIT)
            with pytest.raises(QuotaExceeded):
                file.write(b"x")
                file.flush()
            file.seek(0)
            file.truncate()


def test_a_program_that_runs_in_it(temp: Path) -> None:
    program = (
        "import sys\n"
        "from scratchwork import QuotaExceeded, tempfile\n"
        "print(flush=True); sys.stdin.readline()\n"
        "try: tempfile.TemporaryFile().write(b'x' * 10_001)\n"
        "except QuotaExceeded: print('refused')\n"
    )
    with Root("app").workspace() as ws:
        environment = {**os.environ, "TMPDIR": str(ws), "SCRATCH_WORKSPACE": str(ws)}
        command = [sys.executable, "-W", "ignore", "-c", program]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            set_elsewhere(str(LIMIT))
            assert process.communicate("\n")[0] == "refused\n"


def test_a_watched_job(temp: Path) -> None:
    told: list[OSError] = []
    root = Root("app")
    with root.workspace(quota="1 GB", enforce="watched", on_exceeded=told.append) as ws:
        (ws / "big").write_bytes(bytes(3_000_000))
        set_elsewhere("1 MB")
        until(lambda: told, "the call")
    assert isinstance(told[0], QuotaExceeded)
    assert told[0].workspace == root.path


def test_many_threads_find_it_at_once(temp: Path) -> None:
    root = Root("app")
    with root.workspace() as ws:
        set_elsewhere("1 GB")
        threads = [threading.Thread(target=lambda n=n: ws.open(str(n), "wb", 0).close()) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        meter = metering.known(root.path)
        assert meter is not None
        assert meter.recount().files == 8


def test_a_meter_that_is_just_being_made(temp: Path) -> None:
    root = Root("app")
    with root.workspace() as ws:
        set_elsewhere(str(LIMIT))
        path = Path(root.path, "root.quota")
        content = path.read_bytes()
        path.write_bytes(b"")
        threading.Timer(0.2, path.write_bytes, (content,)).start()
        with ws.open("a", "wb") as file, pytest.raises(QuotaExceeded):
            file.write(b"x" * (LIMIT + 1))


def test_roots_that_have_gone_are_not_looked_at_for_ever(temp: Path) -> None:
    for number in range(100):
        os.rmdir(_emptied(Root(f"app{number}").path))
    assert len(metering._without) <= metering._MOST_WITHOUT + 2


def _emptied(path: str) -> str:
    for name in os.listdir(path):
        os.unlink(os.path.join(path, name))
    return path
