"""What is lent, when it is not given back in time, and what can't be lent."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scratchwork import Root, Workspace, WorkspaceGone
from tests.helpers_leftovers import open_descriptors
from tests.helpers_processes import PATIENCE
from tests.helpers_programs import kill, python, running
from tests.roots.lent import BORROW, cleaning, left_in, when_looked_for, with_a_file


@pytest.fixture
def ws(root: Root) -> Iterator[Workspace]:
    with with_a_file(root) as workspace:
        yield workspace


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    return when_looked_for(monkeypatch)


# The time limit


def test_when_the_time_is_over_it_goes_and_the_log_tells_what_was_lent_and_to_whom(
    ws: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    (ws / "sub").mkdir()
    with running(BORROW, str(ws)) as (process, _), ws.lend("file"), ws.lend("sub"):
        with caplog.at_level(logging.WARNING, "scratchwork"):
            ws.cleanup(wait=0.02)
        assert not ws.path.exists()
        (record,) = caplog.records
        assert (record.name, record.levelname) == ("scratchwork", "WARNING")
        message = record.getMessage()
        assert message.startswith(f"{ws}: it is removed although it is in use, after 0.02 s of waiting: lent are ")
        assert "'file' by this process, " in message
        assert "'sub' by this process, " in message
        command = Path(f"/proc/{process.pid}/comm").read_text().strip()
        assert f"something by process {process.pid} ({command})" in message


def test_without_waiting_it_goes_at_once(ws: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    with ws.lend("file"):
        ws.cleanup(wait=0)
        assert not ws.path.exists()
    assert "after 0 s of waiting: lent are 'file' by this process" in caplog.text


# In the background


def join_workers() -> None:
    for thread in threading.enumerate():
        if thread.name == "scratchwork-cleanup":
            thread.join()


def test_in_the_background_its_name_stays_until_then(ws: Workspace, waits: threading.Event) -> None:
    loan = ws.lend("file")
    ws.cleanup(background=True)
    assert waits.is_set()
    waits.clear()
    assert waits.wait(PATIENCE), "the thread looks again and again"
    assert loan.path.read_text() == "content"
    loan.release()
    join_workers()
    assert not ws.path.exists()


def test_in_the_background_without_a_loan_it_goes_at_once(ws: Workspace, waits: threading.Event) -> None:
    with ws.lend("file"):
        pass
    ws.cleanup(background=True)
    assert not ws.path.exists()
    assert not waits.is_set()
    join_workers()


def test_in_the_background_the_time_is_limited_too(ws: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    with ws.lend("file"):
        ws.cleanup(background=True, wait=0.02)
        join_workers()
        assert not ws.path.exists()
    assert "after 0.02 s of waiting: lent are 'file' by this process" in caplog.text


def test_killed_while_it_waits_in_the_background_all_is_swept(temp: Path) -> None:
    program = """
import scratchwork
ws = scratchwork.Root("app").workspace()
(ws / "file").touch()
loan = ws.lend("file")
ws.cleanup(background=True)
print(ws, flush=True)
input()
"""
    root = Root("app")
    with running(program) as (process, (path,)):
        assert os.path.exists(path)
        assert root.sweep().alive == 1
        kill(process)
    assert len(root.sweep().removed) == 1
    assert left_in(root) == []


# The end of a process


@pytest.mark.parametrize("end", ["", "ws.cleanup(background=True, wait=3)"], ids=["left", "in the background"])
def test_a_process_that_exits_gives_back_its_own(temp: Path, end: str) -> None:
    """It does not wait for itself, which the log would tell."""
    program = f"""
import logging, warnings, scratchwork
logging.basicConfig()
warnings.simplefilter("ignore")
ws = scratchwork.Root("app").workspace()
(ws / "file").touch()
loan = ws.lend("file")
{end}
"""
    assert python(program).stderr == ""
    root = Root("app", sweep_first=False)
    assert [ended.outcome for ended in root.history()] == ["cleaned"]
    assert left_in(root) == []


def test_killed_it_leaves_nothing_after_a_sweep(root: Root) -> None:
    program = """
import os, signal, scratchwork
ws = scratchwork.Root("app").workspace()
(ws / "file").touch()
loan = ws.lend("file")
print(ws, flush=True)
input()
"""
    with running(program) as (process, _):
        assert [name for name in left_in(root) if name.endswith(".lent")]
        kill(process)
    assert len(root.sweep().removed) == 1
    assert left_in(root) == []


# What can't be lent


def test_of_what_has_ended_nothing_is_lent(root: Root) -> None:
    ws = root.workspace()
    (ws / "file").touch()
    attached = Workspace.attach(ws)
    with ws.lend("file"):
        pass
    ws.cleanup()
    for held in (ws, attached):
        with pytest.raises(WorkspaceGone):
            held.lend("file")
    attached.release()
    assert left_in(root) == []


@pytest.mark.parametrize("was_lent_before", [True, False])
def test_of_what_is_being_removed_nothing_is_lent(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch, was_lent_before: bool
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    kind = type(ws._store.leases)
    remove = kind.remove

    def wait_and_remove(*arguments: object) -> object:
        begun.set()
        assert go_on.wait(PATIENCE)
        return remove(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "remove", wait_and_remove)
    if was_lent_before:
        ws.lend("file").release()
    thread = cleaning(ws)
    assert begun.wait(PATIENCE)
    try:
        with pytest.raises(WorkspaceGone):
            ws.lend("file").release()
    finally:
        go_on.set()
        thread.join()


def test_bad_names_are_told_and_nothing_is_lent(ws: Workspace, waits: threading.Event) -> None:
    before = open_descriptors()
    for name in ("none", "none/file", "sub/none"):
        with pytest.raises(FileNotFoundError) as caught:
            ws.lend(name)
        assert not isinstance(caught.value, WorkspaceGone)
    for name in ("../x", "/etc/passwd", "", ".", "sub/../.."):
        with pytest.raises(ValueError, match="does not lie in the workspace"):
            ws.lend(name)
    with pytest.raises(NotADirectoryError):
        ws.lend("file/below")
    with pytest.raises(TypeError):
        ws.lend(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="embedded null"):
        ws.lend("a\0b")
    assert open_descriptors() == before
    ws.cleanup()
    assert not waits.is_set()


# What lies beside the workspace


@pytest.mark.parametrize("lend", [True, False], ids=["lent", "asked for what is not there"])
@pytest.mark.parametrize("background", [True, False])
def test_nothing_stays_of_an_empty_workspace(root: Root, lend: bool, background: bool) -> None:
    """It is removed by a quicker way."""
    ws = root.workspace()
    if lend:
        (ws / "file").touch()
        with ws.lend("file") as path:
            pass
        path.unlink()
    else:
        with pytest.raises(FileNotFoundError):
            ws.lend("none")
    ws.cleanup(background=background)
    join_workers()
    assert left_in(root) == []
