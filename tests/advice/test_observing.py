"""The observer, in processes of their own: an audit hook stays for the life of one."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

HARNESS = """
import json, os, sys
from scratchwork.advice.observing import Observer, observe

class Telling(Observer):
    def making(self, path, kind, stack):
        told.append(["making", os.path.relpath(path, space), kind, stack[0][1:]])
    def removing(self, path):
        open(os.path.join(space, "the observer's own"), "w").close()
        os.unlink(os.path.join(space, "the observer's own"))
        told.append(["removing", os.path.relpath(path, space)])
    def moving(self, source, target):
        told.append(["moving", os.path.relpath(source, space), os.path.relpath(target, space)])
    def naming(self, path):
        named.append(path)

told, named = [], []
space = sys.argv[1]
telling = Telling()
telling.spaces = (space + os.sep,)
observe(telling)
os.chdir(space)
def work():
{body}
work()
json.dump(told, sys.stdout)
"""


def told(space: Path, body: str) -> list[Any]:
    program = HARNESS.replace("{body}", textwrap.indent(textwrap.dedent(body), "    "))
    done = subprocess.run([sys.executable, "-c", program, space], capture_output=True, text=True, check=False)
    assert not done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


LINE = HARNESS[: HARNESS.index("{body}")].count("\n") + 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("open('a', 'w').close()", ["making", "a", "file"]),
        ("open(b'a', 'xb').close()", ["making", "a", "file"]),
        ("os.mkdir('a')", ["making", "a", "directory"]),
        ("os.mkdir('a', dir_fd=os.open('.', os.O_RDONLY))", ["making", "a", "directory"]),
        ("os.symlink('nowhere', 'a')", ["making", "a", "file"]),
        ("import pathlib; pathlib.Path('a').touch()", ["making", "a", "file"]),
        ("import shutil; shutil.copy(__import__('os').__file__, 'a')", ["making", "a", "file"]),
        ("import sqlite3; sqlite3.connect('a').close()", ["making", "a", "file"]),
        ("import socket; socket.socket(socket.AF_UNIX).bind('a')", ["making", "a", "file"]),
        ("import os.path as p; os.makedirs(p.join(space, 'a'))", ["making", "a", "directory"]),
    ],
)
def test_tells_what_is_made_and_where(tmp_path: Path, body: str, expected: list[str]) -> None:
    assert [*expected, [LINE, "work"]] in told(tmp_path, body)


def test_tells_of_tempfile_too(tmp_path: Path) -> None:
    body = f"""
    import tempfile
    tempfile.tempdir = {str(tmp_path)!r}
    tempfile.mkstemp(prefix='a-')
    tempfile.mkdtemp(prefix='b-')
    tempfile.NamedTemporaryFile(prefix='c-')
    tempfile.TemporaryFile(prefix='d-')
    """
    made = [[one[1][:2], one[2], one[3][1]] for one in told(tmp_path, body) if one[0] == "making"]
    assert made == [
        ["a-", "file", "work"],
        ["b-", "directory", "work"],
        ["c-", "file", "work"],
        [".", "anonymous", "work"],
    ]


def test_tells_what_goes_and_where_to(tmp_path: Path) -> None:
    body = """
    import shutil
    os.makedirs('d/e'); open('d/e/f', 'w').close(); open('g', 'w').close()
    told.clear()
    os.rename('g', 'h')
    os.replace('h', '../outside')
    os.unlink('../outside')
    shutil.rmtree('d')
    """
    assert told(tmp_path, body) == [
        ["moving", "g", "h"],
        ["moving", "h", "../outside"],
        ["removing", "d/e/f"],
        ["removing", "d/e"],
        ["removing", "d"],
    ]


def test_tells_nothing_of_what_makes_nothing(tmp_path: Path) -> None:
    body = """
    open('a', 'w').close()
    told.clear()
    open('a', 'w').close(); open('a', 'a').close(); open('a').close()
    open(os.open('a', os.O_RDWR), 'w').close()
    for wrong in ('no such folder/a', 'a/b', 'nul\\0'):
        try: open(wrong, 'w')
        except (OSError, ValueError): pass
    open('../outside', 'w').close(); os.unlink('../outside')
    import sqlite3; sqlite3.connect(':memory:').close()
    """
    assert told(tmp_path, body) == []


def test_tells_what_tempfile_makes_elsewhere(tmp_path: Path) -> None:
    body = """
    import shutil, tempfile
    os.mkdir('../elsewhere')
    shutil.rmtree(os.path.dirname(tempfile.mkstemp(dir='../elsewhere')[1]))
    told.extend([["naming", os.path.relpath(os.path.dirname(path), space)] for path in named])
    """
    assert told(tmp_path, body) == [["naming", "../elsewhere"]]


def test_tells_nothing_of_how_tempfile_looks_for_its_folder(tmp_path: Path) -> None:
    body = f"""
    import tempfile
    os.environ['TMPDIR'] = {str(tmp_path)!r}
    tempfile.gettempdir()
    told.append(tempfile.tempdir)
    """
    removed, folder = told(tmp_path, body)
    assert removed[0] == "removing"
    assert folder == str(tmp_path)


def test_counts_what_it_can_not_tell(tmp_path: Path) -> None:
    body = """
    def deep(n):
        deep(n - 1) if n else os.mkdir('a')
    for n in range(sys.getrecursionlimit() - 30, sys.getrecursionlimit()):
        try: deep(n); os.rmdir('a')
        except RecursionError: break
    told[:] = [telling.missed > 0]
    """
    assert told(tmp_path, body) == [True]
