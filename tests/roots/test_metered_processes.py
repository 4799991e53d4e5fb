"""Quotas on what our own file objects write, by several threads and processes at once."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scratchwork import QuotaExceeded, Root, Workspace
from scratchwork.files import metering
from scratchwork.files.meters import Meter, posix
from scratchwork.system import record_locks
from tests.helpers_processes import PATIENCE

LIMIT = 10_000


def meter_of(ws: Workspace) -> Meter:
    meter = metering.known(os.fspath(ws))
    assert meter is not None
    return meter


def lengths(ws: os.PathLike[str]) -> int:
    return sum(path.stat().st_size for path in Path(ws).rglob("*") if path.is_file())


def fill(ws: Any, name: str) -> int:
    written = 0
    with ws.open(name, "wb", 0) as file:
        try:
            while True:
                written += file.write(b"x" * 7)
        except QuotaExceeded:
            return written


def test_threads(root: Root) -> None:
    limit = 30_000
    with root.workspace(quota=limit) as ws:
        threads = [threading.Thread(target=fill, args=(ws, str(number))) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert limit - 7 < lengths(ws) <= limit


def test_forked_children(root: Root) -> None:
    limit = 30_000
    with root.workspace(quota=limit) as ws:
        children = []
        for number in range(3):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    fill(ws, str(number))
                    status = 0
                finally:
                    os._exit(status)
            children.append(child)
        fill(ws, "parent")
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
        assert limit - 7 < lengths(ws) <= limit


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere closing a file drops all locks on it")
@pytest.mark.parametrize(
    "look", [Root.limits_of, lambda root, name: shutil.copy(f"{root.path}/{name}.quota", "/dev/null")]
)
def test_looking_at_the_meter_drops_no_lock(root: Root, look: Callable[[Root, str], object]) -> None:
    with root.workspace(quota=LIMIT) as ws:
        meter_of(ws).begin()
        look(root, ws.name)
        with open(f"{ws}.quota", "r+b") as other:
            assert not record_locks.exclusive(other.fileno(), 0)
        meter_of(ws).end()


def test_forked_writers_while_a_thread_looks_at_the_limits(root: Root) -> None:
    limit = 60_000
    with root.workspace(quota=limit) as ws:
        children = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    threading.Thread(target=look_for_ever, args=(root, ws.name), daemon=True).start()
                    fill(ws, str(number))
                    status = 0
                finally:
                    os._exit(status)
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
        assert limit - 7 < lengths(ws) <= limit


def look_for_ever(root: Root, name: str) -> None:
    while True:
        root.limits_of(name)


_WRITER = """
import sys
from scratchwork import QuotaExceeded, Workspace
try:
    with Workspace.attach(sys.argv[1]) as ws, ws.open(sys.argv[2], "ab") as file:
        while True:
            file.write(b"x" * int(sys.argv[3]))
except QuotaExceeded:
    pass
"""


def test_eight_writing_processes(root: Root) -> None:
    """Far from the limit and near it, by way of buffers and not, into eight files and one."""
    limit = 20_000_000
    with root.workspace(quota=limit) as ws:
        writers = [
            subprocess.Popen([sys.executable, "-c", _WRITER, str(ws), "one" if number % 2 else str(number), "1000"])
            for number in range(8)
        ]
        assert [writer.wait() for writer in writers] == [0] * 8
        assert limit - 1000 < lengths(ws) <= limit
        meter = meter_of(ws)
        assert meter.read().used >= lengths(ws)
        assert meter.recount().used == lengths(ws)


def test_killed_in_mid_write_leaves_the_count_too_high_at_most(root: Root) -> None:
    with root.workspace(quota="1 GB") as ws:
        for _ in range(5):
            writer = subprocess.Popen(
                [sys.executable, "-c", "print(flush=True)\n" + _WRITER, str(ws), "a", "100000"], stdout=subprocess.PIPE
            )
            assert writer.stdout is not None
            writer.stdout.readline()
            while not (ws / "a").exists():
                pass
            writer.kill()
            writer.wait()
            writer.stdout.close()
            assert meter_of(ws).read().used >= lengths(ws)
            meter_of(ws).recount()
        with ws.open("b", "wb", 0) as file:
            file.write(b"the locks are free")


def test_a_fork_while_a_thread_opens_its_first_file(temp: Path) -> None:
    """What the thread imports then, the child would wait for, and nobody would end that import there."""
    program = (
        "import os, signal, sys, threading, time, scratchwork\n"
        "class Slow:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.startswith('scratchwork.files'): importing.set(); time.sleep(1)\n"
        "importing = threading.Event()\n"
        "with scratchwork.Root('app').workspace(quota=100) as ws:\n"
        "    sys.meta_path.insert(0, Slow())\n"
        "    thread = threading.Thread(target=lambda: ws.open('a', 'wb', 0).close())\n"
        "    thread.start()\n"
        "    importing.wait(0.5)\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        signal.alarm(10)\n"
        "        with ws.open('b', 'wb', 0) as file: file.write(b'x' * 100)\n"
        "        try: ws.open('c', 'wb', 0).write(b'x')\n"
        "        except scratchwork.QuotaExceeded: os._exit(0)\n"
        "    thread.join()\n"
        "    print(os.waitpid(child, 0)[1])\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "0\n"


_AT_GATE = """
import os, signal, sys
from scratchwork import Workspace
from scratchwork.files import metering
with Workspace.attach(sys.argv[1]) as ws:
    meter = metering.known(str(ws))
    meter.begin()
    print(flush=True)
    if sys.argv[2] == "stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        sys.stdin.read()
    meter.end()
