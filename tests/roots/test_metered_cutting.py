"""Cutting a file gives back what its file object took, and no more: the count may be too high, never too low."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scratchwork import QuotaExceeded, Root, Workspace, tempfile
from scratchwork.files import metering
from scratchwork.files.metered import MeteredFile
from scratchwork.files.meters import Meter

LIMIT = 1_000_000
PLAIN = 700_000


@pytest.fixture
def ws(root: Root) -> Iterator[Workspace]:
    with root.workspace(quota=LIMIT) as workspace:
        yield workspace


def meter_of(ws: Workspace) -> Meter:
    meter = metering.known(os.fspath(ws))
    assert meter is not None
    return meter


def take_some(ws: Workspace) -> None:
    with ws.open("counted", "wb") as file:
        file.write(b"x" * PLAIN)
    assert meter_of(ws).read().used == PLAIN


def plain(ws: Workspace, size: int = PLAIN) -> Path:
    (ws / "plain").write_bytes(bytes(size))
    return ws / "plain"


def test_opening_to_write_anew_what_others_wrote(ws: Workspace) -> None:
    take_some(ws)
    ws.open(plain(ws), "wb").close()
    assert meter_of(ws).read().used == PLAIN
    with ws.open("more", "wb") as file, pytest.raises(QuotaExceeded):
        file.write(b"x" * PLAIN)


def test_truncating_what_others_wrote(ws: Workspace) -> None:
    take_some(ws)
    descriptor, path = tempfile.mkstemp(dir=ws)
    os.write(descriptor, bytes(PLAIN))
    os.close(descriptor)
    shutil.copy(ws / "counted", ws / "copy")
    for name in (path, "copy"):
        with ws.open(name, "r+b") as file:
            file.truncate(0)
    assert meter_of(ws).read().used == PLAIN


def test_a_symlink_that_leads_out(ws: Workspace, tmp_path: Path) -> None:
    take_some(ws)
    outside = tmp_path / "outside"
    for cut in ("wb", "r+b"):
        outside.write_bytes(bytes(5 * LIMIT))
        (ws / cut).symlink_to(outside)
        with ws.open(cut, cut) as file:
            file.truncate(0)
        assert outside.stat().st_size == 0
        assert meter_of(ws).read().used == PLAIN


def test_what_it_took_it_gives_back_at_once(ws: Workspace) -> None:
    with ws.open("a", "w+b") as file:
        for size in (0, 10, 70, 100):
            file.seek(0)
            file.write(b"x" * 100)
            file.truncate(size)
            assert meter_of(ws).read().used == size
    with ws.open("a", "ab") as file:
        file.write(b"y" * 100)
        file.truncate(150)
        assert meter_of(ws).read().used == 150
        file.truncate(50)  # what was there before is not its own to give
        assert meter_of(ws).read().used == 100
        file.truncate(200)
        file.truncate(60)
        assert meter_of(ws).read().used == 110
    assert meter_of(ws).recount().used == 60


def test_what_others_put_behind_it(ws: Workspace) -> None:
    with ws.open("a", "ab", 0) as file:
        file.write(b"x" * 1000)
        with open(ws / "a", "ab") as other:
            other.write(bytes(500))
        file.truncate(1200)
        assert meter_of(ws).read().used == 1000
        file.write(b"x" * 100)
        file.truncate(1000)  # whose they were, of those before, can't be told any more
        assert meter_of(ws).read().used >= 1000
        file.truncate(0)
    assert meter_of(ws).recount().used == 0


def test_what_was_counted_anew_is_not_given_back(ws: Workspace) -> None:
    """It had been cut by others, was counted so, and what they have put in its place nobody counted."""
    with ws.open("a", "wb", 0) as file:
        file.write(b"x" * PLAIN)
        os.truncate(ws / "a", 0)
        meter_of(ws).recount()
        take_some(ws)
        os.truncate(ws / "a", PLAIN)
        file.truncate(0)
        assert meter_of(ws).read().used == PLAIN


def test_near_the_limit_cutting_and_writing_again_needs_one_recount(ws: Workspace) -> None:
    take_some(ws)
    with ws.open("b", "wb") as file:
        for _ in range(50):
            file.write(b"x" * (LIMIT - PLAIN))
            file.seek(0)
            file.truncate()
    assert meter_of(ws).read().recounts == 0
    for _ in range(50):
        with ws.open("b", "wb") as file:
            file.write(b"x" * 30_000)
    assert 1 <= meter_of(ws).read().recounts <= 7


def test_what_is_written_in_the_middle_of_another_write_counts_in_the_end(ws: Workspace) -> None:
    """As when a forgotten file is collected, and so closed, just then."""
    meter = meter_of(ws)
    with ws.open("b", "wb", 0) as file:
        meter.begin()
        assert meter.take(1000) == LIMIT - 1000
        file.write(b"y" * 50)
        ws.open("c", "xb").close()
        meter.end()
    assert (meter.read().used, meter.read().files) == (1050, 2)


def test_control_what_is_given_back_whoever_took_it_is_missing(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def give(file: MeteredFile, size: int) -> None:
        file.meters.give(PLAIN - size)

    monkeypatch.setattr(MeteredFile, "_give_back", give)
    take_some(ws)
    with ws.open(plain(ws), "r+b") as file:
        file.truncate(0)
    with ws.open("more", "wb") as file:
        file.write(b"x" * PLAIN)
    assert sum(path.stat().st_size for path in ws.path.iterdir()) > LIMIT
