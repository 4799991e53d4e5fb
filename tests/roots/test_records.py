from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from scratchwork import Root
from scratchwork.roots.records import Record, Records
from scratchwork.system.folders import Folder
from tests.roots import deaths

KEPT: dict[str, Any] = {
    "label": "x",
    "keep": "always",
    "why": "y",
    "since": 1.0,
    "until": 9e9,
    "files": 1,
    "bytes": 1,
}
WRONG: list[dict[str, Any]] = [
    {"bytes": None},
    {"files": None},
    {"bytes": "many"},
    {"bytes": float("nan")},
    {"bytes": -1},
    {"until": float("inf")},
    {"until": 1e300},
    {"until": "tomorrow"},
    {"until": None},
    {"since": None},
    {"since": [1]},
    {"keep": "sometimes"},
    {"keep": ["always"]},
    {"label": 7},
    {"why": None},
    {"extra": 1},
]


@pytest.mark.parametrize("change", WRONG, ids=repr)
def test_a_record_of_wrong_values_keeps_the_workspace_and_stops_no_sweep(temp: Path, change: dict[str, Any]) -> None:
    (path,) = deaths.leave("app")
    Path(path + ".json").write_text(json.dumps(KEPT | change))
    root = Root("app")
    swept = root.sweep()
    assert (swept.retained, swept.removed) == (1, [])
    assert Path(path, "file").exists()
    (found,) = root.workspaces()
    assert (found.state, found.why) == ("kept", "its record can't be read")


def test_the_right_values_are_read(temp: Path) -> None:
    (path,) = deaths.leave("app")
    Path(path + ".json").write_text(json.dumps(KEPT))
    (found,) = Root("app").workspaces()
    assert (found.state, found.why, found.label, found.until) == ("kept", "y", "x", 9e9)


def test_control_taken_for_none_a_rubbish_record_loses_the_workspace(
    temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = deaths.leave("app")
    Path(path + ".json").write_text("rubbish")
    monkeypatch.setattr(Records, "_unreadable", lambda *_: None)
    Root("app").sweep()
    assert not Path(path).exists()


@pytest.mark.parametrize("kind", ["directory", "symlink"])
def test_a_record_that_can_not_even_be_opened_keeps_it_too(temp: Path, kind: str) -> None:
    (path,) = deaths.leave("app")
    (temp / "elsewhere").write_text("{}")
    record = Path(path + ".json")
    record.mkdir() if kind == "directory" else record.symlink_to(temp / "elsewhere")
    swept = Root("app").sweep()
    assert [name for name, _ in swept.skipped] == [os.path.basename(path)]
    assert Path(path, "file").exists()
    assert (temp / "elsewhere").exists()


def _sweep_an_old_listing(root: Root, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweep as one does that listed the record of a workspace, but not the workspace itself."""
    entry = name + ".json"
    with monkeypatch.context() as patched:
        patched.setattr(Folder, "names", lambda _: [entry])
        root.sweep()


def test_the_record_of_a_workspace_that_was_not_listed_is_left(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    with root.workspace(keep="failure") as ws:
        _sweep_an_old_listing(root, ws.name, monkeypatch)
        assert os.path.exists(f"{ws}.json")


def test_control_without_a_second_look_it_is_lost(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise FileNotFoundError

    with root.workspace(keep="failure") as ws:
        with monkeypatch.context() as patched:
            patched.setattr(Folder, "status", gone)
            _sweep_an_old_listing(root, ws.name, monkeypatch)
        assert not os.path.exists(f"{ws}.json")


def test_a_half_written_record_of_a_dead_writer_goes_with_its_workspace(root: Root) -> None:
    with root.workspace(keep="failure") as ws:
        torn = Path(f"{ws}.json.0123456789")
        torn.write_text("{")
        root.sweep()
        assert torn.exists()
    root.sweep()
    assert not torn.exists()


def test_a_long_reason_is_cut_and_in_one_line(root: Root) -> None:
    with root.workspace() as own:
        own.keep("a\nb " + "x" * 100_000)
    with root.workspace() as other:
        (other / "file").touch()
        Root("app").keep(other.name, "c\nd " + "x" * 100_000)
    for found in root.workspaces():
        assert found.why[:4] in {"a b ", "c d "}
        assert len(found.why) < 1000


def test_writing_replaces_and_leaves_nothing_beside(root: Root) -> None:
    records = root._store.records
    with root.workspace() as ws:
        for why in ("one", "two"):
            records.write(ws.name, Record("x", "failure", why=why))
        read = records.read(ws.name)
        assert read is not None
        assert read.why == "two"
        assert [name for name in os.listdir(root.path) if ".json." in name] == []
        records.remove(ws.name)
        records.remove(ws.name)
        assert records.read(ws.name) is None
