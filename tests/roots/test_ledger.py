from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scratchwork import CleanupIncomplete, Root
from scratchwork.roots import ledger
from scratchwork.roots.ledger import Ended
from scratchwork.system import locks
from scratchwork.system.trees import Removal
from tests.roots import deaths

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
    LINE.line().replace(b"4096", b"NaN"),
    LINE.line().replace(b"4096", b"9" * 5000),
    LINE.line().replace(b"4096", b"-1"),
    LINE.line().replace(b"4096", b"null"),
    LINE.line().replace(b"1000000000.000", b"1e300"),
    LINE.line().replace(b"1000000000.000", b"Infinity"),
    b"x" * 5_000_000,
    os.urandom(3000),
]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_and_torn_lines_are_skipped(temp: Path, rubbish: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "ROTATE_AT", 10**9)
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
from scratchwork import CleanupIncomplete, Root
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


def test_every_outcome_is_told(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaths.leave("app")
    root = Root("app")
    with root.workspace("one"):
        pass
    with root.workspace("two", keep="always"):
        pass
    ws = root.workspace("three")
    (ws / "file").touch()
    removal = Removal()
    removal.failed("file", OSError("it will not go"))
    with monkeypatch.context() as patched:
        patched.setattr(type(root._store.leases), "remove", lambda *_: removal)
        with pytest.raises(CleanupIncomplete, match="file: it will not go"):
            ws.cleanup()
    told = [(ended.label, ended.outcome, ended.why) for ended in root.history()]
    assert told == [
        ("dead", "reclaimed", "its process died"),
        ("one", "cleaned", ""),
        ("two", "kept", "asked for"),
        ("three", "failed", "file: it will not go"),
    ]


def _count_writes(monkeypatch: pytest.MonkeyPatch, *, torn_at: int = -1) -> list[bytes]:
    """See what is written; the write with number `torn_at` is cut short, as on a disk that has just become full."""
    write, written = os.write, []

    def count(descriptor: int, data: bytes) -> int:
        written.append(data)
        return write(descriptor, data[:20] if len(written) - 1 == torn_at else data)

    monkeypatch.setattr(os, "write", count)
    return written


def test_one_line_is_one_write(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    written = _count_writes(monkeypatch)
    for _ in range(3):
        with root.workspace():
            pass
    assert [data.count(b"\n") for data in written if b"outcome" in data] == [1, 1, 1]


def test_after_a_torn_line_the_next_begins_anew(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    _count_writes(monkeypatch, torn_at=1)
    for _ in range(3):
        root._store.ledger.append(LINE)
    assert root.history() == [LINE, LINE]


def test_control_without_closing_the_torn_line_one_more_is_lost(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_begin_line", lambda _: None)
    _count_writes(monkeypatch, torn_at=1)
    for _ in range(3):
        root._store.ledger.append(LINE)
    assert root.history() == [LINE]


def test_threads_that_begin_and_rotate_at_once_lose_nothing(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many lines as fit into the file and the one before; every thread looks, and rotates, at each line."""
    monkeypatch.setattr(ledger, "ROTATE_AT", 800 * len(LINE.line()))
    monkeypatch.setattr(ledger, "_CHECK_EVERY", -1.0)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    before = len(os.listdir("/proc/self/fd"))
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        for _ in range(125):
            root._store.ledger.append(LINE)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert len(root.history()) == 1000
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    assert Path(root.path, ledger.ROTATED).exists()


def _rotate_while_another_does(root: Root, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let a second writer rotate the file after the first found it too long; return how many lines of 13 are left."""
    monkeypatch.setattr(ledger, "ROTATE_AT", 10 * len(LINE.line()))
    monkeypatch.setattr(ledger, "_CHECK_EVERY", -1.0)
    first, second = root._store.ledger, Root("app")._store.ledger
    first.append(*[LINE] * 9)
    exclusive = locks.exclusive
    called: list[int] = []

    def interrupted(descriptor: int) -> bool:
        if not called:
            called.append(descriptor)
            second.append(LINE, LINE)
        return exclusive(descriptor)

    monkeypatch.setattr(locks, "exclusive", interrupted)
    first.append(LINE, LINE)
    return len(root.history())


def test_of_two_that_rotate_at_once_one_does(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _rotate_while_another_does(Root("app"), monkeypatch) == 13


def test_control_without_looking_again_under_the_lock_lines_are_lost(
    temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Root("app")

    def rotate(self: ledger.Ledger, _: int) -> bool:
        locks.exclusive(self._open().fd)
        self._folder.rename(ledger.FILE, ledger.ROTATED)
        return True

    monkeypatch.setattr(ledger.Ledger, "_rotate", rotate)
    assert _rotate_while_another_does(root, monkeypatch) < 13


def test_a_file_that_somebody_removed_is_begun_again(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_CHECK_EVERY", -1.0)
    root._store.ledger.append(LINE)
    os.unlink(os.path.join(root.path, ledger.FILE))
    root._store.ledger.append(LINE)
    assert root.history() == [LINE]
