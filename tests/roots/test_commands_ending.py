"""How a command in a workspace is ended, with all that it started, and what becomes of it if we end first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scratchwork import CommandFailed, QuotaExceeded, Root, Workspace, WorkspaceGone
from scratchwork.roots.commands import Command
from scratchwork.roots.watching import Watcher
from scratchwork.system import processes
from tests.helpers_processes import PATIENCE, is_gone, until
from tests.helpers_programs import kill, running

_MUCH = 3_000_000
_FILL = f"head -c {_MUCH} /dev/zero > big; "


@pytest.fixture
def ws(root: Root) -> Iterator[Workspace]:
    with root.workspace("commands") as workspace:
        yield workspace


@pytest.fixture
def deaf() -> Iterator[None]:
    """Let what is started ignore SIGTERM from its first instruction on."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGTERM, before)


def sh(script: str, *arguments: str) -> list[str]:
    return ["sh", "-c", script, "sh", *arguments]


def others_in(ws: Workspace) -> list[int]:
    """Return the pids of those who hold the lease, besides us: all that runs in the workspace does."""
    lease = os.readlink(f"/proc/self/fd/{ws.fileno()}")
    return [pid for pid in processes.holders([lease])[lease] if pid != os.getpid()]


def await_end(pid: int) -> None:
    """See that a process ends; end it if it does not."""
    try:
        until(lambda: is_gone(pid), "its end")
    finally:
        if not is_gone(pid):
            os.kill(pid, signal.SIGKILL)


# The lease

_RUN = """
import sys, scratchwork
ws = scratchwork.Root("app").workspace("running")
print(ws, flush=True)
ws.run(["sh", "-c", "echo started; read line; touch done; read line"], stdin=0)
"""


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_killed_we_leave_it_running_and_it_holds_the_workspace(temp: Path, kind: str) -> None:
    Path(Root("app").path, "root.conf").write_text(f"lease={kind}\n")
    with running(_RUN) as (process, (path,)):
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        kill(process)
        root = Root("app")
        assert root.sweep().alive == 1
        process.stdin.write("on\n")
        process.stdin.flush()
        until(Path(path, "done").exists, "what the command does then")
        process.stdin.close()
        until(lambda: root.sweep().alive == 0, "the command's end")
    assert not Path(path).exists()


def test_control_without_the_lease_handed_on_it_is_swept(temp: Path) -> None:
    program = f"""
from scratchwork.system import groups
from scratchwork.roots import commands
groups.options = lambda descriptor: {{"process_group": 0}}
{_RUN}"""
    with running(program) as (process, (path,)):
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        kill(process)
        assert len(Root("app", sweep_first=False).sweep().removed) == 1
        assert not Path(path).exists()


# What it leaves running


def test_what_it_leaves_running_is_ended_with_it(ws: Workspace) -> None:
    ws.run(sh("sleep 1000 & echo $!"), stdout="pid")
    assert is_gone(int((ws / "pid").read_text()))
    assert others_in(ws) == []


