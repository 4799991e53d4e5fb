"""Caps and budgets of spools; keeping and publishing what was temporary."""

from __future__ import annotations

import errno
import gc
import os
import resource
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scratchwork import CannotPublish, DestinationExists, MemoryBudget, SpoolFull, tempfile
from tests.system.helpers import in_child


@pytest.fixture
def folder(temp: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    yield temp
    gc.collect()


@pytest.mark.parametrize("max_size", [0, 1, 50])
def test_a_cap_is_exact_and_a_refused_write_changes_nothing(folder: Path, max_size: int) -> None:
    with tempfile.SpooledTemporaryFile(max_size, cap=100) as spool:
        spool.write(b"x" * 60)
        for too_much in (
            lambda: spool.write(b"y" * 41),
            lambda: spool.truncate(101),
            lambda: spool.writelines([b"y" * 41]),
        ):
            with pytest.raises(SpoolFull) as caught:
                too_much()
            assert caught.value.errno == errno.EFBIG
            assert spool.tell() == 60
        spool.write(b"y" * 40)
        spool.seek(0)
        assert spool.read() == b"x" * 60 + b"y" * 40


def test_a_cap_on_text_counts_bytes(folder: Path) -> None:
    text: Any = tempfile.SpooledTemporaryFile(mode="w+", encoding="utf-8", cap=4)
    with text as spool:
        spool.write("éé")
        with pytest.raises(SpoolFull):
            spool.write("x")
        spool.seek(0)
        assert spool.read() == "éé"


def test_a_budget_is_shared_and_given_back(folder: Path) -> None:
    budget = MemoryBudget(100)
    one, two = (tempfile.SpooledTemporaryFile(budget=budget) for _ in range(2))
    one.write(b"x" * 80)
    one.flush()
    assert (budget.used, one.name) == (80, None)
    two.write(b"x" * 30)
    two.flush()
    assert two.name is not None, "it asked when too little was left, so it is on disk"
    assert budget.used == 80
    one.truncate(10)
    assert budget.used == 10
    one.rollover()
    assert budget.used == 0
    two.close()
    three: Any = tempfile.SpooledTemporaryFile(budget=budget)
    three.write(b"x" * 50)
    three.flush()
    with pytest.warns(ResourceWarning):
        del three
    one.close()
    assert budget.used == 0


def test_ten_thousand_spools_stay_under_one_limit(folder: Path) -> None:
    def work() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        many = min(10_000, hard - 100)
        budget = MemoryBudget(1_000_000)
        spools = []
        for number in range(many):
            spool = tempfile.SpooledTemporaryFile(budget=budget)
            spool.write(bytes(1000))
            spool.flush()
            spools.append(spool)
            assert budget.used <= budget.limit, number
        assert sum(spool.name is None for spool in spools) == 1000
        for spool in spools:
            spool.close()
        assert budget.used == 0

    in_child(work)


KINDS: dict[str, Callable[[], Any]] = {
    "named": tempfile.NamedTemporaryFile,
    "named text": lambda: tempfile.NamedTemporaryFile("w+", encoding="utf-8"),
    "anonymous": tempfile.TemporaryFile,
    "anonymous text": lambda: tempfile.TemporaryFile("w+", encoding="utf-8"),
    "anonymous raw": lambda: tempfile.TemporaryFile(buffering=0),
    "spool in memory": tempfile.SpooledTemporaryFile,
    "spool on disk": lambda: tempfile.SpooledTemporaryFile(max_size=1),
    "spool of text": lambda: tempfile.SpooledTemporaryFile(mode="w+", encoding="utf-8"),
}


@pytest.fixture(params=KINDS)
def file(request: pytest.FixtureRequest, folder: Path) -> Iterator[Any]:
    with KINDS[request.param]() as opened:
        opened.write("content" if "text" in request.param else b"content")
        yield opened


def test_what_is_published_is_whole_ordinary_and_all_that_is_left(file: Any, folder: Path) -> None:
    umask = os.umask(0o022)
    try:
        assert file.publish(folder / "result") == folder / "result"
    finally:
        os.umask(umask)
    assert file.closed
    assert (folder / "result").read_text() == "content"
    assert stat.S_IMODE((folder / "result").stat().st_mode) == 0o644
    assert os.listdir(folder) == ["result"]


def test_what_is_kept_stays_and_can_be_written_further(file: Any, folder: Path) -> None:
    path = file.keep()
    file.write(b" and more" if "b" in file.mode else " and more")
    file.close()
    assert path.parent == folder
    assert path.read_text() == "content and more"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failed_publish_leaves_all_as_it_was(file: Any, folder: Path) -> None:
    (folder / "result").write_text("old")
    before = sorted(os.listdir(folder))
    with pytest.raises(DestinationExists):
        file.publish(folder / "result", overwrite=False)
    with pytest.raises(CannotPublish):
        file.publish(folder / "missing" / "result")
    assert sorted(os.listdir(folder)) == before
    assert (folder / "result").read_text() == "old"
    assert not file.closed
    file.seek(0)
    assert file.read() in {"content", b"content"}
    file.publish(folder / "result")
    assert (folder / "result").read_text() == "content"


def test_a_directory_is_published_and_kept(folder: Path) -> None:
    directory = tempfile.TemporaryDirectory()
    Path(os.fsdecode(directory.name), "file").write_text("content")
    directory.publish(folder / "result")
    assert (folder / "result" / "file").read_text() == "content"
    with tempfile.TemporaryDirectory() as name:
        pass
    kept = tempfile.TemporaryDirectory()
    path = kept.keep()
    del kept
    assert path.is_dir()
    assert not os.path.exists(name)


def test_the_way_programs_keep_the_originals_directories(folder: Path) -> None:
    directory = tempfile.TemporaryDirectory()
    assert directory._finalizer.alive
    assert directory._finalizer.detach()
    name = directory.name
    del directory
    assert os.path.isdir(name)


def test_a_relative_folder_survives_chdir(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with tempfile.NamedTemporaryFile(dir=".") as named, tempfile.TemporaryDirectory(dir="."):
        anonymous = tempfile.TemporaryFile(dir=".")
        os.chdir("/")
    path = anonymous.keep()
    anonymous.close()
    assert path.parent == folder
    assert os.listdir(folder) == [path.name]
    assert os.path.isabs(named.name)
