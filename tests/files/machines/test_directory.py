"""TemporaryDirectory beside the original's: the same is made in both, and both leave nothing, inside or outside."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile as originals
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scratchwork import tempfile

from .sides import Draw, Raised, outcome, run

HAS_DELETE = sys.version_info >= (3, 12)
NAMES = ["a", "b", "c", "ü \n", "\udcff", "x" * 200]


class Side:
    """One of the two, with a folder of its own and something outside that nobody may touch."""

    def __init__(self, place: str, name: str) -> None:
        self.folder = os.path.join(place, name)
        self.outside = os.path.join(place, f"outside-{name}")
        self.before: object = None
        self.directory: Any = None

    def fill(self) -> None:
        os.mkdir(self.folder)
        os.makedirs(f"{self.outside}/directory/deeper")
        for path in (f"{self.outside}/file", f"{self.outside}/directory/file"):
            Path(path).write_text("outside")
        os.chmod(f"{self.outside}/file", 0o400)
        os.chmod(f"{self.outside}/directory/deeper", 0o500)
        self.before = self.what_is_outside()

    def what_is_outside(self) -> object:
        """What is seen of it, but for link counts, which hard links from inside change."""
        found = []
        for path, folders, files in os.walk(self.outside):
            for name in [".", *folders, *files]:
                status = os.lstat(os.path.join(path, name))
                found.append((path, name, status.st_mode, status.st_ino, status.st_size, status.st_mtime_ns))
        return sorted(found)

    def path(self, relative: str) -> str:
        return os.path.join(self.directory.name, relative)

    def holds(self, relative: str) -> bool:
        """Whether the folder of that path lies in the directory, not behind a symlink to elsewhere."""
        top = os.path.realpath(self.directory.name)
        folder = os.path.realpath(os.path.dirname(self.path(relative)) if relative else top)
        return bool(os.path.commonpath([top, folder]) == top)

    def clear(self) -> None:
        for path in (self.folder, self.outside):
            for folder, _, _ in os.walk(path):
                os.chmod(folder, 0o700)
            shutil.rmtree(path, ignore_errors=True)


Step = Callable[[Side], object]


class Directories(RuleBasedStateMachine):
    """Two directories and a list of what was made in them; what can't be made is an error that must be the same."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.ours = Side(place, "ours")
        self.original = Side(place, "original")
        self.made: list[str] = [""]
        self.ignores_errors = False
        self.deletes = True

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.ours, self.original

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        for side in self.sides:
            side.fill()
        self.make(data.draw)

    def make(self, draw: Draw) -> None:
        self.made = [""]
        self.ignores_errors = draw(st.booleans())
        self.deletes = draw(st.sampled_from([True, True, False])) if HAS_DELETE else True
        newer = {"delete": self.deletes} if HAS_DELETE else {}
        for side, module in ((self.ours, tempfile), (self.original, originals)):
            side.directory = module.TemporaryDirectory(
                ".s", "p-", side.folder, ignore_cleanup_errors=self.ignores_errors, **newer
            )
        self.same(lambda side: stat.S_IMODE(os.lstat(side.directory.name).st_mode))
        assert self.same(lambda side: os.path.dirname(side.directory.name) == side.folder) is True

    def teardown(self) -> None:
        for side in self.sides:
            if side.directory is not None:
                side.directory.cleanup()
            side.clear()

    def same(self, step: Step) -> object:
        expected = outcome(step, self.original)
        got = outcome(step, self.ours)
        assert got == expected, f"ours: {got!r}, the original's: {expected!r}"
        return expected

    def add(self, draw: Draw, step: Callable[[Side, str], object]) -> None:
        """Do something with a new name in one of the directories, and remember it."""
        relative = os.path.join(self.drawn(draw), draw(st.sampled_from(NAMES)))
        if all(side.holds(relative) for side in self.sides):
            result = self.same(lambda side: step(side, side.path(relative)))
            if not isinstance(result, Raised):
                self.made.append(relative)

    def drawn(self, draw: Draw) -> str:
        """Draw something that was made, unless a symlink leads out on the way: outside only they could do harm."""
        name: str = draw(st.sampled_from(self.made))
        return name if all(side.holds(name) for side in self.sides) else ""

    @invariant()
    def holds_the_same(self) -> None:
        self.same(lambda side: os.path.lexists(side.directory.name))
        self.same(lambda side: sorted(os.path.relpath(path, side.folder) for path in _below(side)))

    @invariant()
    def leaves_alone_what_is_outside(self) -> None:
        assert self.ours.what_is_outside() == self.ours.before

    @rule(data=st.data(), size=st.sampled_from([0, 10, 10_000]))
    def file(self, data: st.DataObject, size: int) -> None:
        self.add(data.draw, lambda _, path: _write(path, bytes(size)))

    @rule(data=st.data())
    def directory(self, data: st.DataObject) -> None:
        self.add(data.draw, lambda _, path: os.mkdir(path))

    @rule(data=st.data(), depth=st.integers(1, 30))
    def deep_directories(self, data: st.DataObject, depth: int) -> None:
        def make(_: Side, path: str) -> None:
            os.mkdir(path)  # never by way of a symlink that has the name already
            os.makedirs(path + "/d" * depth)

        self.add(data.draw, make)

    @rule(data=st.data(), to=st.sampled_from(["", "/file", "/directory", "/directory/deeper", "/nothing"]))
    def symlink_to_the_outside(self, data: st.DataObject, to: str) -> None:
        self.add(data.draw, lambda side, path: os.symlink(side.outside + to, path))

    @rule(data=st.data(), to=st.sampled_from([".", "..", "a", "a/b", "/", "nothing"]))
    def symlink(self, data: st.DataObject, to: str) -> None:
        self.add(data.draw, lambda _, path: os.symlink(to, path))

    @rule(data=st.data())
    def hard_link_to_the_outside(self, data: st.DataObject) -> None:
        self.add(data.draw, lambda side, path: os.link(f"{side.outside}/directory/file", path))

    @rule(data=st.data())
    def fifo(self, data: st.DataObject) -> None:
        self.add(data.draw, lambda _, path: os.mkfifo(path))

    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        source = self.drawn(data.draw)
        self.add(data.draw, lambda side, path: os.rename(side.path(source), path))

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        name = self.drawn(data.draw)
        self.same(lambda side: os.unlink(side.path(name)))

    @rule(data=st.data(), mode=st.sampled_from([0o000, 0o100, 0o300, 0o400, 0o500, 0o600, 0o700, 0o1777]))
    def mode(self, data: st.DataObject, mode: int) -> None:
        name = self.drawn(data.draw)
        self.same(lambda side: _chmod_inside(side, name, mode))

    @rule(data=st.data(), how=st.sampled_from(["cleanup", "with", "error"]), twice=st.booleans())
    def remove_all(self, data: st.DataObject, how: str, twice: bool) -> None:
        self.same(ENDINGS[how])
        stays = not self.deletes and how in {"with", "error"}
        for side in self.sides:
            assert os.path.lexists(side.directory.name) is stays
        if twice or stays:
            self.same(ENDINGS["cleanup"])
        for side in self.sides:
            assert os.listdir(side.folder) == []
        self.leaves_alone_what_is_outside()
        self.make(data.draw)

    @rule(data=st.data())
    def remove_it_first(self, data: st.DataObject) -> None:
        """Somebody else was quicker."""
        for side in self.sides:
            for folder, _, _ in os.walk(side.directory.name):
                os.chmod(folder, 0o700)
            shutil.rmtree(side.directory.name)
        self.same(ENDINGS["cleanup"])
        self.make(data.draw)


def _write(path: str, content: bytes) -> None:
    """Write a new file: over what has the name already, it could wait for a FIFO's reader, or reach what is outside."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def _below(side: Side) -> list[str]:
    """All that is below a side's folder, with its own directory named the same on either side."""
    found = []
    for path, folders, files in os.walk(side.directory.name):
        found += [
            os.path.join(side.folder, "it", os.path.relpath(os.path.join(path, name), side.directory.name))
            for name in folders + files
        ]
    return found


def _chmod_inside(side: Side, name: str, mode: int) -> None:
    """Change a mode, but of nothing that a link leads to outside."""
    path = side.path(name)
    status = os.lstat(path)
    if stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_nlink == 1):
        os.chmod(path, mode)


def _leave(side: Side) -> None:
    with side.directory as name:
        assert name == side.directory.name


def _fail(side: Side) -> None:
    with side.directory:
        raise KeyError


ENDINGS: dict[str, Step] = {"cleanup": lambda side: side.directory.cleanup(), "with": _leave, "error": _fail}


def test_a_temporary_directory_does_what_the_originals_does(temp: Path) -> None:
    run(lambda: Directories(str(temp)), examples=60, steps=40)
    assert os.listdir(temp) == []
