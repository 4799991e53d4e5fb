"""Where the standard library's `tempfile` falls short: each check passes with ours, and fails with the original."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import tempfile as original
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scratchwork import tempfile as ours

Check = Callable[[Any, Path], None]
CHECKS: dict[str, Check] = {}
PROGRAMS: dict[str, str] = {}


def shortcoming(check: Check) -> Check:
    CHECKS[check.__name__] = check
    return check


@shortcoming
def a_prefix_does_not_escape(tempfile: Any, folder: Path) -> None:
    (folder / "inside").mkdir()
    for part in ("../x", "a/b", "..", "a\0b", b"../x"):
        inside: Any = os.fsencode(folder / "inside") if isinstance(part, bytes) else folder / "inside"
        for make in (tempfile.mkstemp, tempfile.mkdtemp, tempfile.NamedTemporaryFile, tempfile.TemporaryDirectory):
            for options in ({"prefix": part}, {"suffix": part}):
                with pytest.raises(ValueError, match="separator"):
                    make(dir=inside, **options)
    assert os.listdir(folder) == ["inside"]
    assert os.listdir(folder / "inside") == []


@shortcoming
def another_file_of_that_name_is_left_alone(tempfile: Any, folder: Path) -> None:
    file = tempfile.NamedTemporaryFile()
    os.rename(file.name, folder / "away")
    Path(file.name).write_text("another's")
    with pytest.warns(RuntimeWarning, match="left alone"):
        file.close()
    assert Path(file.name).read_text() == "another's"


@shortcoming
def another_directory_of_that_name_is_left_alone(tempfile: Any, folder: Path) -> None:
    directory = tempfile.TemporaryDirectory()
    os.rename(directory.name, folder / "away")
    os.mkdir(directory.name)
    Path(directory.name, "file").touch()
    with pytest.warns(RuntimeWarning, match="left alone"):
        directory.cleanup()
    assert os.listdir(directory.name) == ["file"]


@shortcoming
def the_mode_does_not_depend_on_the_umask(tempfile: Any, folder: Path) -> None:
    umask = os.umask(0o777)
    try:
        with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as directory:
            assert stat.S_IMODE(os.stat(file.name).st_mode) == 0o600
            assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
        with tempfile.TemporaryFile() as anonymous:
            assert stat.S_IMODE(os.fstat(anonymous.fileno()).st_mode) == 0o600
    finally:
        os.umask(umask)


@shortcoming
def permissions_are_exact_and_never_wider(tempfile: Any, folder: Path) -> None:
    umask = os.umask(0o027)
    try:
        with tempfile.NamedTemporaryFile(permissions=0o664) as file:
            assert stat.S_IMODE(os.stat(file.name).st_mode) == 0o664
        with tempfile.TemporaryDirectory(permissions=0o750) as directory:
            assert stat.S_IMODE(os.stat(directory).st_mode) == 0o750
    finally:
        os.umask(umask)


@shortcoming
def a_vanished_temp_folder_is_found_anew(tempfile: Any, folder: Path) -> None:
    for use in (
        tempfile.gettempdir,
        lambda: tempfile.NamedTemporaryFile().close(),
        lambda: tempfile.TemporaryFile().close(),
        lambda: os.rmdir(tempfile.mkdtemp()),
        lambda: tempfile.TemporaryDirectory().cleanup(),
    ):
        first = folder / "first"
        first.mkdir()
        os.environ["TMPDIR"] = str(first)
        tempfile.tempdir = None
        assert tempfile.gettempdir() == str(first)
        first.rmdir()
        os.environ["TMPDIR"] = str(folder)
        use()
        assert tempfile.gettempdir() == str(folder)


@shortcoming
def a_named_file_is_a_path(tempfile: Any, folder: Path) -> None:
    with tempfile.NamedTemporaryFile() as file:
        assert os.fspath(file) == file.name
        assert os.path.getsize(file) == 0


@shortcoming
def deleting_can_be_decided_afterwards(tempfile: Any, folder: Path) -> None:
    kept, gone = tempfile.NamedTemporaryFile(), tempfile.NamedTemporaryFile(delete=False)
    kept.delete, gone.delete = False, True
    kept.close()
    gone.close()
    assert os.path.exists(kept.name)
    assert not os.path.exists(gone.name)


@shortcoming
def a_spool_is_a_real_file_object(tempfile: Any, folder: Path) -> None:
    for rolls in (False, True):
        with tempfile.SpooledTemporaryFile(max_size=4 if rolls else 0) as spool:
            assert isinstance(spool, io.BufferedRandom)
            spool.write(b"one\ntwo\n")
            assert spool.truncate(10) == 10
            spool.seek(0)
            assert spool.peek(3)[:3] == b"one"
            buffer = bytearray(4)
            assert spool.readinto(buffer) == 4
            assert list(spool) == [b"two\n", b"\0\0"]
            assert (spool.name is not None) is rolls
        text = tempfile.SpooledTemporaryFile(max_size=4 if rolls else 0, mode="w+", encoding="utf-8")
        assert isinstance(text, io.TextIOWrapper)
        assert isinstance(text, tempfile.SpooledTemporaryFile)
        text.write("naïve\ntwo\n")
        text.seek(0)
        assert list(text) == ["naïve\n", "two\n"]
        with text.detach() as binary:
            binary.seek(0)
            assert binary.read() == "naïve\ntwo\n".encode()


@shortcoming
def a_spools_name_is_never_a_bare_number(tempfile: Any, folder: Path) -> None:
    with tempfile.SpooledTemporaryFile(max_size=1) as spool:
        assert spool.name is None
        spool.write(b"123")
        spool.flush()
        assert isinstance(spool.name, str)
        assert Path(spool.name).read_bytes() == b"123"


@shortcoming
def reading_on_after_writing_finds_what_is_there(tempfile: Any, folder: Path) -> None:
    with tempfile.SpooledTemporaryFile(max_size=1, mode="w+", encoding="utf-8") as spool:
        spool.rollover()
        spool.write("ab")
        spool.seek(0)
        spool.write("c")
        assert isinstance(spool, io.TextIOWrapper)
        assert spool.read(1) == "b"
        spool.seek(0)
        assert spool.read() == "cb"


@shortcoming
def names_come_from_the_operating_system(tempfile: Any, folder: Path) -> None:
    calls = []
    real = os.urandom

    def urandom(size: int) -> bytes:
        calls.append(size)
        return real(size)

    os.urandom = urandom
    try:
        names = tempfile._RandomNameSequence()
        assert len({next(names) for _ in range(1000)}) == 1000
    finally:
        os.urandom = real
    assert calls


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
def test_ours_does_better(
    check: Check, temp: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(ours, "tempdir", str(temp))
    check(ours, temp)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
def test_control_the_original_fails(check: Check, temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(original, "tempdir", str(temp))
    umask = os.umask(0o022)
    os.umask(umask)
    failed = False
    try:
        check(original, temp)
    except BaseException:
        failed = True
    os.umask(umask)
    for path, folders, _ in os.walk(temp):
        for folder in folders:
            os.chmod(os.path.join(path, folder), 0o700)
    assert failed


PROGRAMS["a forked child that leaves the block"] = """
with tempfile.TemporaryDirectory() as directory, tempfile.NamedTemporaryFile() as file:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        ok = os.path.exists(directory) and os.path.exists(file.name)
if child == 0:
    os._exit(0)
