from __future__ import annotations

import os
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchwork import InvalidLabel, Root, WorkspaceGone
from scratchwork.roots import labels
from scratchwork.system import names

GOOD = st.text(min_size=1, max_size=labels.MOST_CHARACTERS).filter(
    lambda text: text.isprintable() and not {"/", "\\"} & set(text)
)
SAFE = frozenset(string.ascii_letters + string.digits + "_-")


@given(label=GOOD, pid=st.integers(0, 2**32))
def test_what_is_composed_is_parsed(label: str, pid: int) -> None:
    short = labels.shown(label)
    name = labels.compose(short, pid)
    assert len(short) <= labels.SHOWN
    assert SAFE.issuperset(name)
    told = labels.parse(name)
    assert told is not None
    assert (told.label, told.pid) == (short, pid)
    assert len(name) <= labels.SHOWN + 30


@given(label=st.text())
def test_a_label_is_either_refused_or_safe_in_a_path(label: str) -> None:
    try:
        short = labels.shown(label)
    except InvalidLabel:
        return
    assert 0 < len(label) <= labels.MOST_CHARACTERS
    assert short
    assert SAFE.issuperset(short)


@given(name=st.text() | st.from_regex(r"[a-z./ ]{0,9}-[0-9a-z_+ ]{0,3}-[0-9a-z]{0,3}-[0-9a-z/]{9,11}", fullmatch=True))
def test_what_is_no_name_is_not_parsed(name: str) -> None:
    told = labels.parse(name)
    if told is not None:
        assert SAFE.issuperset(name)
        assert told.created >= 0
        assert told.pid >= 0


@pytest.mark.parametrize("label", [5, None, b"job", ["a"], b""])
def test_a_label_is_text(root: Root, label: Any) -> None:
    with pytest.raises(InvalidLabel, match="a label is text"):
        root.workspace(label)
    assert root.workspaces() == []


def test_a_path_is_never_taken_for_a_name(root: Root) -> None:
    other = Root("other")
    with other.workspace(keep="always") as ws:
        pass
    name = f"../{os.path.basename(other.path)}/{ws.name}"
    with pytest.raises(WorkspaceGone):
        root.remove(name)
    with pytest.raises(WorkspaceGone):
        root.keep(name)
    assert ws.path.exists()


def test_control_without_that_check_another_root_loses_what_it_kept(
    temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(name: str) -> labels.Name | None:
        parts = name.rsplit("-", 3)
        return labels.Name(parts[0], 0, 0) if len(parts) == 4 and len(parts[3]) == names.LENGTH else None

    other = Root("other")
    with other.workspace(keep="always") as ws:
        pass
    monkeypatch.setattr(labels, "parse", parse)
    Root("app").remove(f"../{os.path.basename(other.path)}/{ws.name}")
    assert not ws.path.exists()


@pytest.mark.parametrize("name", ["ledger.jsonl", "precious", "root.conf", "..", ".", "a-b", "my-own-old-precious1l"])
def test_what_is_no_workspace_can_not_be_kept_or_removed(root: Root, name: str) -> None:
    os.makedirs(os.path.join(root.path, "precious"), exist_ok=True)
    for work in (root.keep, root.remove):
        with pytest.raises(WorkspaceGone):
            work(name)
    assert os.path.isdir(os.path.join(root.path, "precious"))
