"""Where little room is left each write goes through at once, however the file object is held."""

from __future__ import annotations

import gc
import io
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from scratchwork import QuotaExceeded, Root, tempfile
from tests.helpers_processes import PATIENCE

LIMIT = 500_000
NEAR = 2**20

# Most of these files are left to the garbage collector, which is what the tests are about.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed file:ResourceWarning", "ignore:Implicitly cleaning up:ResourceWarning"
)


@pytest.mark.parametrize("mode", ["wb", "w+b", "ab", "xb"])
def test_in_one_expression(root: Root, mode: str) -> None:
    with root.workspace(quota=LIMIT) as ws:
        assert ws.open("a", mode).write(b"1" * 2000) == 2000
        gc.collect()
        assert (ws / "a").read_bytes() == b"1" * 2000
        with ws.open("a", "ab") as file, pytest.raises(QuotaExceeded):
            file.write(b"1" * (LIMIT - 1999))


def test_text_in_one_expression(root: Root) -> None:
    with root.workspace(quota=LIMIT) as ws:
        ws.open("a", "w", encoding="utf-8").write("text")
        gc.collect()
        assert (ws / "a").read_text(encoding="utf-8") == "text"


@pytest.mark.parametrize(
    "make",
    [
        lambda ws: tempfile.TemporaryFile(dir=ws),
        lambda ws: tempfile.TemporaryFile("wb", dir=ws),
        lambda ws: tempfile.NamedTemporaryFile(dir=ws),
        lambda ws: tempfile.NamedTemporaryFile("wb", dir=ws),
        lambda ws: tempfile.SpooledTemporaryFile(1, dir=ws),
    ],
    ids=["anonymous", "anonymous, to write", "named", "named, to write", "spooled"],
)
def test_temporary_files_in_one_expression(root: Root, make: Any) -> None:
    with root.workspace(quota=LIMIT) as ws:
        assert make(ws).write(b"1" * 2000) == 2000
        with make(ws) as file:
            file.write(b"23")
            file.flush()
            with pytest.raises(QuotaExceeded):
                file.write(b"1" * LIMIT)


def test_with_all_of_pythons_own_checks(temp: Path) -> None:
    program = (
        "import gc, scratchwork\n"
        "gc.set_threshold(1)\n"
        "with scratchwork.Root('app').workspace(quota=500_000) as ws:\n"
        "    for mode in ('wb', 'w+b', 'ab'):\n"
        "        ws.open('x', mode).write(b'1' * 2000)\n"
        "    print((ws / 'x').stat().st_size)\n"
    )
    command = [sys.executable, "-X", "dev", "-W", "ignore::ResourceWarning", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("4000\n", "")


def test_a_file_is_closed_as_soon_as_nobody_has_it(root: Root) -> None:
    gc.disable()
    try:
        with root.workspace(quota=LIMIT) as ws:
            file = ws.open("a", "wb")
            file.write(b"x")
            write, gone = file.write, weakref.ref(file)
            del file
            assert write(b"y") == 1
            del write
            assert gone() is None
            assert (ws / "a").read_bytes() == b"xy"
    finally:
        gc.enable()


def test_it_goes_through_at_once_only_there(root: Root) -> None:
    with root.workspace(quota=2 * NEAR) as ws, ws.open("a", "w+b") as file, ws.open("b", "wb") as other:
        file.write(b"x")
        assert (ws / "a").stat().st_size == 0
        other.write(bytes(2 * NEAR - 1000))
        file.flush()
        file.write(b"y")
        assert (ws / "a").read_bytes() == b"xy"
        assert isinstance(file, io.BufferedRandom)
        os.unlink(ws / "b")


def test_reading_and_writing_by_turns(root: Root) -> None:
    """What goes past the buffer must find the place where the reader was, and the reader the one after it."""
    with root.workspace(quota=LIMIT) as ws, ws.open("a", "w+b") as file:
        file.write(b"0123456789" * 10)
        file.seek(5)
        assert file.read(3) == b"567"
        assert file.write(b"AB") == 2
        assert file.tell() == 10
        assert file.read(2) == b"01"
        file.seek(0, io.SEEK_END)
        file.write(b"end")
        assert file.tell() == 103
        file.seek(0)
        assert file.read() == b"01234567AB" + b"0123456789" * 9 + b"end"


def test_a_spool_that_writes_in_its_own_way_keeps_it(root: Root) -> None:
    class Counting(tempfile.SpooledTemporaryFile):
        count = 0

        def write(self, data: Any) -> int:
            self.count += 1
            return super().write(data)

    with root.workspace(quota=LIMIT) as ws, Counting(1, dir=ws) as spool:
        spool.write(b"12")
        spool.rollover()
        spool.write(b"34")
        assert spool.count == 2
        with ws.open("a", "wb") as file:
            file.write(b"1" * (LIMIT - 4))
        spool.write(b"5")
        assert spool.count == 3
        with pytest.raises(QuotaExceeded):
            spool.flush()
        os.unlink(ws / "a")


def test_a_plain_spool_is_still_one(root: Root) -> None:
    with root.workspace(quota=LIMIT) as ws, tempfile.SpooledTemporaryFile(1, dir=ws) as spool:
        spool.write(b"12")
        spool.rollover()
        assert isinstance(spool, tempfile.SpooledTemporaryFile)
        assert type(spool).__name__ == "SpooledTemporaryFile"
        assert spool.write(b"34") == 2
        with pytest.raises(QuotaExceeded):
            spool.write(b"1" * (LIMIT + 1))
        spool.seek(0)
        assert spool.read() == b"1234"


def test_threads_that_share_a_file(root: Root) -> None:
    """A thread that flushes holds the buffer's lock and waits for the meters; nobody may wait the other way round."""
    with root.workspace(quota=LIMIT) as ws, ws.open("a", "ab") as file:

        def write() -> None:
            for _ in range(500):
                file.write(b"x" * 10)
                file.flush()

        threads = [threading.Thread(target=write, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        assert (ws / "a").stat().st_size == 4 * 500 * 10
