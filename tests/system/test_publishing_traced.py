"""The same with faults that the kernel injects into a real process: the Python above it knows nothing of them."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import scratchwork

from .publishing_scenarios import NEW, OLD, Arena, content, make_file, make_tree, picture

SOURCE = str(Path(scratchwork.__file__).parents[1])
# Only what comes after the marker, a call that nothing else makes, belongs to the publishing.
_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import ctypes, os, pathlib
from scratchwork.errors import CannotPublish
from scratchwork.system import names
from scratchwork.system.publishing import publish
import scratchwork.system.mounts
names.draw()
os.listxattr("/")
try:
    publish(sys.argv[2], sys.argv[3])
except CannotPublish as error:
    print(error.step, error.in_place, error.errno, sep=":")
else:
    print("published")
"""
# What a libc makes of a function of os depends on the machine, so all that it may be are asked for.
_CALLS = (
    *("fsync", "rename,renameat,renameat2", "fchmod", "copy_file_range", "ftruncate", "linkat", "unlink,unlinkat"),
    *("mkdir,mkdirat", "utimensat"),
)


@functools.cache
def can_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    command = ["strace", "-f", "-o", os.devnull, "-e", "inject=sync:error=EIO", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_trace(), reason="strace is missing, or may not trace")


def run(arena: Arena, log: Path, *inject: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-I", "-S", "-B", "-c", _PROGRAM, SOURCE, str(arena.source), str(arena.destination)]
    traced = ["-e", f"trace={','.join(_CALLS)},listxattr"]
    command = ["strace", "-f", "-o", str(log), *traced, *inject, *program]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def lay_out(arena: Arena, kind: str) -> None:
    arena.here.mkdir()
    arena.there.mkdir()
    (make_tree if kind == "directory" else make_file)(arena.source, NEW)
    (make_tree if kind == "directory" else make_file)(arena.destination, OLD)


@pytest.fixture(params=["file", "directory", "file across devices", "directory across devices"])
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path, Path]:
    kind, _, across = request.param.partition(" ")
    if across and (not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev):
        pytest.skip("one device only")
    return kind, tmp_path, Path("/dev/shm") if across else tmp_path


def test_real_faults(layout: tuple[str, Path, Path], tmp_path: Path) -> None:
    kind, here, there = layout
    there_top = there / f"publishing-{os.getpid()}-{tmp_path.name}"
    there_top.mkdir()
    try:
        made = count_calls(Arena(here / "rehearsal", there_top / "rehearsal"), kind, tmp_path / "log")
        assert made["fsync"]
        assert any(call.startswith("rename") for call in made)
        number = 0
        for call, times in made.items():
            for at in range(1, times + 1):
                for fault in ("error=EIO", "signal=KILL"):
                    number += 1
                    arena = Arena(here / str(number), there_top / str(number))
                    lay_out(arena, kind)
                    check_one(arena, fault, f"{call}:{fault}:when={at}", tmp_path / "log")
    finally:
        shutil.rmtree(there_top)


def count_calls(arena: Arena, kind: str, log: Path) -> Counter[str]:
    lay_out(arena, kind)
    assert run(arena, log).stdout == "published\n"
    lines = [line.split(None, 1)[1] for line in log.read_text().splitlines()]
    begin = next(at for at, line in enumerate(lines) if line.startswith('listxattr("/"'))
    assert not [line for line in lines[:begin] if "(" in line and not line.startswith(("listxattr", "+++"))]
    calls = Counter(line.partition("(")[0] for line in lines[begin + 1 :] if not line.startswith(("+++", "listxattr")))
    return Counter({name: min(times, 3) for name, times in calls.items()})


def check_one(arena: Arena, fault: str, inject: str, log: Path) -> None:
    before = picture(arena.here), picture(arena.there)
    old, new = content(arena.destination), content(arena.source)
    told = run(arena, log, "-e", f"inject={inject}").stdout
    seen = content(arena.destination)
    if fault == "signal=KILL":
        assert told == "", inject
        assert seen in (old, new), inject
        assert seen == new or content(arena.source) == new, inject
        beside = {path.name for path in arena.there.iterdir()} - {"result"}
        assert all(name.startswith(".result.") and name.endswith(".part") for name in beside), inject
    elif told.startswith("published"):
        assert seen == new, inject
        assert os.listdir(arena.here) == [], inject
        assert os.listdir(arena.there) == ["result"], inject
    else:
        _, in_place, number = told.split(":")
        assert number == "5\n", inject
        if in_place == "True":
            assert seen == new, inject
        else:
            assert (picture(arena.here), picture(arena.there)) == before, inject
