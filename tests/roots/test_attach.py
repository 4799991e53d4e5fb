from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

import scratchwork
from scratchwork import Root, UntrustedRoot, Workspace, WorkspaceGone
from scratchwork.roots.records import Records
from tests.helpers_programs import kill, running
from tests.roots import deaths
from tests.roots.test_workspace import HOLD


def test_either_holder_keeps_it_alive(root: Root) -> None:
    ws = root.workspace()
    attached = Workspace.attach(ws)
    again = scratchwork.Attached(str(ws))
    assert attached.path == ws.path
    assert os.fspath(attached) == os.fspath(ws)
    attached.release()
    attached.release()
    assert attached.fileno() == -1
    assert root.sweep().alive == 1
    again.release()
    assert root.sweep().alive == 1
    ws.cleanup()
    assert root.workspaces() == []


def test_killed_its_owner_leaves_it_to_who_attached(temp: Path) -> None:
    with running(HOLD, "never") as (process, (path,)):
        with Workspace.attach(path) as attached:
            kill(process)
            assert Root("app").sweep().alive == 1
            assert (attached / "file").read_text() == "content"
            assert attached.usage().files == 1
        assert Path(path).exists(), "letting go removes nothing"
        assert len(Root("app", sweep_first=False).sweep().removed) == 1


def test_control_a_lease_that_is_not_held_keeps_nothing(temp: Path) -> None:
    with running(HOLD, "never") as (process, (path,)):
        attached = Workspace.attach(path)
        attached._lease.release()
        kill(process)
        assert len(Root("app", sweep_first=False).sweep().removed) == 1
    assert not Path(path).exists()


def test_it_is_kept_when_who_attached_asks_for_it(temp: Path) -> None:
    with running(HOLD, "never") as (process, (path,)):
        with Workspace.attach(path) as attached:
            attached.keep("look at\nthis")
        kill(process)
    (found,) = Root("app").workspaces()
    assert (found.state, found.why) == ("kept", "look at this")


def test_the_owner_heeds_it_too(root: Root) -> None:
    with root.workspace("a long label that is shortened") as ws:
        (ws / "file").touch()
        with Workspace.attach(ws) as attached:
            attached.keep("later")
    (found,) = root.workspaces()
    assert (found.state, found.why, found.label) == ("kept", "later", "a long label that is shortened")


def test_control_without_asking_it_is_removed(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Records, "ask_to_keep", lambda *_: None)
    with root.workspace() as ws:
        (ws / "file").touch()
        with Workspace.attach(ws) as attached:
            attached.keep("later")
    assert not ws.path.exists()


def test_the_owners_will_goes_first(root: Root) -> None:
    ws = root.workspace()
    with Workspace.attach(ws):
        ws.cleanup()
        assert not ws.path.exists()


def test_what_was_refused_leaves_no_descriptor(temp: Path) -> None:
    (dead,) = deaths.leave("app")
    gc.collect()  # what earlier tests left is given back now, not meanwhile
    before = os.listdir("/proc/self/fd")
    for path in (dead, dead + "x", os.path.dirname(dead), temp, "/", "", temp / "none" / "job-1-1-0123456789"):
        with pytest.raises(WorkspaceGone):
            Workspace.attach(path)
    assert Path(dead, "file").exists()
    assert os.listdir("/proc/self/fd") == before
    os.chmod(os.path.dirname(dead), 0o755)
    with pytest.raises(UntrustedRoot):
        Workspace.attach(dead)
    assert os.listdir("/proc/self/fd") == before


def test_a_link_to_a_workspace_is_none(root: Root) -> None:
    with root.workspace() as ws:
        link = Path(root.path, "link-1-1-0123456789")
        link.symlink_to(ws.path)
        with pytest.raises((WorkspaceGone, OSError)):
            Workspace.attach(link)
        link.unlink()
