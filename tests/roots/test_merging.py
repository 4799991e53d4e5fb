"""One file of many, in their order, in one step."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from scratchwork import QuotaExceeded, Root, Workspace, tempfile
from scratchwork.roots import merging
from tests.helpers_leftovers import open_descriptors
from tests.helpers_processes import PATIENCE
from tests.helpers_programs import kill, running


@pytest.fixture
def ws(tmp_path: Path, root: Root) -> Iterator[Workspace]:  # pytest's own temp folder lies outside of ours
    with root.workspace("merging") as workspace:
        for number in range(3):
            (workspace / f"part-{number}").write_text(f"{number}\n")
        yield workspace


def content(ws: Workspace) -> dict[str, bytes]:
    """Return all that lies in a workspace."""
    files = (path for path in ws.path.rglob("*") if path.is_file())
    return {str(path.relative_to(ws)): path.read_bytes() for path in files}


# In order


def test_in_the_order_of_the_parts(ws: Workspace) -> None:
    before = content(ws)
    merged = ws.merge(["part-2", ws / "part-0", Path("part-1"), "part-0"], "into")
    assert merged == ws / "into"
    assert merged.read_text() == "2\n0\n1\n0\n"
    assert content(ws) == before | {"into": b"2\n0\n1\n0\n"}, "the parts stay"


def test_parts_come_from_an_iterator_and_may_be_none(ws: Workspace) -> None:
    assert ws.merge((f"part-{number}" for number in range(3)), "into").read_text() == "0\n1\n2\n"
    assert ws.merge([], "into").read_bytes() == b""
    (ws / "empty").touch()
    assert ws.merge(["empty", "part-1", "empty"], "into").read_text() == "1\n"


def test_into_a_directory_below_and_over_what_was_there(ws: Workspace) -> None:
    (ws / "sub").mkdir()
    (ws / "sub" / "into").write_text("something longer that was there before")
    assert ws.merge(["part-0"], "sub/into") == ws / "sub" / "into"
    assert (ws / "sub" / "into").read_text() == "0\n"
    assert os.listdir(ws / "sub") == ["into"]


def test_into_one_of_the_parts(ws: Workspace) -> None:
    for _ in range(2):
        ws.merge(["part-0", "part-1", "part-0"], "part-0")
    assert (ws / "part-0").read_text() == "0\n1\n0\n1\n0\n1\n0\n"


def test_parts_from_elsewhere_stay_there(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("outside\n")
    ws.merge([tmp_path / "outside", "part-0"], "into")
    assert (ws / "into").read_text() == "outside\n0\n"
    assert (tmp_path / "outside").exists()


def test_a_link_is_replaced_and_where_it_leads_is_left_alone(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("outside\n")
    (ws / "into").symlink_to(tmp_path / "outside")
    ws.merge(["part-0"], "into")
    assert (ws / "into").read_text() == "0\n"
    assert not (ws / "into").is_symlink()
    assert (tmp_path / "outside").read_text() == "outside\n"


def test_large_ones(ws: Workspace) -> None:
    data = os.urandom(3 * 2**20 + 5)
    (ws / "large").write_bytes(data)
    assert ws.merge(["large", "part-0", "large"], "into").read_bytes() == data + b"0\n" + data


@pytest.mark.parametrize(
    "name", ["x" * 255, "€" * 85, ".hidden", "a b\n", "é" * 100], ids=["x", "euros", "hidden", "blanks", "accents"]
)
def test_whatever_its_name(ws: Workspace, name: str) -> None:
    assert ws.merge(["part-0", "part-1"], name).read_text() == "0\n1\n"
    assert len(os.listdir(ws)) == 4


# Open files


def test_open_files_are_read_from_their_beginnings(ws: Workspace) -> None:
    with ws.open("open", "w+b") as file, io.BytesIO(b"in memory\n") as memory:
        file.write(b"open\n")
        memory.seek(5)
        ws.merge([file, memory, file], "into")
        assert (ws / "into").read_bytes() == b"open\nin memory\nopen\n"
        file.write(b"and goes on")
    assert (ws / "open").read_bytes() == b"open\nand goes on"


@pytest.mark.parametrize("size", [10, 100_000], ids=["rolled over", "in memory"])
def test_the_spools_of_threads(ws: Workspace, size: int) -> None:
    spools: list[IO[bytes]] = [tempfile.SpooledTemporaryFile(size, dir=ws) for _ in range(8)]

    def work(number: int) -> None:
        for count in range(50):
            spools[number].write(f"{number} {count}\n".encode())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    merged = ws.merge(spools, "into").read_text()
    assert merged == "".join(f"{number} {count}\n" for number in range(8) for count in range(50))
    for spool in spools:
        spool.close()


# In one step


class Observed(io.BytesIO):
    """A part that looks, while it is read, at what the readers of a file see."""

    def __init__(self, path: Path) -> None:
        super().__init__(b"new" * 1_000_000)
        self.path = path
        self.seen: list[bytes] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.seen.append(self.path.read_bytes())
        return super().read(size)


def test_until_it_is_whole_readers_see_what_was_there(ws: Workspace) -> None:
    (ws / "into").write_bytes(b"old")
    part = Observed(ws / "into")
    ws.merge(["part-0", part, "part-1"], "into")
    assert len(part.seen) > 2
    assert set(part.seen) == {b"old"}
    assert (ws / "into").read_bytes() == b"0\n" + b"new" * 1_000_000 + b"1\n"


def test_control_written_in_place_they_see_a_part_of_it(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    (ws / "into").write_bytes(b"old")
    part = Observed(ws / "into")
    monkeypatch.setattr(merging, "open_in", lambda *_: (ws / "into").open("wb", 0))
    with pytest.raises(FileNotFoundError):  # the draft, which is not there
        ws.merge(["part-0", part], "into")
    assert b"0\n" in part.seen


def test_a_reader_that_has_it_open_reads_on(ws: Workspace) -> None:
    (ws / "into").write_bytes(b"old")
    with (ws / "into").open("rb") as file:
        ws.merge(["part-0"], "into")
        assert file.read() == b"old"


def test_killed_in_the_middle_the_old_one_stands(temp: Path) -> None:
    program = """
