"""Quotas that are watched inside a program: a callback, or an exception in the main thread."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from scratchwork import CannotWatch, Quota, QuotaExceeded, Root
from scratchwork.files import metering
from scratchwork.files.meters import Meter
from scratchwork.roots import watching
from scratchwork.roots.watching import Watch
from scratchwork.system import mounts
from scratchwork.system.trees import Usage
from tests.helpers_processes import PATIENCE, until
from tests.system.helpers import as_nobody

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
    assert (told[0].what, told[0].limit) == ("files", 10)
    assert told[0].used in {11, 12}  # as many as there were when it looked


def test_an_exception_in_the_main_thread(temp: Path) -> None:
    before = signal.getsignal(signal.SIGURG)
    with pytest.raises(QuotaExceeded) as caught, Root("app").workspace(quota="1 MB", enforce="watched") as ws:
        path = str(ws)
        (ws / "big").write_bytes(bytes(_MUCH))
        threading.Event().wait(PATIENCE)  # a call that blocks
    assert caught.value.workspace == path
    assert not os.path.exists(path)
    assert signal.getsignal(signal.SIGURG) == before


def test_a_program_s_own_handler_of_that_signal_is_called_too(temp: Path) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGURG, lambda number, _: heard.append(number))
    try:
        with pytest.raises(QuotaExceeded), Root("app").workspace(quota="1 MB", enforce="watched") as ws:
            signal.raise_signal(signal.SIGURG)
            assert heard == [signal.SIGURG]
            (ws / "big").write_bytes(bytes(_MUCH))
            threading.Event().wait(PATIENCE)
        assert heard == [signal.SIGURG]
        signal.raise_signal(signal.SIGURG)
        assert heard == [signal.SIGURG, signal.SIGURG]
    finally:
        signal.signal(signal.SIGURG, before)


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


# Where others are busy on the same file system, so that its free space tells nothing


class Clock:
    """Time that passes when a test says so, and walks that cost as much as those of 100,000 files."""

    WALK, GLANCE = 0.2, 0.0003

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.spent = 1000.0, 0.0
        self.walks: list[float] = []
        measure, glance = Meter.measure, Watch._glance

        def walk(meter: Meter) -> Usage:
            self.walks.append(self.now)
            self.spent += self.WALK
            return measure(meter)

        def look_at_processes(watch: Watch) -> tuple[int, int]:
            self.spent += self.GLANCE
            return glance(watch)

        free = itertools.cycle([10**12, 10**12 - 60_000_000])
        monkeypatch.setattr(
            watching, "time", SimpleNamespace(monotonic=lambda: self.now, thread_time=lambda: self.spent)
        )
        monkeypatch.setattr(Meter, "measure", walk)
        monkeypatch.setattr(Watch, "_glance", look_at_processes)
        monkeypatch.setattr(mounts, "space", lambda _: mounts.Space(10**12, next(free), 10**9))

    def watch(self, watch: Watch, seconds: float) -> None:
        """Let somebody watch for so long."""
        until = self.now + seconds
        while self.now < until:
            self.now += watch.look()


@pytest.fixture
def busy(temp: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Watch, Clock, Path]]:
    with Root("app").workspace(quota="50 MB") as ws:
        watch = Watch(Meter(str(ws), f"{ws}{metering.SUFFIX}"))
        yield watch, Clock(monkeypatch), Path(ws)


def test_the_busy_others_do_not_make_it_dear(busy: tuple[Watch, Clock, Path]) -> None:
    watch, clock, _ = busy
    clock.watch(watch, 20)
    assert clock.spent <= 0.02 * 20
    clock.watch(watch, 3600)
    assert clock.spent <= 0.02 * 3620
    assert len(clock.walks) > 50
    assert max(later - walk for walk, later in itertools.pairwise(clock.walks)) <= 2 * Clock.WALK / watching._DUTY + 1


def test_what_may_have_outgrown_it_is_walked_although_others_are_busy(busy: tuple[Watch, Clock, Path]) -> None:
    watch, clock, folder = busy
    clock.watch(watch, 60)
    seen = len(clock.walks)
    (folder / "little").write_bytes(bytes(1_000_000))
    watch.look()
    assert len(clock.walks) == seen
    for number in range(60):
        (folder / str(number)).write_bytes(bytes(1_000_000))
    with pytest.raises(QuotaExceeded, match="are used"):
        clock.watch(watch, 5)
    assert len(clock.walks) == seen + 1


def test_a_flood_is_seen_although_no_walk_is_to_be_had(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_DUTY", 1e-9)
    monkeypatch.setattr(watching, "_SAVED", 1e-9)
    writing = "import sys; file = open(sys.argv[1], 'wb', 0); file.write(bytes(9_000_000)); sys.stdin.read()"
    told: list[OSError] = []
    with Root("app").workspace(quota="5 MB", enforce="watched", on_exceeded=told.append) as ws:
        command = [sys.executable, "-c", writing, str(ws / "big")]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as writer:
            until(lambda: told, "the call")
            writer.communicate()
    assert isinstance(told[0], QuotaExceeded)
    assert told[0].used > 5_000_000  # as much as was there at the glance


def test_what_is_shut_for_an_instant_is_no_matter(
    busy: tuple[Watch, Clock, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, clock, _ = busy
    shut = itertools.cycle(["a", "b", "", "a"])
    monkeypatch.setattr(Meter, "measure", lambda _: Usage(shut=next(shut)))
    clock.watch(watch, 60)
    monkeypatch.setattr(Meter, "measure", lambda _: Usage(shut="a/b"))
    with pytest.raises(CannotWatch) as caught:
        clock.watch(watch, 60)
    assert caught.value.filename.endswith("/a/b")


def test_in_a_root_the_workspace_that_is_shut_is_named(temp: Path) -> None:
    root = Root("app", quota="1 GB")
    told: list[OSError] = []

    def work() -> None:
        with root.workspace(enforce="watched", on_exceeded=told.append) as ws:
            os.chmod(ws, 0)
            until(lambda: told, "the call")
            assert isinstance(told[0], CannotWatch), told
            assert told[0].filename == str(ws)

    as_nobody(temp, work)
