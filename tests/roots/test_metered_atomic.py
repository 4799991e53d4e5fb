"""Files that are written atomically into a workspace with a quota."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from scratchwork import CannotPublish, Quota, QuotaExceeded, Root, Workspace, atomic_write
from scratchwork.files import metering
from scratchwork.files.meters import Meter

LIMIT = 10_000


@pytest.fixture
def ws(root: Root) -> Iterator[Workspace]:
    with root.workspace(quota=Quota(LIMIT, 3)) as workspace:
        yield workspace


def meter_of(ws: Workspace) -> Meter:
    meter = metering.known(os.fspath(ws))
    assert meter is not None
    return meter


@pytest.mark.parametrize(
    ("mode", "options"),
    [("wb", {}), ("xb", {}), ("w+b", {}), ("wb", {"buffering": 0}), ("w", {"encoding": "utf-8"})],
)
def test_what_is_written_counts(ws: Workspace, mode: str, options: dict[str, Any]) -> None:
    data: Any = b"x" if "b" in mode else "x"
    with atomic_write(ws / "a", mode, **options) as file:
        file.write(data * (LIMIT - 1))
        file.flush()
        assert (meter_of(ws).read().used, meter_of(ws).read().files) == (LIMIT - 1, 1)
        with pytest.raises(QuotaExceeded):
            file.write(data * 2)
        file.write(data)
    assert (ws / "a").read_bytes() == b"x" * LIMIT
    assert (meter_of(ws).recount().used, meter_of(ws).read().files) == (LIMIT, 1)


def test_a_refusal_leaves_the_old_file(ws: Workspace) -> None:
    with atomic_write(ws / "a", "wb") as file:
        file.write(b"old" * 2000)
    with pytest.raises(QuotaExceeded), atomic_write(ws / "a", "wb") as file:
        file.write(b"new" * 2000)
    assert (ws / "a").read_bytes() == b"old" * 2000
    assert os.listdir(ws) == ["a"]
    for _ in range(20):  # each time the one before is gone
        with atomic_write(ws / "a", "wb") as file:
            file.write(b"x" * 1000)


def test_the_draft_is_a_file(ws: Workspace) -> None:
    for name in "abc":
        ws.open(name, "xb").close()
    with pytest.raises(QuotaExceeded, match="quota of 3 files"), atomic_write(ws / "d", "wb"):
        pass
    (ws / "c").unlink()
    with atomic_write(ws / "d", "wb"):
        pass


def test_one_that_can_not_be_begun_takes_nothing(ws: Workspace) -> None:
    with pytest.raises(CannotPublish), atomic_write(ws / "no" / "folder", "wb"):
        pass
    with pytest.raises(LookupError), atomic_write(ws / "a", "w", encoding="no such encoding"):
        pass
    assert meter_of(ws).recount().files == 0
    assert meter_of(ws).read().used == 0


def test_what_goes_out_of_it_does_not_count(ws: Workspace, tmp_path: os.PathLike[str]) -> None:
    with atomic_write(os.path.join(tmp_path, "out"), "wb") as file:
        file.write(b"x" * (LIMIT + 1))
    assert meter_of(ws).read().used == 0
