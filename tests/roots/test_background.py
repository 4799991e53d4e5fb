from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from scratchwork import Root, Workspace
from scratchwork.system.trees import Removal
from tests.helpers_programs import kill, python, running


class Gate:
    """Holds a removal up until it is let go."""

    def __init__(self, root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.open = threading.Event(), threading.Event()
        kind = type(root._store.leases)
        remove = kind.remove

        def wait_and_remove(*arguments: Any) -> Removal:
            self.begun.set()
            assert self.open.wait(30)
            return remove(*arguments)

        monkeypatch.setattr(kind, "remove", wait_and_remove)

    def pass_through(self) -> None:
        self.open.set()
        for thread in threading.enumerate():
            if thread.name == "scratchwork-cleanup":
                thread.join()


def filled(root: Root) -> Workspace:
    ws = root.workspace()
    (ws / "directory").mkdir()
    for number in range(10):
        (ws / "directory" / str(number)).touch()
    return ws


def test_while_it_goes_on_no_sweep_takes_it(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(root, monkeypatch)
    ws = filled(root)
    ws.cleanup(background=True)
    assert gate.begun.wait(30)
    assert not ws.path.exists()
    assert os.path.exists(f"{ws}.gone")
    assert root.workspaces() == []
    assert root.sweep().alive == 1
    gate.pass_through()
    assert not [name for name in os.listdir(root.path) if not root._store.is_own_file(name)]
    (ended,) = root.history()
    assert (ended.outcome, ended.files) == ("cleaned", 10)


def test_ending_again_meanwhile_does_not_take_its_lease_away(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(root, monkeypatch)
    with filled(root) as ws:
        ws.cleanup(background=True)
        assert gate.begun.wait(30)
    ws.cleanup()
    ws.end("failed")
    assert ws.fileno() >= 0
    assert root.sweep().alive == 1
    gate.pass_through()
    assert ws.fileno() == -1
    assert [ended.outcome for ended in root.history()] == ["cleaned"]


def test_control_with_its_lease_taken_away_something_else_is_removed(
    temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another directory gets the number of the closed descriptor, and is taken for the workspace."""
    precious = temp / "precious"
    precious.mkdir()
    (precious / "canary").touch()
    root = Root("app")
    gate = Gate(root, monkeypatch)
    ws = filled(root)
    number = ws.fileno()
    ws.cleanup(background=True)
    assert gate.begun.wait(30)
    monkeypatch.setattr(type(ws._tenure.lease), "fileno", lambda _: number)
    os.close(number)
    ws._tenure.lease._fd = -1
    assert os.open(precious, os.O_RDONLY) == number
    try:
        gate.pass_through()
        assert not (precious / "canary").exists()
    finally:
        os.close(number)
        shutil.rmtree(precious)


def test_threads_that_end_it_at_once_end_it_once(root: Root) -> None:
    for _ in range(30):
        ws = filled(root)
        barrier = threading.Barrier(4)

        def work(ws: Workspace = ws, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            ws.cleanup()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not ws.path.exists()
    assert [(ended.outcome, ended.files) for ended in root.history()] == [("cleaned", 10)] * 30


def test_the_interpreter_waits_for_it(temp: Path) -> None:
    program = """
from scratchwork import Root
ws = Root("app").workspace()
for number in range(2000): (ws / str(number)).touch()
ws.cleanup(background=True)
"""
    assert python(program).stderr == ""
    root = Root("app", sweep_first=False)
    assert not [name for name in os.listdir(root.path) if not root._store.is_own_file(name)]
    assert [(ended.outcome, ended.files) for ended in root.history()] == [("cleaned", 2000)]


def test_without_a_thread_to_be_had_it_is_done_at_once(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    ws = filled(root)
    ws.cleanup(background=True)
    assert [ended.files for ended in root.history()] == [10]
    assert ws.fileno() == -1


def test_at_exit_too(temp: Path) -> None:
    program = """
import atexit
from scratchwork import Root
ws = Root("app").workspace()
(ws / "file").touch()
atexit.register(lambda: ws.cleanup(background=True))
"""
    assert python(program).stderr == ""
    assert [ended.outcome for ended in Root("app").history()] == ["cleaned"]


def test_kept_ones_stay_where_they_are(root: Root) -> None:
    ws = root.workspace(keep="always")
    (ws / "file").touch()
    ws.cleanup(background=True)
    assert (ws / "file").exists()
    assert [found.state for found in root.workspaces()] == ["kept"]


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_killed_meanwhile_the_rest_is_swept(temp: Path, kind: str) -> None:
    Path(Root("app").path, "root.conf").write_text(f"lease={kind}\n")
    program = """
from scratchwork import Root
root = Root("app")
ws = root.workspace("a label that needs a record", keep="failure")
for number in range(10): (ws / str(number)).touch()
type(root._store.leases).remove = lambda *_: (print("removing", flush=True), input())
ws.cleanup(background=True)
"""
    with running(program) as (process, _):
        root = Root("app")
        assert root.sweep().alive == 1
        kill(process)
    (ended,) = root.sweep().removed
    assert ended.files == 10
    root.sweep()
    assert not [name for name in os.listdir(root.path) if not root._store.is_own_file(name)]