def test_also_if_that_has_its_output_open(ws: Workspace) -> None:
    """A pipe's end comes when the last one that has it open has ended."""
    done = ws.run(sh("sleep 1000 & echo $!"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE / 2)
    assert is_gone(int(done.stdout))


def test_control_without_that_it_goes_on(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Command, "_end_rest", lambda *_: None)
    ws.run(sh("sleep 1000 & echo $!"), stdout="pid")
    pid = int((ws / "pid").read_text())
    assert not is_gone(pid)
    assert others_in(ws) == [pid]
    os.kill(pid, signal.SIGKILL)
    await_end(pid)


def test_one_that_ends_by_itself_is_given_the_time(ws: Workspace) -> None:
    """It is told by SIGTERM and can tidy up."""
    tidy = "trap 'touch tidied; kill $!; exit' TERM; touch ready; sleep 1000 & wait"
    ws.run(sh('sh -c "$1" & until test -e ready; do sleep 0.01; done', tidy), grace=PATIENCE)
    assert (ws / "tidied").exists()
    assert others_in(ws) == []


def test_one_that_ignores_sigterm_is_killed_after_the_grace(ws: Workspace, deaf: None) -> None:
    ws.run(sh("sleep 1000 & echo $!"), stdout="pid", grace=0.1)
    await_end(int((ws / "pid").read_text()))


def test_one_that_has_stopped_itself_is_ended_too(ws: Workspace) -> None:
    ws.run(sh("sh -c 'kill -STOP $$' & echo $!"), stdout="pid", grace=PATIENCE)
    assert is_gone(int((ws / "pid").read_text()))


# A time limit


def test_a_command_that_takes_too_long_is_ended_and_the_workspace_kept(root: Root) -> None:
    with root.workspace() as ws:
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            ws.run(["sleep", "1000"], timeout=0.2)
        assert caught.value.cmd == ["sleep", "1000"]
        assert caught.value.timeout == pytest.approx(0.2, rel=0.1)  # `subprocess` tells what was left of it at the wait
        assert others_in(ws) == []
    assert ws.path.exists()
    (found,) = root.workspaces()
    assert (found.state, found.why) == ("kept", "'sleep' did not end in 0.2 s")


def test_a_deaf_one_is_killed_after_the_grace(ws: Workspace, deaf: None) -> None:
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        ws.run(["sleep", "1000"], timeout=0.2, grace=0.1)
    assert caught.value.cmd == ["sleep", "1000"]
    assert caught.value.timeout == pytest.approx(0.2, rel=0.1), "the limit, not the grace"
    until(lambda: others_in(ws) == [], "its end")


def test_so_are_all_that_it_started_also_those_that_left_its_group(ws: Workspace) -> None:
    script = "setsid sleep 1000 & echo $! > pid; sleep 1000 & mv pid ready; wait"
    with pytest.raises(subprocess.TimeoutExpired):
        ws.run(sh(script), timeout=1)
    if (ws / "ready").exists():  # else the machine is so slow that it was ended before that
        await_end(int((ws / "ready").read_text()))
    until(lambda: others_in(ws) == [], "their end")


def test_one_that_ends_in_time_is_not_affected(ws: Workspace) -> None:
    assert ws.run(["echo", "done"], timeout=PATIENCE, stdout=subprocess.PIPE).stdout == b"done\n"


# Ctrl-C

_INTERRUPTED = """
import signal, sys, scratchwork
if sys.argv[1] == "deaf": signal.signal(signal.SIGTERM, signal.SIG_IGN)
try:
    with scratchwork.Root("app").workspace("interrupted") as ws:
        script = "read line; echo $$ $SCRATCH_WORKSPACE; exec sleep 1000"
        ws.run(["sh", "-c", script], input="we wait for it by now\\n", grace=float(sys.argv[2]))
except BaseException as error:
    print(type(error).__name__, flush=True)
"""


@pytest.mark.parametrize(("kind", "grace"), [("willing", "30"), ("deaf", "0.1")])
def test_ctrl_c_ends_it_and_passes_through(temp: Path, kind: str, grace: str) -> None:
    with running(_INTERRUPTED, kind, grace) as (process, (pid, path)):
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert process.stdout.readline() == "KeyboardInterrupt\n"
        assert process.wait() == 0
        await_end(int(pid))
        assert not Path(path).exists()


def test_control_without_ending_it_it_goes_on(temp: Path) -> None:
    program = f"from scratchwork.roots.commands import Command; Command._end = lambda _: None\n{_INTERRUPTED}"
    with running(program, "willing", "30") as (process, (pid, _)):
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
        assert not is_gone(int(pid))
        os.kill(int(pid), signal.SIGKILL)


# A watched quota


def test_a_quota_that_is_exceeded_ends_it(root: Root) -> None:
    before = signal.getsignal(signal.SIGURG)
    with pytest.raises(QuotaExceeded) as caught, root.workspace(quota="1 MB", enforce="watched") as ws:
        try:
            ws.run(sh(f"{_FILL} echo $$ > pid; exec sleep 1000"))
        finally:
            until(lambda: others_in(ws) == [], "its end")
    assert caught.value.workspace == str(ws)
    assert caught.value.used > 1_000_000
    assert not ws.path.exists()
    assert signal.getsignal(signal.SIGURG) == before


def test_a_deaf_one_too(root: Root, deaf: None) -> None:
    with pytest.raises(QuotaExceeded), root.workspace(quota="1 MB", enforce="watched") as ws:
        try:
            ws.run(sh(f"{_FILL} exec sleep 1000"), grace=0.1)
        finally:
            until(lambda: others_in(ws) == [], "its end")


@pytest.mark.parametrize("ears", ["willing", "deaf"])
def test_in_another_thread_too(root: Root, ears: str, request: pytest.FixtureRequest) -> None:
    if ears == "deaf":
        request.getfixturevalue("deaf")
    told: list[OSError] = []
    raised: list[BaseException] = []

    def work() -> None:
        with root.workspace(quota="1 MB", enforce="watched", on_exceeded=told.append) as ws:
            try:
                ws.run(sh(f"{_FILL} exec sleep 1000"), grace=0.1)
            except QuotaExceeded as error:
                raised.append(error)
            until(lambda: others_in(ws) == [], "its end")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [type(error) for error in raised] == [QuotaExceeded]
    assert told == raised


def test_control_without_being_told_it_goes_on(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watcher, "add_listener", lambda *_: None)
    monkeypatch.setattr(Watcher, "remove_listener", lambda *_: None)
    reader, writer = os.pipe()

    def let_it_end(_: OSError) -> None:
        os.write(writer, b"go on\n")

    with root.workspace(quota="1 MB", enforce="watched", on_exceeded=let_it_end) as ws:
        done = ws.run(sh(f"{_FILL} read line; echo $line"), stdin=reader, stdout=subprocess.PIPE)
        assert done.stdout == b"go on\n"
    os.close(reader)
    os.close(writer)


def test_several_commands_are_all_ended(root: Root) -> None:
    raised: list[BaseException] = []
    with root.workspace(quota="1 MB", enforce="watched", on_exceeded=lambda _: None) as ws:

        def work(script: str) -> None:
            try:
                ws.run(sh(script))
            except QuotaExceeded as error:
                raised.append(error)

        scripts = ["exec sleep 1000", "exec sleep 1000", f"{_FILL} exec sleep 1000"]
        threads = [threading.Thread(target=work, args=(script,)) for script in scripts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert others_in(ws) == []
    assert [type(error) for error in raised] == [QuotaExceeded] * 3


def test_nobody_watches_any_more_so_nothing_is_started(root: Root) -> None:
    told: list[OSError] = []
    with root.workspace(quota="1 MB", enforce="watched", on_exceeded=told.append) as ws:
        (ws / "first").write_bytes(bytes(_MUCH))
        until(lambda: len(told) == 1, "the first call")
        ws.run(["true"])  # it is told of what comes, not of what was
        (ws / "second").write_bytes(bytes(100 * 2**20))
        until(lambda: len(told) == 2, "the second call")
        with pytest.raises(QuotaExceeded):
            ws.run(["touch", "started"])
        assert not (ws / "started").exists()


def test_what_stays_below_it_is_not_affected(root: Root) -> None:
    with root.workspace(quota="10 MB", enforce="watched") as ws:
        for number in range(3):
            ws.run(["head", "-c", "1000000", "/dev/zero"], stdout=str(number))
        assert ws.run([sys.executable, "-I", "-S", "-c", "print(1)"], stdout=subprocess.PIPE).stdout == b"1\n"


# What has left the group


@pytest.mark.parametrize("how", ["stopped", "timeout", "by itself"])
def test_a_pipe_that_somebody_else_has_open_is_not_waited_for(root: Root, how: str) -> None:
    with root.workspace() as ws:
        script = 'setsid sh -c "echo \\$\\$ > started; mv started pid; exec sleep 1000" & '
        script += "until [ -e pid ]; do sleep 0.01; done; echo said; " + (
            "true" if how == "by itself" else "sleep 1000"
        )
        command = Command(
            ws._tenure,
            ["sh", "-c", script],
            stdout=subprocess.PIPE,
            grace=0.2,
            timeout=1 if how == "timeout" else None,
        )
        if how == "by itself":
            assert command.run().stdout == b"said\n"
        elif how == "timeout":
            with pytest.raises(subprocess.TimeoutExpired):
                command.run()
        else:
            error = ZeroDivisionError("stopped")

            def stop() -> None:
                until((ws / "pid").exists, "the pid")
                command.stop(error)

            stopper = threading.Thread(target=stop)
            stopper.start()
            with pytest.raises(ZeroDivisionError, match="stopped"):
                command.run()
            stopper.join()
        pid = int((ws / "pid").read_text())
        if is_gone(pid):
            assert how != "by itself", "nobody could know of it any more"
        else:
            os.kill(pid, signal.SIGKILL)


def test_a_workspace_that_ended_meanwhile_is_not_said_to_be_kept(root: Root) -> None:
    ws = root.workspace()
    reading, writing = os.pipe()

    def end() -> None:
        until((ws / "ready").exists, "the command")
        ws.cleanup()
        os.close(writing)

    ender = threading.Thread(target=end)
    ender.start()
    with pytest.raises(CommandFailed) as caught:
        ws.run(["sh", "-c", "touch ready; read line; exit 3"], stdin=reading)
    ender.join()
    os.close(reading)
    assert not caught.value.is_kept
    assert "kept" not in str(caught.value)
    assert "it has ended" in caught.value.__notes__[0]
    with pytest.raises(WorkspaceGone):
        ws.keep()
    assert [name for name in os.listdir(root.path) if name.endswith(".json")] == []


def test_a_terminal_is_refused_as_it_would_hang(root: Root) -> None:
    controller, terminal = os.openpty()
    with root.workspace() as ws, pytest.raises(ValueError, match="can't read a terminal"):
        ws.run(["cat"], stdin=terminal)
    os.close(controller)
    os.close(terminal)


def test_words_that_are_bytes_are_shown(root: Root) -> None:
    with root.workspace() as ws, pytest.raises(CommandFailed, match="'false' exited with status 1"):
        ws.run([b"false"])  # type: ignore[list-item]


def test_what_it_reads_is_text_with_an_encoding(root: Root) -> None:
    with root.workspace() as ws, pytest.raises(TypeError, match="is a str"):
        ws.run(["cat"], input=b"x", encoding="utf-8")