"""


@contextlib.contextmanager
def somebody_at_the_gate(ws: Workspace, how: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", _AT_GATE, str(ws), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere who holds it can't be told")
def test_one_who_was_stopped_at_the_gate_is_named(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posix, "_PATIENCE_AT_GATE", 0.2)
    with root.workspace(quota=LIMIT) as ws:
        file = ws.open("a", "wb", 0)
        with somebody_at_the_gate(ws, "stopped") as process:
            for _ in range(2):
                with pytest.raises(TimeoutError, match=rf"by process {process.pid} \(python.*kill -CONT") as caught:
                    file.write(b"x" * 10)
                assert (caught.value.errno, caught.value.filename) == (errno.ETIMEDOUT, str(ws))
            assert (ws / "a").stat().st_size == 0
            process.send_signal(signal.SIGCONT)
            assert file.write(b"x" * 10) == 10
            assert process.wait(PATIENCE) == 0
        file.close()
        assert meter_of(ws).read().used == 10


def test_one_who_takes_his_time_at_the_gate_is_waited_for(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posix, "_PATIENCE_AT_GATE", 0.2)
    with root.workspace(quota=LIMIT) as ws, ws.open("a", "wb", 0) as file:
        with somebody_at_the_gate(ws, "slow") as process:
            assert process.stdin is not None
            later = threading.Timer(1.0, process.stdin.close)  # well after the patience with one that was stopped
            later.start()
            assert file.write(b"x" * 10) == 10
            later.join()
        monkeypatch.setattr(posix, "_MOST_PATIENCE_AT_GATE", 0.5)
        with somebody_at_the_gate(ws, "slow"), pytest.raises(TimeoutError, match="which does not end"):
            file.write(b"x")


def test_one_who_is_killed_at_the_gate_holds_nobody_up(root: Root) -> None:
    with root.workspace(quota=LIMIT) as ws, ws.open("a", "wb", 0) as file:
        with somebody_at_the_gate(ws, "stopped"):
            pass
        assert file.write(b"x" * 10) == 10


def test_a_child_that_runs_in_it_counts(root: Root) -> None:
    program = (
        "from scratchwork import tempfile, QuotaExceeded\n"
        "file = tempfile.TemporaryFile()\n"
        "try: file.write(b'x' * 10_001)\n"
        "except QuotaExceeded: print('refused')\n"
    )
    with root.workspace(quota=LIMIT) as ws:
        environment = {**os.environ, "TMPDIR": str(ws), "SCRATCH_WORKSPACE": str(ws)}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "refused\n"


# Controls


def test_control_without_the_lock_in_flight_a_recount_misses_what_is_on_its_way(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a recount that does not wait, a write that was counted but not yet made is forgotten."""
    assert _overshoot(root) == 0
    monkeypatch.setattr(Meter, "_is_alone", lambda self: True)
    assert _overshoot(root) > 0


def _overshoot(root: Root) -> int:
    """Stop a writer between taking and writing, let another take the rest, and return how much is too much."""
    writer = (
        "import os, signal, sys; from scratchwork import Workspace; from scratchwork.files import metering\n"
        "take = metering.Meters.take\n"
        "def stop(self, size, least):\n"
        "    had = take(self, size, least)\n"
        "    print(flush=True); sys.stdin.readline()\n"
        "    return had\n"
        "metering.Meters.take = stop\n"
        "Workspace.attach(sys.argv[1]).open('slow', 'wb', 0).write(b'x' * 6000)\n"
    )
    with root.workspace(quota=LIMIT) as ws:
        with subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", writer, str(ws)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as slow:
            assert slow.stdout is not None
            assert slow.stdin is not None
            slow.stdout.readline()
            quick = fill(ws, "quick")
            slow.stdin.write(b"\n")
            slow.stdin.flush()
            slow.wait()
        assert quick >= LIMIT - 6000 - 7
        return max(0, lengths(ws) - LIMIT)


def test_control_without_the_gate_processes_count_past_each_other(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two who read the same number at the same time both find room; the gate keeps the second one out."""

    def second_comes_in_between(meter: Meter) -> bool:
        child = os.fork()
        if child == 0:
            status = 2
            try:
                fd = os.open(f"{meter.tree}.quota", os.O_RDWR)
                status = 0 if record_locks.exclusive(fd, 0) else 1
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    with root.workspace(quota=LIMIT) as ws:
        meter = meter_of(ws)
        meter.begin()
        assert not second_comes_in_between(meter)
        meter.leave_gate()
        assert second_comes_in_between(meter)
        meter.end()
