from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scratchwork import Root
from scratchwork.roots import ledger
from scratchwork.roots.ledger import Ended

LINE = Ended('a "label" ä', "cleaned", 3, 4096, 1.5, 42, "why\\not", "name-1-1-0123456789", 1e9)


def test_each_line_is_json_with_what_was_told(root: Root) -> None:
    with root.workspace("nightly"):
        pass
    (line,) = Path(root.path, "ledger.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert set(told) == {"label", "outcome", "bytes", "files", "seconds", "pid", "why", "name", "ended"}


def test_what_is_written_is_read(root: Root) -> None:
    root._store.ledger.append(LINE, LINE)
    assert root.history() == [LINE, LINE]


RUBBISH = [
    b"",
    b"\n",
    b"{",
    b"\x00" * 5000,
    b"[1,2]",
    b"null",
    b"[" * 100_000,
    b'{"label": "x"}',
    LINE.line()[:40],
    LINE.line().replace(b"cleaned", b"eaten"),
    LINE.line().replace(b"4096", b'"much"'),
    os.urandom(3000),
]


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_and_torn_lines_are_skipped(temp: Path, rubbish: bytes) -> None:
    root = Root("app")
    Path(root.path, "ledger.jsonl").write_bytes(
        LINE.line() + rubbish.replace(b"\n", b"") + b"\n" + LINE.line() + rubbish
    )
    root = Root("app")
    with root.workspace("after"):
        pass
    assert [ended.label for ended in root.history()] == [LINE.label, LINE.label, "after"]


def test_it_is_rotated_and_many_writers_lose_nothing(temp: Path) -> None:
    program = """
import sys
from scratchwork import Root
from scratchwork.roots import ledger
ledger.ROTATE_AT = 100_000
ledger._CHECK_EVERY = 0.0
store = Root("app")._store
for number in range(400):
    store.ledger.append(ledger.Ended(sys.argv[1], "cleaned", number, 0, 0.0, 1, "", "name", 0.0))
"""
    root = Root("app")
    writers = [subprocess.Popen([sys.executable, "-c", program, str(number)]) for number in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    found = [(ended.label, ended.files) for ended in root.history()]
    assert len(found) == len(set(found)) == 1600
    assert Path(root.path, ledger.ROTATED).exists()


def test_a_ledger_that_can_not_be_written_stops_nothing(root: Root) -> None:
    Path(root.path, "ledger.jsonl").mkdir()
    with root.workspace() as ws:
        (ws / "file").touch()
    assert not ws.path.exists()


def test_it_is_never_swept(root: Root) -> None:
    with root.workspace():
        pass
    assert root.sweep().skipped == []
    assert {"ledger.jsonl", "root.conf"} <= set(os.listdir(root.path))
