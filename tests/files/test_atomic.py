from __future__ import annotations

import errno
import gc
import os
import stat
from pathlib import Path

import pytest

from scratchwork import CannotPublish, DestinationExists, atomic_write
from tests.helpers_programs import kill, python, running


@pytest.fixture
def target(temp: Path) -> Path:
    path = temp / "report.csv"
    path.write_text("old\n")
    return path


def test_the_new_content_is_there_when_the_block_ends_and_not_before(target: Path) -> None:
    with atomic_write(target, encoding="utf-8") as file:
        file.write("naïve\n" * 10_000)
        file.flush()
        assert target.read_text() == "old\n"
        assert os.listdir(target.parent) == ["report.csv"]
    assert target.read_text(encoding="utf-8") == "naïve\n" * 10_000
    assert os.listdir(target.parent) == ["report.csv"]


def test_an_error_in_the_block_leaves_the_old_file(target: Path) -> None:
    with pytest.raises(KeyError), atomic_write(target) as file:
        file.write("half")
        raise KeyError
    assert target.read_text() == "old\n"
    assert os.listdir(target.parent) == ["report.csv"]


def test_the_modes_of_open(temp: Path) -> None:
    with atomic_write(temp / "binary", "wb") as file:
        file.write(b"\xff")
    with atomic_write(temp / "text", "w+", encoding="utf-16", newline="\r\n") as file:
        file.write("a\n")
        file.seek(0)
        assert file.read() == "a\r\n"
    assert (temp / "binary").read_bytes() == b"\xff"
    assert (temp / "text").read_bytes() == "a\r\n".encode("utf-16")


@pytest.mark.parametrize("mode", ["r", "a", "r+b", ""])
def test_a_mode_that_does_not_write_anew_is_refused(target: Path, mode: str) -> None:
    with pytest.raises(ValueError, match="written anew"):
        atomic_write(target, mode)


@pytest.mark.parametrize(
    ("options", "error"),
    [({"mode": "wq"}, ValueError), ({"encoding": "no-such"}, LookupError), ({"mode": "wb", "newline": ""}, ValueError)],
)
def test_what_open_refuses_leaves_nothing_open(target: Path, options: dict[str, str], error: type[Exception]) -> None:
    gc.collect()
    before = os.listdir("/proc/self/fd")
    with pytest.raises(error), atomic_write(target, **options):  # type: ignore[arg-type]
        pass
    assert os.listdir("/proc/self/fd") == before
    assert target.read_text() == "old\n"


def test_what_exists_is_not_overwritten_unless_asked_for(target: Path) -> None:
    for options in ({"mode": "x"}, {"overwrite": False}):
        begun = False
        with pytest.raises(DestinationExists), atomic_write(target, **options):
            begun = True
        assert not begun, "it is refused before the work, not after it"
    with pytest.raises(FileExistsError), atomic_write(target.parent / "new", "x") as file:
        file.write("mine")
        (target.parent / "new").write_text("another's")
    assert (target.parent / "new").read_text() == "another's"
    assert target.read_text() == "old\n"


def test_its_mode_is_that_of_the_old_file_or_an_ordinary_one(target: Path) -> None:
    target.chmod(0o640)
    umask = os.umask(0o027)
    try:
        for path in (target, target.parent / "new"):
            with atomic_write(path):
                pass
            assert stat.S_IMODE(path.stat().st_mode) == 0o640
        with atomic_write(target, permissions=0o604):
            pass
        assert stat.S_IMODE(target.stat().st_mode) == 0o604
    finally:
        os.umask(umask)


def test_a_symlink_stays_and_what_it_leads_to_is_written(target: Path) -> None:
    link = target.parent / "link"
    link.symlink_to("report.csv")
    with atomic_write(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_file_that_was_closed_in_the_block_is_published(target: Path) -> None:
    with atomic_write(target) as file:
        file.write("new")
        file.close()
    assert target.read_text() == "new"


def test_a_folder_that_is_not_there(temp: Path) -> None:
    with pytest.raises(CannotPublish) as caught, atomic_write(temp / "missing" / "file"):
        pass
    assert caught.value.errno == errno.ENOENT
    assert str(temp / "missing" / "file") in str(caught.value)


def test_a_relative_path_survives_chdir(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(temp)
    (temp / "other").mkdir()
    with atomic_write("file") as file:
        file.write("new")
        os.chdir("other")
    assert (temp / "file").read_text() == "new"


KILLED = """
import sys, scratchwork
with scratchwork.atomic_write(sys.argv[1]) as file:
    file.write("half" * 100_000)
    file.flush()
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_kill_9_leaves_the_old_file_and_nothing_else(target: Path) -> None:
    with running(KILLED, str(target)) as (process, _):
        kill(process)
    assert target.read_text() == "old\n"
    assert os.listdir(target.parent) == ["report.csv"]


FORKED = """
import os, sys, scratchwork
with scratchwork.atomic_write(sys.argv[1]) as file:
    file.write("half")
    file.flush()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        seen = open(sys.argv[1]).read()
        file.write(" and half")
if child == 0:
    os._exit(0)
print(seen.strip())
print(open(sys.argv[1]).read())
"""


def test_a_forked_child_that_leaves_the_block_publishes_nothing(target: Path) -> None:
    assert python(FORKED, str(target)).stdout.splitlines() == ["old", "half and half"]


def test_control_a_child_that_takes_itself_for_the_parent_publishes(target: Path) -> None:
    forgetful = "import os; from scratchwork.files import owning\nos.register_at_fork(after_in_child="
    forgetful += "lambda: setattr(owning, 'process', os.getppid()))\n"
    assert python(forgetful + FORKED, str(target)).stdout.splitlines()[0] == "half"
