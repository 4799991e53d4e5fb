"""One tree has one meter, by whatever path it is reached."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scratchwork import Quota, QuotaExceeded, Root, Workspace, tempfile
from scratchwork.files import metering

LIMIT = 10_000


@pytest.fixture
def linked(temp: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temp folder that is a symlink to the real one."""
    (temp / "real").mkdir()
    (temp / "link").symlink_to("real")
    monkeypatch.setenv("TMPDIR", str(temp / "link"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return temp / "link"


@pytest.fixture
def ws(linked: Path) -> Iterator[Workspace]:
    with Root("app", linked).workspace(quota=LIMIT) as workspace:
        assert os.fspath(workspace) != os.path.realpath(workspace)
        yield workspace


def refuses(file: Any) -> bool:
    with file:
        file.write(b"x" * LIMIT)
        try:
            file.write(b"y")
            file.flush()
        except QuotaExceeded:
            file.seek(0)
            file.truncate()
            return True
    return False


def test_its_real_path(ws: Workspace) -> None:
    real = ws.path.resolve()
    assert refuses(ws.open(real / "q", "w+b"))
    assert refuses(tempfile.NamedTemporaryFile(dir=real))
    assert refuses(tempfile.TemporaryFile(dir=real))
    assert (ws / "q").exists()
    assert ws.quota == Quota(LIMIT)


def test_the_current_folder(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ws)
    assert refuses(tempfile.NamedTemporaryFile(dir="."))
    assert refuses(tempfile.TemporaryFile(dir="."))


def test_a_symlink_to_it(ws: Workspace, temp: Path) -> None:
    (temp / "shortcut").symlink_to(ws)
    assert refuses(tempfile.NamedTemporaryFile(dir=temp / "shortcut"))
    assert refuses(ws.open(temp / "shortcut" / "q", "w+b"))
    with pytest.raises(ValueError, match="does not lie in"):
        ws.open(temp / "shortcut", "wb")
    (temp / "shortcut").unlink()
    (temp / "shortcut").symlink_to(temp)
    assert not refuses(tempfile.NamedTemporaryFile(dir=temp / "shortcut"))


def test_attaching_by_the_other_path(ws: Workspace) -> None:
    with (
        Workspace.attach(ws.path.resolve()) as attached,
        ws.open("a", "wb", 0) as one,
        attached.open("b", "wb", 0) as two,
        attached.open(ws / "c", "wb", 0) as three,
    ):
        meter = metering.known(os.fspath(ws))
        assert meter is not None
        assert meter is metering.known(os.fspath(attached))
        assert attached.quota == ws.quota
        for number, file in enumerate((one, two, three) * 3):
            file.write(bytes(1000))
            assert meter.read().used == (number + 1) * 1000


def test_the_root_by_two_paths(linked: Path) -> None:
    Root("app", linked, quota=LIMIT)
    real = Root("app", os.path.realpath(linked))
    assert real.quota == Quota(LIMIT)
    with (
        real.workspace() as one,
        Root("app", linked).workspace() as two,
        one.open("a", "wb", 0) as file,
        two.open("a", "wb", 0) as other,
    ):
        file.write(bytes(6000))
        with pytest.raises(QuotaExceeded):
            other.write(bytes(6000))


def test_a_symlink_in_it_that_leads_into_another(ws: Workspace, tmp_path: Path) -> None:
    with Root("app").workspace(quota=100) as other:
        (ws / "other").symlink_to(other)
        (other / "file").touch()
        (ws / "file").symlink_to(other / "file")
        for name in ("other/new", "file"):
            with ws.open(name, "wb") as file, pytest.raises(QuotaExceeded) as caught:
                file.write(bytes(101))
            assert caught.value.workspace == os.fspath(other)
        (tmp_path / "free").touch()
        (ws / "free").symlink_to(tmp_path / "free")
        with ws.open("free", "wb") as file:  # lies elsewhere
            file.write(bytes(LIMIT + 1))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of deleted files")
def test_a_deleted_file_counts_there_too(ws: Workspace) -> None:
    with tempfile.TemporaryFile(dir=ws) as file:
        file.write(bytes(LIMIT))
        file.flush()
        with ws.open("b", "wb") as other, pytest.raises(QuotaExceeded):
            other.write(b"x")


def test_it_is_forgotten_with_the_workspace(linked: Path) -> None:
    before = dict(metering._known)
    with Root("app", linked).workspace(quota=LIMIT) as ws:
        assert len(metering._known) == len(before) + 1
    assert metering._known == before
    assert metering.known(os.fspath(ws)) is None
