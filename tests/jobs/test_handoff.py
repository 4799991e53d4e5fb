"""Data of every kind, handed to another program as a path."""

from __future__ import annotations

import io
import json
import os
import subprocess
import threading
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scratchwork import Quota, QuotaExceeded, Root, handoff, tempfile
from scratchwork.system import processes
from tests.helpers_leftovers import everything, leaving_nothing

_LARGE = os.urandom(2**20) * 3 + b"end"


@pytest.fixture(autouse=True)
def before(tmp_path: Path, temp: Path) -> Iterator[set[str]]:  # pytest's own temp folder lies outside of ours
    with leaving_nothing(temp) as found:
        yield found


def read(path: os.PathLike[str]) -> bytes:
    """Return what another program reads there."""
    return subprocess.run(["cat", path], capture_output=True, check=True).stdout


@pytest.mark.parametrize("memory", [False, True])
@pytest.mark.parametrize(
    ("make", "content"),
    [
        (lambda: b"bytes\r\n\0", b"bytes\r\n\0"),
        (lambda: b"", b""),
        (lambda: bytearray(b"array"), b"array"),
        (lambda: memoryview(b"view")[1:], b"iew"),
        (lambda: array("H", [1, 258]), array("H", [1, 258]).tobytes()),
        (lambda: "text, é\n", "text, é\n".encode()),
        (lambda: "", b""),
        (lambda: _LARGE, _LARGE),
        (lambda: [b"one", bytearray(b"two"), memoryview(b"three")], b"onetwothree"),
        (lambda: (b"chunk" for _ in range(3)), b"chunkchunkchunk"),
        (lambda: (letter for letter in ("a", "é", "\n")), "aé\n".encode()),
        (lambda: ("", "late"), b"late"),
        (list, b""),
        (lambda: io.BytesIO(b"in memory"), b"in memory"),
        (lambda: io.StringIO("é"), "é".encode()),
    ],
    ids=[
        *("bytes", "no bytes", "bytearray", "memoryview", "array", "str", "no str", "large", "list of bytes"),
        *("generator of bytes", "generator of str", "tuple of str", "no chunks", "BytesIO", "StringIO"),
    ],
)
def test_another_program_reads_what_was_handed_off(make: Callable[[], Any], content: bytes, memory: bool) -> None:
    with handoff(make(), memory=memory) as path:
        assert read(path) == content
    assert not os.path.lexists(path)


# Open files


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes("first\nzwölf\r\nlast".encode())
    return path


def test_a_binary_file_from_where_it_stands(source: Path) -> None:
    with source.open("rb") as file:
        assert file.readline() == b"first\n"
        with handoff(file) as path:
            assert read(path) == "zwölf\r\nlast".encode()
        assert not file.closed


def test_a_text_file_from_where_it_stands_in_another_encoding(source: Path) -> None:
    with source.open(encoding="utf-8") as file:
        assert file.readline() == "first\n"
        with handoff(file, encoding="latin-1", newline="\r\n") as path:
            assert read(path) == "zwölf\r\nlast".encode("latin-1")


