"""What is particular to a root whose leases are files; the `root` fixture runs the other tests with both kinds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from scratchwork import Root, Workspace
from scratchwork.system import locks
from tests.helpers_programs import kill, running
from tests.roots import deaths
from tests.roots.test_workspace import HOLD


@pytest.fixture
def root(temp: Path) -> Root:
    Path(Root("app").path, "root.conf").write_text("lease=file\n")
    root = Root("app")
    assert root._store.leases.kind == "file"
    return root


def left(root: Root) -> list[str]:
    return [name for name in os.listdir(root.path) if not root._store.is_own_file(name)]


def test_the_lock_file_is_ours_alone_and_goes_with_the_workspace(root: Root) -> None:
    with root.workspace() as ws:
        assert stat.S_IMODE(os.stat(f"{ws}.lock").st_mode) == 0o600
        assert sorted(left(root)) == [ws.name, ws.name + ".lock"]
        (ws / "file").touch()
    assert left(root) == []


@pytest.mark.parametrize("keep", ["never", "failure", "always"])
def test_a_killed_ones_lock_file_goes_when_it_goes(root: Root, keep: str) -> None:
    with running(HOLD, keep) as (process, (path,)):
        assert root.sweep().alive == 1
        with Workspace.attach(path):
            kill(process)
            assert root.sweep().alive == 1
        assert Path(path, "file").exists()
    swept = root.sweep()
    assert len(swept.removed if keep == "never" else swept.kept) == 1
    if keep != "never":
        assert sorted(left(root)) == [os.path.basename(path) + end for end in ("", ".json", ".lock")]
        root.remove(os.path.basename(path))
    assert left(root) == []


def test_killed_between_the_lock_file_and_the_directory(root: Root) -> None:
    Path(root.path, "job-1-1-0123456789.lock").touch()
    root.sweep()
    assert left(root) == []


def test_a_lock_file_that_is_held_but_has_no_directory_yet_is_left(root: Root) -> None:
    path = Path(root.path, "job-1-1-0123456789.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    assert locks.shared(descriptor)
    root.sweep()
    assert path.exists()
    os.close(descriptor)
    root.sweep()
    assert not path.exists()


def test_one_whose_lock_file_somebody_removed_is_left(root: Root) -> None:
    """Nobody could tell whether it is alive."""
    (path,) = deaths.leave("app")
    os.unlink(path + ".lock")
    assert [name for name, _ in root.sweep().skipped] == [os.path.basename(path)]
    assert [found.state for found in root.workspaces()] == ["unknown"]
    assert Path(path, "file").exists()


def test_many_dead_ones(root: Root) -> None:
    deaths.leave("app", "never", 40)
    assert len(root.sweep().removed) == 40
    assert left(root) == []
