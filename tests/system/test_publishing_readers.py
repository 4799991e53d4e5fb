"""A process that reads all the while sees one whole version after another; the control is one that sees a part."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scratchwork.system.publishing import open_draft, publish

from .publishing_scenarios import Arena

SIZE = 300_000
ROUNDS = 150

# Reads until it is told to stop, and then tells how often it saw which: whole, a part, or nothing.
_FILE_READER = """
import os, select, sys
seen = {"whole": 0, "part": 0, "nothing": 0}
print("ready", flush=True)
while not select.select([0], [], [], 0)[0]:
    try:
        with open(sys.argv[1], "rb") as file:
            data = file.read()
    except FileNotFoundError:
        seen["nothing"] += 1
        continue
    seen["whole" if len(data) == int(sys.argv[2]) and len(set(data)) == 1 else "part"] += 1
print(*seen.values())
"""

_TREE_READER = """
import os, select, sys
seen = {"whole": 0, "part": 0, "nothing": 0}
print("ready", flush=True)
while not select.select([0], [], [], 0)[0]:
    try:
        top = os.open(sys.argv[1], os.O_RDONLY)
    except FileNotFoundError:
        seen["nothing"] += 1
        continue
    try:
        before = os.stat(sys.argv[1])
        names = os.listdir(top)
        same = os.path.samestat(before, os.stat(sys.argv[1])) and os.path.samestat(before, os.fstat(top))
    except FileNotFoundError:
        seen["nothing"] += 1
        continue
    finally:
        os.close(top)
    if same:  # else it was replaced while we looked, and what we held open is being removed
        seen["whole" if len(names) == int(sys.argv[2]) else "part"] += 1
print(*seen.values())
"""


@contextmanager
def reading(program: str, path: Path, size: int) -> Iterator[Callable[[], tuple[int, int, int]]]:
    """Start a reader; give what stops it and returns how often it saw the whole, a part and nothing."""
    command = [sys.executable, "-I", "-S", "-c", program, str(path), str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None

        def stop() -> tuple[int, int, int]:
            whole, part, nothing = process.communicate("stop")[0].split()
            return int(whole), int(part), int(nothing)

        try:
            assert process.stdout.readline() == "ready\n"
            yield stop
        finally:
            process.kill()


def by_publishing(arena: Arena, data: bytes) -> None:
    arena.source.write_bytes(data)
    publish(arena.source, arena.destination, durable=False)


def by_draft(arena: Arena, data: bytes) -> None:
    draft = open_draft(arena.destination)
    with open(draft.fd, "wb", closefd=False) as file:
        file.write(data)
    draft.commit(durable=False)
    draft.close()


def naively(arena: Arena, data: bytes) -> None:
    with arena.destination.open("wb") as file:
        file.write(data[: SIZE // 2])
        file.flush()
        file.write(data[SIZE // 2 :])


def by_removing(arena: Arena, data: bytes) -> None:
    arena.source.write_bytes(data)
    arena.destination.unlink()
    arena.source.rename(arena.destination)


def across(memory: Path, place: Path) -> Arena:
    return Arena(memory, place)


def seen_while(arena: Arena, write: Callable[[Arena, bytes], None]) -> tuple[int, int, int]:
    arena.destination.write_bytes(b"0" * SIZE)
    with reading(_FILE_READER, arena.destination, SIZE) as stop:
        for number in range(ROUNDS):
            write(arena, bytes([number]) * SIZE)
        return stop()


@pytest.fixture
def arena(place: Path) -> Arena:
    (place / "here").mkdir()
    (place / "there").mkdir()
    return Arena(place / "here", place / "there")


@pytest.mark.parametrize("write", [by_publishing, by_draft])
def test_a_reader_sees_whole_files(arena: Arena, write: Callable[[Arena, bytes], None]) -> None:
    whole, part, nothing = seen_while(arena, write)
    assert whole > 0
    assert (part, nothing) == (0, 0)


def test_a_reader_sees_whole_files_from_another_device(arena: Arena, tmp_path: Path) -> None:
    whole, part, nothing = seen_while(Arena(tmp_path, arena.there), by_publishing)
    assert whole > 0
    assert (part, nothing) == (0, 0)


def test_control_a_reader_sees_parts_of_what_is_written_in_place(arena: Arena) -> None:
    for _ in range(20):
        _, part, _ = seen_while(arena, naively)
        if part:
            return
    pytest.fail("no part was ever seen: this reader could not tell")


def test_a_reader_sees_whole_directories(arena: Arena) -> None:
    whole, part, nothing = trees_seen_while(arena, lambda: publish(arena.source, arena.destination, durable=False))
    assert whole > 0
    assert (part, nothing) == (0, 0)


def test_control_a_reader_sees_none_between_two_renames(arena: Arena) -> None:
    def replace() -> None:
        arena.destination.rename(arena.there / "old")
        arena.source.rename(arena.destination)
        for entry in (arena.there / "old").iterdir():
            entry.unlink()
        (arena.there / "old").rmdir()

    for _ in range(20):
        _, _, nothing = trees_seen_while(arena, replace)
        if nothing:
            return
    pytest.fail("it was never seen missing: this reader could not tell")


def trees_seen_while(arena: Arena, replace: Callable[[], object]) -> tuple[int, int, int]:
    def make(path: Path) -> None:
        path.mkdir()
        for number in range(20):
            (path / str(number)).touch()

    if not arena.destination.exists():
        make(arena.destination)
    with reading(_TREE_READER, arena.destination, 20) as stop:
        for _ in range(ROUNDS):
            make(arena.source)
            replace()
        return stop()


def test_what_was_open_stays_the_old_version(arena: Arena) -> None:
    arena.destination.write_bytes(b"old")
    fd = os.open(arena.destination, os.O_RDONLY)
    by_publishing(arena, b"new")
    assert os.read(fd, 10) == b"old"
    os.close(fd)