def test_a_large_file_and_a_spool(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(_LARGE)
    with open(tmp_path / "large", "rb", buffering=0) as file, handoff(file) as path:
        assert read(path) == _LARGE
    with tempfile.SpooledTemporaryFile(100) as spool:
        spool.write(_LARGE)
        spool.seek(10)
        with handoff(spool) as path:
            assert read(path) == _LARGE[10:]


def test_what_comes_out_of_another_program(tmp_path: Path) -> None:
    with subprocess.Popen(["seq", "200000"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        with handoff(process.stdout) as path:
            last = subprocess.run(["tail", "-n", "1", path], capture_output=True, check=True).stdout
            assert last == b"200000\n"


# JSON


@pytest.mark.parametrize(
    "data",
    [
        *({"depth": 3, "names": ["é", None, True, {}], "nested": {"a": [1.5, -2]}}, {}, [1, "two"], [], (1, 2), ()),
        *(0, 2**70, 2.5, -0.0, True, False, None),
    ],
    ids=repr,
)
@pytest.mark.parametrize("suffix", [".json", ".JSON"])
def test_a_suffix_of_json_makes_a_document_of_it(data: Any, suffix: str) -> None:
    with handoff(data, suffix) as path:
        assert path.name.endswith(suffix)
        found = json.loads(read(path))
        assert found == (list(data) if isinstance(data, tuple) else data)
        assert type(found) is (list if isinstance(data, tuple) else type(data))


def test_what_is_text_already_is_written_as_it_is() -> None:
    with handoff('{"a":\n1}', ".json") as path:
        assert read(path) == b'{"a":\n1}'
    with handoff(b"[ ]", ".json") as path:
        assert read(path) == b"[ ]"
    with handoff((part for part in ("[", "1", "]")), ".json") as path:
        assert read(path) == b"[1]"


def test_json_in_another_encoding() -> None:
    with handoff({"é": "ü"}, ".json", "utf-16") as path:
        assert json.loads(read(path).decode("utf-16")) == {"é": "ü"}


# Text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "iso2022_jp"])
def test_text_in_chunks_is_encoded_as_one(encoding: str) -> None:
    """A mark of the byte order, or a shift, comes once, not with every chunk."""
    text = "日本語 one two" if encoding == "iso2022_jp" else "é one two"
    with handoff(iter(text), encoding=encoding) as path:
        assert read(path) == text.encode(encoding)


@pytest.mark.parametrize(
    ("newline", "content"),
    [
        (None, f"a{os.linesep}b\r{os.linesep}"),
        ("", "a\nb\r\n"),
        ("\n", "a\nb\r\n"),
        ("\r\n", "a\r\nb\r\r\n"),
        ("\r", "a\rb\r\r"),
    ],
)
def test_newlines_are_as_open_has_them(newline: str | None, content: str) -> None:
    for data in ("a\nb\r\n", iter("a\nb\r\n")):
        with handoff(data, newline=newline) as path:
            assert read(path) == content.encode()
    with handoff(b"a\nb\r\n", newline=newline) as path:
        assert read(path) == b"a\nb\r\n"


# The file


def test_it_is_private_and_nobody_has_it_open() -> None:
    with handoff(b"x" * 10_000_000, ".bin") as path:
        assert path.is_absolute()
        assert path.name.endswith(".bin")
        assert path.stat().st_size == 10_000_000
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert processes.holders([str(path)]) == {str(path): []}
        with path.open("rb"):  # control
            assert processes.holders([str(path)]) == {str(path): [os.getpid()]}


@pytest.mark.parametrize("umask", [0, 0o777])
def test_its_mode_is_the_same_whatever_the_umask(umask: int) -> None:
    before = os.umask(umask)
    try:
        with handoff("text") as path:
            assert path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_a_program_may_change_it() -> None:
    with handoff("3\n1\n2\n") as path:
        subprocess.run(["sort", "-o", path, path], check=True)
        assert path.read_text() == "1\n2\n3\n"


def test_each_is_another_one() -> None:
    with handoff("one") as one, handoff("two") as two:
        assert one != two
        assert (read(one), read(two)) == (b"one", b"two")


def test_threads_hand_off_at_once(temp: Path) -> None:
    wrong: list[object] = []
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        for count in range(20):
            text = f"{number} {count}"
            with handoff([text] * 100, memory=count % 2 == 1) as path:
                if path.read_text() != text * 100:
                    wrong.append((path, text))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Where


def test_in_a_workspace(temp: Path) -> None:
    with Root("app").workspace() as ws:
        with handoff("text", ".txt", dir=ws) as path:
            assert path.parent == ws.path
            assert read(path) == b"text"
        assert os.listdir(ws) == []


@pytest.mark.parametrize("data", [b"x" * 101, "x" * 101, ["x"] * 101, "é" * 51], ids=["bytes", "str", "chunks", "é"])
def test_its_quota_counts_it(temp: Path, data: Any) -> None:
    with Root("app").workspace(quota=100) as ws:
        with handoff(b"x" * 100, dir=ws) as path, ws.open("full", "wb", 0) as file, pytest.raises(QuotaExceeded):
            file.write(b"y")
        assert not path.exists()
        with pytest.raises(QuotaExceeded) as caught, handoff(data, dir=ws):
            raise AssertionError("it was handed off")
        assert caught.value.workspace == str(ws)
        assert os.listdir(ws) == ["full"]
        with handoff(b"x" * 100, dir=ws) as path:
            assert read(path) == b"x" * 100


def test_a_quota_of_files_counts_it(temp: Path) -> None:
    with Root("app").workspace(quota=Quota(files=1)) as ws, handoff("one", dir=ws):
        with pytest.raises(QuotaExceeded), handoff("two", dir=ws):
            raise AssertionError("it was handed off")
        assert len(os.listdir(ws)) == 1


@pytest.mark.parametrize("memory", [False, True])
def test_a_directory_that_is_told_relative_stays_the_same_one(
    temp: Path, before: set[str], monkeypatch: pytest.MonkeyPatch, memory: bool
) -> None:
    """The program goes elsewhere meanwhile; what is removed is what was made."""
    (temp / "here").mkdir()
    monkeypatch.chdir(temp)
    with handoff("text", ".txt", dir="here", memory=memory) as path:
        assert path.is_absolute()
        monkeypatch.chdir("/")
        assert read(path) == b"text"
    assert everything(temp) == before | {"here"}
    (temp / "here").rmdir()


def test_a_file_that_does_not_block_is_not_cut(temp: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.write(writing, b"abc")
    with os.fdopen(reading, "rb", buffering=0) as file, pytest.raises(BlockingIOError), handoff(file):
        raise AssertionError("it was handed off")
    os.close(writing)


def test_any_suffix_that_ends_so_says_json(temp: Path) -> None:
    with handoff({"a": 1}, "-config.json") as path:
        assert path.read_text() == '{"a": 1}'
