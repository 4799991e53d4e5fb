from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scratchwork import Root, WorkspaceAlive
from scratchwork.roots import root as root_module
from scratchwork.system import locks
from scratchwork.system.leases.directory import DirectoryLeases
from tests.roots import deaths

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to change owners")


def test_what_is_alive_is_never_touched(root: Root) -> None:
    with root.workspace() as ws:
        (ws / "file").touch()
        for _ in range(20):
            assert root.sweep().alive == Root("app").sweep().alive == 1
        with pytest.raises(WorkspaceAlive):
            root.remove(ws.name)
        assert (ws / "file").exists()


def test_control_without_the_lock_it_is_lost(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    with root.workspace() as ws:
        (ws / "file").touch()
        monkeypatch.setattr(locks, "exclusive", lambda _: True)
        assert len(root.sweep().removed) == 1
        assert not ws.path.exists()


def _swap_before_locking(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put another, empty directory in the place of a workspace, once a sweeper has opened it."""
    lock = locks.exclusive

    def swap_first(descriptor: int) -> bool:
        if not path.with_suffix(".old").exists():
            path.rename(path.with_suffix(".old"))
            path.mkdir(mode=0o700)
        return lock(descriptor)

    monkeypatch.setattr(locks, "exclusive", swap_first)


def test_a_name_that_leads_elsewhere_by_now_is_left(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(*deaths.leave("app"))
    root = Root("app", sweep_first=False)
    _swap_before_locking(path, monkeypatch)
    assert root.sweep().removed == []
    assert path.exists()
    shutil.rmtree(path.with_suffix(".old"))


def test_control_without_looking_again_the_other_is_removed(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(*deaths.leave("app"))
    root = Root("app", sweep_first=False)
    monkeypatch.setattr(DirectoryLeases, "_check_ours", lambda *_: None)
    _swap_before_locking(path, monkeypatch)
    root.sweep()
    assert not path.exists()


@needs_root
def test_what_belongs_to_somebody_else_is_left_and_named(temp: Path) -> None:
    (path,) = deaths.leave("app")
    os.chown(path, 12345, -1)
    assert Root("app").sweep().skipped == [(os.path.basename(path), "it belongs to user 12345")]
    assert Path(path, "file").exists()


def test_a_symlink_in_the_place_of_a_workspace_leads_nowhere(root: Root, temp: Path) -> None:
    outside = temp / "outside"
    outside.mkdir()
    (outside / "canary").touch()
    link = Path(root.path, "job-1-1-0123456789")
    link.symlink_to(outside)
    if root._store.leases.kind == "file":
        Path(f"{link}.lock").touch()
    assert [name for name, _ in root.sweep().skipped] == [link.name]
    assert (outside / "canary").exists()


def test_an_unknown_lock_counts_as_alive(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = deaths.leave("app")
    root = Root("app", sweep_first=False)

    def fail(_: int) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(locks, "exclusive", fail)
    assert root.sweep().skipped == [(os.path.basename(path), "Input/output error")]
    assert [(found.state, found.why) for found in root.workspaces()] == [("unknown", "Input/output error")]
    assert Path(path, "file").exists()


def test_dry_it_tells_what_the_next_one_does_and_changes_nothing(temp: Path) -> None:
    deaths.leave("app", "never", 3)
    deaths.leave("app", "failure", 2)
    root = Root("app", sweep_first=False)
    Path(root.path, "orphan-1-1-0123456789.json").write_text("{}")

    def everything() -> dict[str, tuple[float, int]]:
        found = {}
        for where, directories, files in os.walk(root.path):
            for name in directories + files:
                status = os.stat(os.path.join(where, name))
                found[os.path.join(where, name)] = (status.st_mtime, status.st_size)
        return found

    before = everything()
    dry = root.sweep(dry_run=True)
    assert everything() == before
    wet = root.sweep()
    for attribute in ("removed", "kept"):
        told, done = getattr(dry, attribute), getattr(wet, attribute)
        assert {ended.name for ended in told} == {ended.name for ended in done}
    assert (dry.files, dry.bytes, len(dry.kept)) == (wet.files, wet.bytes, 2)
    assert [ended.outcome for ended in root.history()].count("reclaimed") == 3
    assert not Path(root.path, "orphan-1-1-0123456789.json").exists()


def test_one_that_is_out_of_time_is_taken_up_by_the_next(temp: Path) -> None:
    (path,) = deaths.leave("app")
    for number in range(3000):
        Path(path, str(number)).touch()
    root = Root("app", sweep_first=False)
    assert not root.sweep(seconds=0.001).complete
    assert [found.state for found in root.workspaces()] == ["dead"]
    assert root.sweep().complete
    assert not Path(path).exists()
    assert [ended.outcome for ended in root.history()] == ["reclaimed"]


def test_opening_is_bounded_too(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = deaths.leave("app")
    monkeypatch.setattr(root_module, "OPENING_SWEEP_SECONDS", -1.0)
    Root("app")
    assert Path(path).exists()


def test_progress_reaches_the_end(temp: Path) -> None:
    deaths.leave("app", "never", 3)
    calls: list[tuple[int, int]] = []
    root = Root("app", sweep_first=False)
    root.sweep(progress=lambda done, total: calls.append((done, total)))
    assert calls == [(number, len(calls)) for number in range(1, len(calls) + 1)]
    assert len(calls) >= 3


def test_processes_that_sweep_at_once_take_each_one_once(temp: Path) -> None:
    paths = deaths.leave("app", "never", 100)
    program = """
import sys
from scratchwork import Root
root = Root("app", sweep_first=False)
print("ready", flush=True)
sys.stdin.readline()
print(*[ended.name for ended in root.sweep().removed])
"""
    sweepers = [
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for sweeper in sweepers:
        assert sweeper.stdout is not None
        assert sweeper.stdout.readline() == "ready\n"
    for sweeper in sweepers:
        assert sweeper.stdin is not None
        sweeper.stdin.write("go\n")
        sweeper.stdin.flush()
    removed = [name for sweeper in sweepers for name in sweeper.communicate()[0].split()]
    assert sorted(removed) == sorted(os.path.basename(path) for path in paths)
    assert sorted(ended.name for ended in Root("app").history()) == sorted(removed)


def test_its_own_files_are_never_removed(root: Root) -> None:
    own = {"ledger.jsonl", "ledger.1.jsonl", "root.conf"}
    for name in own:
        Path(root.path, name).touch()
    assert root.sweep().skipped == []
    assert own <= set(os.listdir(root.path))


def test_foreign_things_are_named_whatever_they_are_called(root: Root) -> None:
    foreign = ["x", "my report-1-1-0123456789", "a-b-c-d", "..x", ".json", "job.lockx", "Foto-Äh", "a-B-1-0123456789"]
    for name in foreign:
        Path(root.path, name).mkdir()
    assert sorted(name for name, _ in root.sweep().skipped) == sorted(foreign)
    assert set(foreign) <= set(os.listdir(root.path))
