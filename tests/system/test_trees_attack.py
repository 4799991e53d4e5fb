"""A process swaps directories of a tree for symlinks that lead outside, all the while the tree is removed.

It swaps both in one step (renameat2(2), RENAME_EXCHANGE), as fast as it can, until it is told to stop. The controls
stand in test_trees.py, where the swap comes at the worst moment and not at a random one.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scratchwork.system.trees import descent, emptying, posix
from scratchwork.system.trees.descent import Descent, Level

from .helpers import measure, remove

_VICTIMS = 4
_ROUNDS = 150
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100

_ATTACKER = """
import ctypes, sys
libc = ctypes.CDLL(None)
tree, aside = (part.encode() for part in sys.argv[1:3])
pairs = [(tree + b"/%d" % n, aside + b"/%d" % n) for n in range(int(sys.argv[3]))]
print("ready", flush=True)
while True:
    for one, other in pairs:
        libc.renameat2(-100, one, -100, other, 2)
"""

_MAKER = """
import os, sys
print("ready", flush=True)
number = 0
while True:
    number += 1
    for where in (".", "a", "a/b"):
        try:
            os.close(os.open(f"{sys.argv[1]}/{where}/{number}", os.O_CREAT))
        except OSError:
            pass
"""


@contextmanager
def going(program: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program that goes on until it is killed."""
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", program, *arguments], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def lay_out(place: Path) -> None:
    """Make a tree of victims, the symlinks to swap them for, and the outside that these lead to."""
    (place / "outside" / "inner").mkdir(parents=True, exist_ok=True)
    for where in ("outside/canary", "outside/inner/canary"):
        (place / where).touch()
    (place / "tree").mkdir(exist_ok=True)
    (place / "aside").mkdir(exist_ok=True)
    for number in range(_VICTIMS):
        link, victim = place / "aside" / str(number), place / "tree" / str(number)
        if not victim.is_symlink():
            (victim / "inner").mkdir(parents=True, exist_ok=True)
            (victim / "inner" / "canary").touch()
            (victim / "canary").touch()
        if not os.path.lexists(link):
            link.symlink_to(place / "outside")


def survives(place: Path, remover: Callable[[Path], object], rounds: int) -> bool:
    """Remove the tree `rounds` times under attack; return whether what lies outside came through."""
    lay_out(place)
    libc = ctypes.CDLL(None)
    names = [os.fsencode(place / folder / "0") for folder in ("tree", "aside")]
    if not hasattr(libc, "renameat2") or libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE):
        pytest.skip("names can't be exchanged here")
    with going(_ATTACKER, str(place / "tree"), str(place / "aside"), str(_VICTIMS)):
        for _ in range(rounds):
            try:
                lay_out(place)
            except OSError:
                continue  # swapped under our own feet
            if (place / "tree").exists():
                remover(place / "tree")
            if not (place / "outside" / "canary").exists() or not (place / "outside" / "inner" / "canary").exists():
                return False
    return True


def test_what_lies_outside_comes_through(place: Path) -> None:
    assert survives(place, remove, _ROUNDS)


def test_measuring_does_not_lead_outside(place: Path) -> None:
    lay_out(place)
    for number in range(50):
        (place / "outside" / f"more{number}").touch()

    def look(tree: Path) -> None:
        assert measure(tree).files <= 3 * _VICTIMS + 1

    assert survives(place, look, _ROUNDS)


def move_away_in_mid_walk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Move the directory that a removal is in out of the tree, and remove the tree."""
    monkeypatch.setattr(descent, "_MOST_OPEN", 2)
    deep = place / "tree" / "a" / "b" / "c" / "d" / "e"
    deep.mkdir(parents=True)
    (place / "outside" / "b").mkdir(parents=True)
    (place / "outside" / "a").mkdir()
    (place / "outside" / "a" / "canary").touch()

    def move(name: str, dir_fd: int | None) -> bool:
        if name == "e" and deep.exists():
            os.rename(place / "tree" / "a" / "b", place / "outside" / "b")
        return emptying.remove_empty(name, dir_fd)

    monkeypatch.setattr(posix, "remove_empty", move)
    remove(place / "tree")


def test_a_folder_moved_away_is_not_followed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    move_away_in_mid_walk(place, monkeypatch)
    assert not (place / "tree").exists()
    assert (place / "outside" / "b").exists()


def test_control_believing_the_way_back_up_leads_outside(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def believe(self: Descent, parent: Level) -> int:
        return os.open("..", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.fd)

    monkeypatch.setattr(Descent, "_reopen", believe)
    move_away_in_mid_walk(place, monkeypatch)
    assert not (place / "outside" / "b").exists()


def test_it_ends_though_somebody_keeps_making_files(place: Path, tree: Path) -> None:
    for _ in range(5):
        (tree / "a" / "b").mkdir(parents=True, exist_ok=True)
        with going(_MAKER, str(tree)):
            removal = remove(tree)
            assert removal.complete or removal.failures
    tree.mkdir(exist_ok=True)
    assert remove(tree).complete, "once that has stopped"


def test_a_removal_that_is_killed_is_finished_by_another(tree: Path) -> None:
    for number in range(2000):
        (tree / str(number)).touch()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        real = os.unlink

        def tell(name: str, *, dir_fd: int) -> None:
            real(name, dir_fd=dir_fd)
            os.write(writer, b"x")

        os.unlink = tell  # type: ignore[assignment]
        remove(tree)
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reader)
    assert remove(tree).complete
    assert not tree.exists()
