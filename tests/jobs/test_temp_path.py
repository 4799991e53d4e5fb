"""A private path for a tool that makes the file itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scratchwork import QuotaExceeded, Root, temp_path
from tests.helpers_leftovers import everything, leaving_nothing
from tests.helpers_programs import kill, running


@pytest.fixture(autouse=True)
def before(tmp_path: Path, temp: Path) -> Iterator[set[str]]:  # pytest's own temp folder lies outside of ours
    with leaving_nothing(temp) as found:
        yield found


def run(*command: str | os.PathLike[str], **options: Any) -> str:
    return str(subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout)


# Tools


def test_tar_makes_an_archive(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "one").write_text("1")
    with temp_path(".tar.gz", "backup-") as path:
        run("tar", "-C", tmp_path, "-czf", path, "src")
        assert run("tar", "-tzf", path).split() == ["src/", "src/one"]
        assert path.name.startswith("backup-")
        assert path.name.endswith(".tar.gz")
    assert not path.exists()


def test_gcc_makes_a_program_and_its_parts_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int main(void) { return 42; }")
    with temp_path() as path:
        run("gcc", "-save-temps=obj", "-o", path, tmp_path / "a.c")
        assert subprocess.run([path], check=False).returncode == 42
        assert len(os.listdir(path.parent)) > 1
    assert not path.parent.exists()


def test_sqlite3_makes_a_database_with_a_log_beside_it() -> None:
    with temp_path(".db") as path:
        script = "PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES (7);"
        assert f"{path}-wal" in run("sqlite3", path, script, f".shell ls {path}*")
        assert run("sqlite3", path, "SELECT x FROM t").strip() == "7"


def test_mkfifo_and_a_socket() -> None:
    import socket

    with temp_path() as path, socket.socket(socket.AF_UNIX) as server:
        run("mkfifo", path)
        server.bind(f"{path}.sock")


# What is there


def test_nothing_is_there_in_a_private_directory() -> None:
    with temp_path(".out") as path:
        assert path.is_absolute()
        assert not os.path.lexists(path)
        assert os.listdir(path.parent) == []
        assert path.parent.stat().st_mode & 0o777 == 0o700


def nothing(path: Path) -> None:
    pass


def directory(path: Path) -> None:
    (path / "a" / "b").mkdir(parents=True)
    (path / "a" / "b" / "file").touch()


def several(path: Path) -> None:
    for number in range(10):
        Path(f"{path}.{number}").touch()


def link(path: Path) -> None:
    path.symlink_to("/")


def broken_link(path: Path) -> None:
    path.symlink_to("nowhere")


def shut_directory(path: Path) -> None:
    path.mkdir()
    (path / "file").touch()
    path.chmod(0)


@pytest.mark.parametrize("work", [nothing, Path.touch, directory, several, link, broken_link, shut_directory])
def test_whatever_was_made_there_goes(work: Callable[[Path], object]) -> None:
    with temp_path() as path:
        work(path)
    assert not path.parent.exists()
    with pytest.raises(ZeroDivisionError), temp_path() as path:
        work(path)
        raise ZeroDivisionError
    assert not path.parent.exists()


def test_each_is_another_one() -> None:
    paths = []
    for _ in range(100):
        with temp_path() as path:
            paths.append(path)
    assert len(set(paths)) == 100


def test_after_kill_9_and_a_sweep(temp: Path, before: set[str]) -> None:
    program = """
import os
from scratchwork import temp_path
with temp_path(".out") as path:
    path.mkdir()
    (path / "file").touch()
    print(path, flush=True)
    input()
"""
    with running(program) as (process, (path,)):
        Root("default").sweep()
        assert Path(path, "file").exists(), "a sweep leaves it alone while it is in use"
        kill(process)
    Root("default").sweep()
    assert everything(temp) == before


# Forks


def in_child(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_that_leaves_the_block_removes_nothing() -> None:
    making = temp_path()
    with making as path:
        path.touch()
        assert in_child(lambda: making.__exit__(None, None, None)) == 0
        assert path.exists()


def test_control_without_the_comparison_of_processes_it_does() -> None:
    making = temp_path()
    with making as path:
        path.touch()

        def leave_as_its_maker() -> None:
            making._folder._maker = os.getpid()
            from scratchwork.files import owning

            owning.process = os.getpid()
            making.__exit__(None, None, None)

        assert in_child(leave_as_its_maker) == 0
        assert not path.exists()


# Where


def test_in_a_workspace_its_files_count(temp: Path) -> None:
    with Root("app").workspace(quota=100) as ws:
        with temp_path(dir=ws) as path:
            assert path.parent.parent == ws.path
            with ws.open(path, "wb") as file, pytest.raises(QuotaExceeded):
                file.write(b"x" * 101)
        assert os.listdir(ws) == []


def test_a_directory_that_is_told_relative_stays_the_same_one(
    temp: Path, before: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (temp / "here").mkdir()
    monkeypatch.chdir(temp)
    with temp_path(dir="here") as path:
        monkeypatch.chdir("/")
        path.touch()
    assert everything(temp) == before | {"here"}
    (temp / "here").rmdir()


# Bad input


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        *(({what: bad}, ValueError) for what in ("suffix", "prefix") for bad in ("a/b", "/x", "..", "../x", "a\0b")),
        *(({what: 3}, TypeError) for what in ("suffix", "prefix", "dir")),
        ({"dir": "/none"}, FileNotFoundError),
        ({"dir": "/dev/null"}, NotADirectoryError),
    ],
    ids=repr,
)
def test_bad_input_is_told_and_leaves_nothing(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error), temp_path(**arguments):
        raise AssertionError("it gave a path")
