"""Quotas that are watched inside a program: a callback, or an exception in the main thread."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scratchwork import Quota, QuotaExceeded, Root
from scratchwork.roots import watching
from scratchwork.roots.watching import Watch
from tests.helpers_processes import PATIENCE, until

_MUCH = 3_000_000


def test_a_callback(temp: Path) -> None:
    told: list[OSError] = []
    heard = threading.Event()

    def tell(error: OSError) -> None:
        told.append(error)
        heard.set()

    with Root("app").workspace(quota="1 MB", enforce="watched", on_exceeded=tell) as ws:
        subprocess.run(["dd", "if=/dev/zero", f"of={ws}/big", f"bs={_MUCH}", "count=1", "status=none"], check=True)
        assert heard.wait(PATIENCE)
        [error] = told
        assert isinstance(error, QuotaExceeded)
        assert (error.workspace, error.limit, error.errno) == (str(ws), 1_000_000, 122)
        assert error.used >= _MUCH
        path = str(ws)
    assert not os.path.exists(path)


def test_it_is_called_again_if_it_goes_on_to_grow(temp: Path) -> None:
    told: list[OSError] = []
    with Root("app").workspace(quota="1 MB", enforce="watched", on_exceeded=told.append) as ws:
        (ws / "first").write_bytes(bytes(_MUCH))
        until(lambda: len(told) == 1, "the first call")
        for number in range(10):
            (ws / str(number)).write_bytes(bytes(10 * 2**20))
        until(lambda: len(told) == 2, "the second call")
    assert all(isinstance(error, QuotaExceeded) for error in told)


def test_files_count(temp: Path) -> None:
    told: list[OSError] = []
    with Root("app").workspace(quota=Quota(files=10), enforce="watched", on_exceeded=told.append) as ws:
        for number in range(12):
            os.mkdir(ws / str(number))
        until(lambda: told, "the call")
    assert isinstance(told[0], QuotaExceeded)
    assert (told[0].what, told[0].limit, told[0].used) == ("files", 10, 12)


def test_an_exception_in_the_main_thread(temp: Path) -> None:
    before = signal.getsignal(signal.SIGURG)
    with pytest.raises(QuotaExceeded) as caught, Root("app").workspace(quota="1 MB", enforce="watched") as ws:
        path = str(ws)
        (ws / "big").write_bytes(bytes(_MUCH))
        threading.Event().wait(PATIENCE)  # a call that blocks
    assert caught.value.workspace == path
    assert not os.path.exists(path)
    assert signal.getsignal(signal.SIGURG) == before


def test_an_exception_out_of_a_system_call(temp: Path) -> None:
    """Where the main thread waits for a child that fills the disk, which is the usual case."""
    reader, writer = os.pipe()
    with pytest.raises(QuotaExceeded), Root("app").workspace(quota="1 MB", enforce="watched") as ws:
        (ws / "big").write_bytes(bytes(_MUCH))
        os.read(reader, 1)
    os.close(reader)
    os.close(writer)


def test_what_ends_in_time_raises_nothing(temp: Path) -> None:
    for _ in range(20):
        with Root("app").workspace(quota="1 MB", enforce="watched") as ws:
            (ws / "big").write_bytes(bytes(_MUCH // 10))


def test_in_another_thread_a_callback_is_needed(temp: Path) -> None:
    raised: list[BaseException] = []

    def make() -> None:
        try:
            Root("app").workspace(quota="1 MB", enforce="watched")
        except ValueError as error:
            raised.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    assert "give on_exceeded=" in str(raised[0])
    assert [name for name in os.listdir(Root("app").path) if os.path.isdir(f"{Root('app').path}/{name}")] == []


def test_in_another_thread_with_a_callback(temp: Path) -> None:
    told: list[OSError] = []

    def work() -> None:
        with Root("app").workspace(quota="1 MB", enforce="watched", on_exceeded=told.append) as ws:
            (ws / "big").write_bytes(bytes(_MUCH))
            until(lambda: told, "the call")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(told) >= 1


def test_a_quota_that_is_lowered_while_the_job_runs(temp: Path) -> None:
    told: list[OSError] = []
    root = Root("app", quota="1 GB")
    with root.workspace(enforce="watched", on_exceeded=told.append) as ws:
        (ws / "big").write_bytes(bytes(_MUCH))
        lower = "from scratchwork import Root; Root('app', quota='1 MB')"
        subprocess.run([sys.executable, "-c", lower], check=True)
        until(lambda: told, "the call")
    assert isinstance(told[0], QuotaExceeded)
    assert told[0].workspace == root.path


def test_a_watcher_that_dies_is_told(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[OSError] = []

    def fail(_: Watch) -> float:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Watch, "look", fail)
    with Root("app").workspace(quota="1 MB", enforce="watched", on_exceeded=told.append):
        until(lambda: told, "the call")
    assert str(told[0]) == "the watcher of a quota failed: RuntimeError: a bug"


def test_a_watcher_that_dies_ends_the_program_s_block(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Watch) -> float:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Watch, "look", fail)
    error = pytest.raises(OSError, match="Input/output error")
    with error, Root("app").workspace(quota="1 MB", enforce="watched"):
        threading.Event().wait(PATIENCE)


def test_a_forked_child_hears_nothing_of_it(temp: Path) -> None:
    told: list[OSError] = []
    with Root("app").workspace(quota="1 MB", enforce="watched", on_exceeded=told.append) as ws:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                (ws / "big").write_bytes(bytes(_MUCH))
                until(lambda: os.path.exists(ws / "heard"), "the parent")
                status = 0 if not told else 2
            finally:
                os._exit(status)
        until(lambda: told, "the call")
        (ws / "heard").touch()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_unknown_strength(temp: Path) -> None:
    with pytest.raises(ValueError, match="enforce is one of"):
        Root("app").workspace(quota=1, enforce="hoped")  # type: ignore[arg-type]


def test_control_without_the_signal_nothing_is_raised(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = threading.Event()
    monkeypatch.setattr(watching.MainThreadRaiser, "__call__", lambda *_: called.set())
    with Root("app").workspace(quota="1 MB", enforce="watched") as ws:
        (ws / "big").write_bytes(bytes(_MUCH))
        assert called.wait(PATIENCE)
