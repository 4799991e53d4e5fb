"""Calls that fail on demand: what is caught, what the error is, and that nothing else fails."""

from __future__ import annotations

import builtins
import bz2
import errno
import gzip
import io
import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import scratchwork
from scratchwork import tempfile as our_tempfile
from scratchwork.testing.faults import Faults
from tests.plugin.suites import Suite


@pytest.fixture
def ws(temp: Path) -> Iterator[scratchwork.Workspace]:
    with scratchwork.workspace("faults") as workspace:
        yield workspace


@pytest.fixture
def faults(ws: scratchwork.Workspace) -> Iterator[Faults]:
    with Faults(ws) as faults:
        yield faults


def with_descriptor(path: Path, write: Callable[[int], object]) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        write(descriptor)
    finally:
        os.close(descriptor)


def a_source(path: Path) -> Path:
    source = path.parent.parent.parent / "source"  # in the temp folder, outside of the workspace
    source.write_bytes(b"x" * 10_000)
    return source


def from_source(path: Path, copy: Callable[[int, int], object]) -> None:
    with open(a_source(path), "rb") as source:
        with_descriptor(path, lambda target: copy(source.fileno(), target))


def through_tempfile(path: Path, maker: Callable[..., Any]) -> None:
    with maker(dir=path.parent) as file:
        file.write(b"x")
        file.flush()


def through_mkstemp(path: Path) -> None:
    descriptor, _ = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write("x")


def through_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "x" * 100)