import io, scratchwork
ws = scratchwork.Root("app").workspace()
(ws / "into").write_text("old")
class Part(io.BytesIO):
    def read(self, size=-1):
        print(ws, flush=True)
        input()
ws.merge([io.BytesIO(b"x" * 1_000_000), Part()], "into")
"""
    with running(program) as (process, (path,)), Workspace.attach(path):
        kill(process)
        assert Path(path, "into").read_text() == "old"


def test_of_two_at_once_one_is_last_and_both_are_whole(ws: Workspace) -> None:
    parts = {letter: [io.BytesIO(letter * 300_000) for _ in range(3)] for letter in (b"a", b"b")}
    whole = {letter * 900_000 for letter in parts}
    for _ in range(20):
        barrier = threading.Barrier(2)

        def work(letter: bytes, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(PATIENCE)
            ws.merge(parts[letter], "into")

        threads = [threading.Thread(target=work, args=(letter,)) for letter in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (ws / "into").read_bytes() in whole
        assert sorted(os.listdir(ws)) == ["into", "part-0", "part-1", "part-2"]


# Quotas


def test_it_counts(root: Root) -> None:
    with root.workspace(quota=100) as ws:
        for name in ("a", "b"):
            with ws.open(name, "wb") as file:
                file.write(b"x" * 25)
        ws.merge(["a", "b"], "into")
        with ws.open("more", "wb", 0) as file, pytest.raises(QuotaExceeded):
            file.write(b"y")


def test_more_than_the_quota_leaves_what_was_there(root: Root) -> None:
    with root.workspace(quota=100) as ws:
        with ws.open("a", "wb") as file:
            file.write(b"x" * 40)
        with ws.open("into", "wb") as file:
            file.write(b"old")
        with pytest.raises(QuotaExceeded):
            ws.merge(["a", "a"], "into")
        assert content(ws) == {"a": b"x" * 40, "into": b"old"}
        ws.merge(["a"], "into")
        (ws / "a").unlink()
        with ws.open("a", "wb") as file:
            file.write(b"y" * 60)
        assert content(ws) == {"a": b"y" * 60, "into": b"x" * 40}


# Bad input


def raising() -> Iterator[str]:
    yield "part-0"
    raise KeyError("half-way")


def closed_file() -> Any:
    with open(os.devnull, "rb") as file:
        return file


@pytest.mark.parametrize(
    ("make", "into", "error"),
    [
        (lambda: ["part-0", "none"], "into", FileNotFoundError),
        (lambda: ["part-0", "directory"], "into", IsADirectoryError),
        (lambda: ["part-0", closed_file()], "into", ValueError),
        (lambda: ["part-0", io.StringIO("text")], "into", TypeError),
        (lambda: ["part-0", 3], "into", (TypeError, AttributeError)),
        (raising, "into", KeyError),
        (lambda: "part-0", "into", TypeError),
        (lambda: b"part-0", "into", TypeError),
        (lambda: Path("part-0"), "into", TypeError),
        (lambda: 3, "into", TypeError),
        (lambda: ["part-0"], "../into", ValueError),
        (lambda: ["part-0"], "/tmp/into", ValueError),
        (lambda: ["part-0"], "", ValueError),
        (lambda: ["part-0"], ".", ValueError),
        (lambda: ["part-0"], "a\0b", ValueError),
        (lambda: ["part-0"], "none/into", FileNotFoundError),
        (lambda: ["part-0"], "part-1/into", NotADirectoryError),
        (lambda: ["part-0"], "directory", IsADirectoryError),
        (lambda: ["part-0"], "x" * 256, OSError),
    ],
)
@pytest.mark.parametrize("quota", [None, 1000])
def test_bad_input_is_told_and_leaves_what_was_there(
    root: Root, make: Callable[[], Any], into: str, error: type[Exception], quota: int | None
) -> None:
    with root.workspace(quota=quota) as ws:
        for number in range(2):
            (ws / f"part-{number}").write_text(f"{number}\n")
        (ws / "into").write_text("old")
        (ws / "directory").mkdir()
        before, descriptors = content(ws), open_descriptors()
        with pytest.raises(error):
            ws.merge(make(), into)
        assert content(ws) == before
        assert open_descriptors() == descriptors


def test_a_pipe_has_no_beginning(ws: Workspace) -> None:
    before = content(ws)
    reader, writer = os.pipe()
    os.close(writer)
    with os.fdopen(reader, "rb") as file, pytest.raises(OSError, match=r"Illegal seek|not seekable"):
        ws.merge(["part-0", file], "into")
    assert content(ws) == before