"""
PROGRAMS["a forked child that raises"] = """
try:
    with tempfile.TemporaryDirectory() as directory, tempfile.NamedTemporaryFile() as file:
        child = os.fork()
        if child == 0:
            raise KeyError
        os.waitpid(child, 0)
        ok = os.path.exists(directory) and os.path.exists(file.name)
except KeyError:
    os._exit(0)
"""
PROGRAMS["a forked child that exits"] = """
directory, file = tempfile.TemporaryDirectory(), tempfile.NamedTemporaryFile()
child = os.fork()
if child == 0:
    sys.exit()
os.waitpid(child, 0)
ok = os.path.exists(directory.name) and os.path.exists(file.name)
file.close()
directory.cleanup()
"""
PROGRAMS["a forked child that cleans up and collects"] = """
directory, file = tempfile.TemporaryDirectory(), tempfile.NamedTemporaryFile()
child = os.fork()
if child == 0:
    name = directory.name
    file.delete = False
    file.delete = True
    file.close()
    directory.cleanup()
    del file, directory
    os._exit(0)
os.waitpid(child, 0)
ok = os.path.exists(directory.name) and os.path.exists(file.name)
file.close()
directory.cleanup()
"""
PROGRAMS["a deep tree with few descriptors"] = """
import resource
directory = tempfile.TemporaryDirectory()
here = os.open(directory.name, os.O_RDONLY)
for _ in range(3000):
    os.mkdir("d", dir_fd=here)
    there = os.open("d", os.O_RDONLY, dir_fd=here)
    os.close(here)
    here = there