def through_tar(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        archive.add(a_source(path), "a")


def through_atomic_write(path: Path) -> None:
    with scratchwork.atomic_write(path) as file:
        file.write("x")


def closing(file: io.IOBase) -> None:
    with file:
        file.write(b"x")


WRITERS: dict[str, Callable[[Path], object]] = {
    "open": lambda path: closing(open(path, "wb")),
    "open, unbuffered": lambda path: closing(open(path, "ab", 0)),
    "open, to read too": lambda path: closing(open(path, "w+b")),
    "open, by descriptor": lambda path: with_descriptor(path, lambda fd: closing(open(fd, "wb", closefd=False))),
    "open, with opener": lambda path: closing(open(path, "wb", opener=os.open)),
    "io.FileIO": lambda path: closing(io.FileIO(path, "w")),
    "pathlib": lambda path: path.write_text("x"),
    "os.write": lambda path: with_descriptor(path, lambda fd: os.write(fd, b"x")),
    "os.writev": lambda path: with_descriptor(path, lambda fd: os.writev(fd, [b"x"])),
    "os.pwrite": lambda path: with_descriptor(path, lambda fd: os.pwrite(fd, b"x", 5)),
    "os.posix_fallocate": lambda path: with_descriptor(path, lambda fd: os.posix_fallocate(fd, 0, 5)),
    "os.sendfile": lambda path: from_source(path, lambda source, target: os.sendfile(target, source, 0, 10)),
    "os.copy_file_range": lambda path: from_source(path, lambda source, target: os.copy_file_range(source, target, 10)),
    "shutil.copyfile": lambda path: shutil.copyfile(a_source(path), path),
    "TemporaryFile": lambda path: through_tempfile(path, tempfile.TemporaryFile),
    "NamedTemporaryFile": lambda path: through_tempfile(path, tempfile.NamedTemporaryFile),
    "our TemporaryFile": lambda path: through_tempfile(path, our_tempfile.TemporaryFile),
    "our NamedTemporaryFile": lambda path: through_tempfile(path, our_tempfile.NamedTemporaryFile),
    "mkstemp": through_mkstemp,
    "zipfile": through_zip,
    "tarfile": through_tar,
    "gzip": lambda path: closing(gzip.open(path, "wb")),
    "bz2": lambda path: closing(bz2.open(path, "wb")),
    "atomic_write": through_atomic_write,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_write_fails_whoever_writes(ws: scratchwork.Workspace, faults: Faults, name: str) -> None:
    fault = faults.fail("write")
    with pytest.raises(OSError) as caught:
        WRITERS[name](ws / "out")
    assert caught.value.errno == errno.ENOSPC
    assert "No space left on device" in str(caught.value)
    assert fault.happened == 1


def test_a_metered_write_fails_too(ws: scratchwork.Workspace) -> None:
    with scratchwork.workspace(quota="1 MB") as metered, Faults(metered) as faults:
        faults.fail("write", 2, error=errno.EIO)
        with metered.open("a", "wb", buffering=0) as file:
            file.write(b"x")
            with pytest.raises(OSError, match="Input/output error"):
                file.write(b"x")
        assert metered.usage().length == 1


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="needs a second file system")
def test_publishing_fails_where_it_copies(ws: scratchwork.Workspace, faults: Faults) -> None:
    fault = faults.fail("write", lasting=True)
    with our_tempfile.NamedTemporaryFile(dir="/dev/shm") as other:
        other.write(b"x" * 100)
        with pytest.raises(scratchwork.CannotPublish) as caught:
            other.publish(ws / "out")
    assert caught.value.errno == errno.ENOSPC
    assert fault.happened >= 1
    assert not (ws / "out").exists()


def test_the_nth_write_fails_and_what_was_written_before_stays(ws: scratchwork.Workspace, faults: Faults) -> None:
    fault = faults.fail("write", 3)
    with open(ws / "out", "wb", buffering=0) as file:
        file.write(b"a")
        file.write(b"b")
        with pytest.raises(OSError, match="No space left on device") as caught:
            file.write(b"c")
        file.write(b"d")
    assert caught.value.filename is None, "as the kernel's"
    assert fault.happened == 1
    assert (ws / "out").read_bytes() == b"abd"
    assert "write 3 of * fails with ENOSPC; happened 1 times" in repr(fault)


def test_a_buffer_is_one_write(ws: scratchwork.Workspace, faults: Faults) -> None:
    faults.fail("write", 2, lasting=True)  # a text file and its buffer each try, when they are closed
    file = open(ws / "out", "w", encoding="utf-8")
    file.writelines("line\n" for _ in range(100))
    file.flush()
    file.write("more")
    with pytest.raises(OSError, match="No space left"):
        file.close()
    assert (ws / "out").stat().st_size == 500


@pytest.mark.parametrize("make", [str, os.fsencode, Path])
@pytest.mark.parametrize("call", [open, io.open, io.FileIO, lambda path: os.open(path, os.O_RDONLY)])
def test_an_open_fails_as_the_kernels_does(
    ws: scratchwork.Workspace, faults: Faults, call: Callable[..., object], make: Callable[[Path], object]
) -> None:
    (ws / "in").write_text("x")
    faults.fail("open", error=errno.EACCES)
    with pytest.raises(PermissionError) as caught:
        call(make(ws / "in"))
    (ws / "in").chmod(0)
    given = make(ws / "in")
    assert caught.value.filename == (os.fspath(given) if isinstance(given, Path) else given)
    assert str(caught.value).startswith("[Errno 13] Permission denied: ")


def test_an_open_relative_to_a_folder_fails(ws: scratchwork.Workspace, faults: Faults) -> None:
    folder = os.open(ws, os.O_RDONLY | os.O_DIRECTORY)
    try:
        faults.fail("open", 2, error=errno.EMFILE)
        os.close(os.open("a", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
        with pytest.raises(OSError, match="Too many open files: 'b'"):
            os.open("b", os.O_CREAT | os.O_WRONLY, dir_fd=folder)
        assert os.listdir(folder) == ["a"]
    finally:
        os.close(folder)


@pytest.mark.parametrize("call", [os.unlink, os.remove, Path.unlink, lambda path: shutil.rmtree(path.parent)])
def test_an_unlink_fails_and_the_file_stays(
    ws: scratchwork.Workspace, faults: Faults, call: Callable[[Path], object]
) -> None:
    path = ws / "folder" / "in"
    path.parent.mkdir()
    path.write_text("x")
    fault = faults.fail("unlink", error=errno.EACCES)
    with pytest.raises(PermissionError):
        call(path)
    assert path.exists()
    call(path)
    assert not path.exists()
    assert fault.happened == 1


def test_patterns_and_several_faults_are_counted_for_themselves(ws: scratchwork.Workspace, faults: Faults) -> None:
    faults.fail("open", 2, match="*.csv")
    faults.fail("open", 1, match="b.*", error=errno.EIO)
    (ws / "a.txt").write_text("x")
    (ws / "a.csv").write_text("x")
    with pytest.raises(OSError, match="Input/output error"):
        (ws / "b.txt").write_text("x")
    with pytest.raises(OSError, match="No space left"):
        (ws / "b.csv").write_text("x")
    (ws / "b.csv").write_text("x")


def test_lasting_ones_fail_until_cleared_in_all_threads(ws: scratchwork.Workspace, faults: Faults) -> None:
    fault = faults.fail("write", 11, lasting=True)
    failed = []

    def write(number: int) -> None:
        for turn in range(10):
            try:
                (ws / f"{number}-{turn}").write_bytes(b"x")
            except OSError:
                failed.append(number)

    threads = [Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == fault.happened == 30
    faults.clear()
    write(5)
    assert len(failed) == 30


def test_nothing_else_fails(ws: scratchwork.Workspace, faults: Faults, temp: Path) -> None:
    for what in ("write", "open", "unlink"):
        faults.fail(what, lasting=True)
    beside = Path(f"{ws}-beside")
    beside.write_text("x")
    assert beside.read_text() == "x"
    beside.unlink()
    os.listdir(ws)
    with open(os.devnull, "w", encoding="utf-8") as file:
        file.write("x")
    read, write = os.pipe()
    os.write(write, b"x")
    assert os.read(read, 1) == b"x"
    os.close(read)
    os.close(write)


def test_the_stand_ins_are_as_the_real_ones(ws: scratchwork.Workspace, faults: Faults) -> None:
    with open(ws / "text", "w+", 1, "utf-8", "replace", "\r\n") as text:
        assert (text.name, text.mode, text.encoding, text.errors) == (str(ws / "text"), "w+", "utf-8", "replace")
        assert text.line_buffering
        text.write("a\n")
        assert (ws / "text").read_bytes() == b"a\r\n"
    with open(ws / "text", "rb") as reader:
        assert type(reader) is io.BufferedReader
    with open(ws / "text", "r+b") as both, open(ws / "text", "ab") as writer, open(ws / "text", "ab", 0) as raw:
        assert (type(both), type(writer)) == (io.BufferedRandom, io.BufferedWriter)
        assert isinstance(raw, io.FileIO)
    for wrong, error in (
        ({"mode": "rw"}, ValueError),
        ({"mode": "wb", "encoding": "utf-8"}, ValueError),
        ({"mode": "w", "buffering": 0}, ValueError),
        ({"mode": "w", "encoding": "no such"}, LookupError),
        ({"mode": "x"}, FileExistsError),
    ):
        with pytest.raises(error):
            open(ws / "text", **wrong)
    with pytest.raises(FileNotFoundError):
        open(ws / "nowhere" / "text", "w")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.write(99_999, b"")


def test_afterwards_all_is_as_before(ws: scratchwork.Workspace) -> None:
    def now() -> list[object]:
        places: list[tuple[Any, str]] = [(builtins, "open"), (io, "open"), (io, "FileIO"), (tarfile, "bltn_open")]
        places += [(os, name) for name in ("open", "write", "sendfile", "supports_dir_fd")]
        return [getattr(*place) for place in places]

    before = [*now()[:-1], set(os.supports_dir_fd)]
    with Faults(ws) as outer:
        outer.fail("write")
        with Faults(ws) as inner:
            inner.fail("open", error=errno.EIO)
            with pytest.raises(OSError, match="Input/output error"):
                open(ws / "a", "w")
        file = open(ws / "a", "w", buffering=1)
        assert os.open in os.supports_dir_fd
    assert now() == before
    file.write("nothing fails any more\n")
    file.close()


@pytest.mark.parametrize(("what", "nth", "error"), [("rename", 1, 28), ("write", 0, 28), ("write", 1, 0)])
def test_nonsense_is_refused(ws: scratchwork.Workspace, what: Any, nth: int, error: int) -> None:
    with pytest.raises(ValueError, match="one of write, open, unlink"):
        Faults(ws).fail(what, nth, error=error)


def test_the_fixture_is_for_its_tests_workspace(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import errno, pytest, tempfile
        def export(path):
            with open(path, "wb", buffering=0) as file:
                for number in range(5):
                    file.write(b"row")
        def test_full(scratch, scratch_faults):
            fault = scratch_faults.fail("write", nth=3, error=errno.ENOSPC)
            with pytest.raises(OSError) as caught:
                export(scratch / "out")
            assert caught.value.errno == errno.ENOSPC and fault.happened == 1
            assert (scratch / "out").read_bytes() == b"rowrow"
            export(tempfile.gettempdir() + "/beside")
        def test_after(scratch):
            export(scratch / "out")
        def test_is_told(scratch, scratch_faults):
            scratch_faults.fail("open", lasting=True)
            export(scratch / "out")
        """,
    )
    session = suite.run()
    assert session.counts == {"passed": 2, "failed": 1}
    assert "OSError: [Errno 28] No space left on device: " in session.report("test_is_told")
