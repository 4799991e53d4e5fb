"""What is lent to a reader: whoever ends the workspace waits until it is given back."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scratchwork import Root, Workspace
from scratchwork.roots.lending import Recall
from tests.helpers_processes import PATIENCE
from tests.helpers_programs import kill, running
from tests.roots.lent import BORROW, cleaning, left_in, when_looked_for, with_a_file


@pytest.fixture
def ws(root: Root) -> Iterator[Workspace]:
    with with_a_file(root) as workspace:
        yield workspace


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    return when_looked_for(monkeypatch)


# Waiting


def test_it_gives_a_path(ws: Workspace) -> None:
    (ws / "sub").mkdir()
    loan = ws.lend("file")
    assert loan.path == ws / "file"
    assert os.fstat(loan.fileno())
    with loan as path:
        assert path.read_text() == "content"
    assert loan.fileno() == -1
    with ws.lend("sub") as path, ws.lend(ws / "file") as again, ws.lend(Path("file")) as once_more:
        assert (path, again, once_more) == (ws / "sub", ws / "file", ws / "file")


def test_cleaning_waits_for_a_thread(ws: Workspace, waits: threading.Event) -> None:
    loan = ws.lend("file")
    thread = cleaning(ws)
    assert waits.wait(PATIENCE)
    assert loan.path.read_text() == "content"
    loan.release()
    thread.join()
    assert not ws.path.exists()


def test_cleaning_waits_for_the_last_of_several(ws: Workspace, waits: threading.Event) -> None:
    first, second = ws.lend("file"), ws.lend("file")
    thread = cleaning(ws)
    assert waits.wait(PATIENCE)
    first.release()
    waits.clear()
    assert waits.wait(PATIENCE)
    assert second.path.read_text() == "content"
    second.release()
    thread.join()
    assert not ws.path.exists()


@pytest.mark.parametrize("is_protected", [True, False], ids=["", "control: without waiting it is lost"])
def test_the_end_of_the_block_waits(
    root: Root, waits: threading.Event, monkeypatch: pytest.MonkeyPatch, is_protected: bool
) -> None:
    if not is_protected:
        monkeypatch.setattr(Recall, "wait", lambda *_: None)
    lent, ended = threading.Event(), threading.Event()
    read: list[object] = []

    def reader(ws: Workspace) -> None:
        with ws.lend("file") as path:
            lent.set()
            assert (waits if is_protected else ended).wait(PATIENCE)
            try:
                read.append(path.read_text())
            except FileNotFoundError as error:
                read.append(type(error))

    with root.workspace() as ws:
        (ws / "file").write_text("content")
        thread = threading.Thread(target=reader, args=(ws,))
        thread.start()
        assert lent.wait(PATIENCE)
    ended.set()
    thread.join()
    assert read == (["content"] if is_protected else [FileNotFoundError])


def test_it_waits_too_when_the_block_fails(root: Root, waits: threading.Event) -> None:
    threads = []
    with pytest.raises(ZeroDivisionError), root.workspace() as ws:
        (ws / "file").touch()
        loan = ws.lend("file")

        def give_back() -> None:
            assert waits.wait(PATIENCE)
            assert loan.path.exists()
            loan.release()

        threads.append(threading.Thread(target=give_back))
        threads[0].start()
        raise ZeroDivisionError
    threads[0].join()
    assert left_in(root) == []


def test_cleaning_waits_for_another_process(ws: Workspace, waits: threading.Event) -> None:
    with running(BORROW, str(ws)) as (process, (path,)):
        thread = cleaning(ws)
        assert waits.wait(PATIENCE)
        assert path == str(ws / "file")
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("read\n")
        process.stdin.flush()
        assert process.stdout.readline() == "content\n"
        thread.join()
        assert not ws.path.exists()
        assert process.poll() is None, "it is given back, not ended"


def test_what_a_killed_process_has_borrowed_is_given_back(
    ws: Workspace, waits: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    with running(BORROW, str(ws)) as (process, _):
        thread = cleaning(ws)
        assert waits.wait(PATIENCE)
        assert (ws / "file").exists()
        kill(process)
        thread.join()
    assert not ws.path.exists()
    assert caplog.records == []


@pytest.mark.parametrize("is_handed_on", [True, False], ids=["", "control: without the descriptor it is lost"])
def test_a_child_that_is_handed_the_descriptor_reads_on(
    ws: Workspace, waits: threading.Event, is_handed_on: bool
) -> None:
    loan = ws.lend("file")
    descriptors = [ws.fileno(), loan.fileno()] if is_handed_on else []
    command: list[str | Path] = ["sh", "-c", 'read line; cat "$0" || echo lost', loan.path]
    with subprocess.Popen(
        command, pass_fds=descriptors, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        loan.release()
        thread = cleaning(ws)
        if is_handed_on:
            assert waits.wait(PATIENCE)
        else:
            thread.join()
        out, _ = child.communicate(b"read\n")
        assert out == (b"content" if is_handed_on else b"lost\n")
        thread.join()
    assert not ws.path.exists()


def test_a_forked_child_reads_on_too(ws: Workspace, waits: threading.Event) -> None:
    reader, writer = os.pipe()
    loan = ws.lend("file")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(writer)
            os.read(reader, 1)
            status = 0 if loan.path.read_text() == "content" else 2
        finally:
            os._exit(status)
    os.close(reader)
    loan.release()
    thread = cleaning(ws)
    assert waits.wait(PATIENCE)
    os.close(writer)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    thread.join()
    assert not ws.path.exists()


def test_what_is_given_back_is_waited_for_no_more(ws: Workspace, waits: threading.Event) -> None:
    loan = ws.lend("file")
    loan.release()
    loan.release()
    with ws.lend("file"):
        pass
    ws.cleanup()
    assert not waits.is_set()
    loan.release()
    assert repr(loan) == f"<Loan '{ws / 'file'}' (released)>"


def test_what_is_kept_need_not_be_waited_for(root: Root, waits: threading.Event) -> None:
    ws = root.workspace(keep="always")
    (ws / "file").write_text("content")
    loan = ws.lend("file")
    ws.cleanup()
    assert not waits.is_set()
    assert loan.path.read_text() == "content"
    loan.release()