os.close(here)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
directory.cleanup()
ok = not os.path.exists(directory.name)
"""
for method in ("fork", "forkserver", "spawn"):
    PROGRAMS[f"globals of a child of multiprocessing, {method}"] = f"""
import multiprocessing
def work():
    global directory, file
    directory, file = tempfile.TemporaryDirectory(), tempfile.NamedTemporaryFile()
    open(directory.name + "/file", "w").close()
if __name__ == "__main__":
    multiprocessing.set_start_method({method!r})
    process = multiprocessing.Process(target=work)
    process.start()
    process.join()
    assert process.exitcode == 0
    ok = not [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("tmp")]
"""
SPAWN = "globals of a child of multiprocessing, spawn"


def run(program: str, module: str, temp: Path) -> str:
    path = temp / "program.py"
    path.write_text(f"import os, sys\n{module}\n{program}\nif __name__ == '__main__':\n    print(ok)\n")
    done = subprocess.run([sys.executable, "-W", "ignore", path], capture_output=True, text=True, check=False)
    subprocess.run(["rm", "-rf", *temp.glob("tmp*")], check=True)  # the original's leavings, deep ones too
    return done.stdout.strip()


@pytest.mark.parametrize("name", PROGRAMS)
def test_ours_does_better_in_a_process_of_its_own(name: str, temp: Path) -> None:
    assert run(PROGRAMS[name], "from scratchwork import tempfile", temp) == "True"


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - {SPAWN}))
def test_control_the_original_fails_in_a_process_of_its_own(name: str, temp: Path) -> None:
    if "deep tree" in name and sys.version_info >= (3, 13):
        pytest.skip("mended there")
    assert run(PROGRAMS[name], "import tempfile", temp) != "True"


FORGETFUL = "from scratchwork.files import owning; owning._forget_the_parents.__code__ = (lambda: None).__code__\n"


@pytest.mark.parametrize("name", ["a forked child that exits", "a forked child that cleans up and collects"])
def test_control_without_forgetting_after_a_fork_the_child_removes_it(name: str, temp: Path) -> None:
    assert run(PROGRAMS[name], FORGETFUL + "from scratchwork import tempfile", temp) == "False"


def test_control_without_comparing_identity_anothers_file_goes(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scratchwork.files import named

    monkeypatch.setattr(ours, "tempdir", str(temp))
    file = ours.NamedTemporaryFile()
    os.rename(file.name, temp / "away")
    Path(file.name).write_text("another's")
    status = os.lstat(file.name)
    file._status = status  # what a comparison that always holds comes to
    file.close()
    assert not os.path.exists(file.name)
    assert named.NamedFile is type(file)
