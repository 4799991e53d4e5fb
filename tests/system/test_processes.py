"""Who descends from us, and how much it has written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scratchwork.system import holdings, processes

_FAMILY = """
import os, sys
child = os.fork()
if child == 0:
    file = open(sys.argv[1], "wb", 0)
    file.write(bytes(1_000_000))
    print(os.getpid(), flush=True)
    sys.stdin.read()
    os._exit(0)
os.waitpid(child, 0)
print("waited", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["as the kernel lists them", "without the kernel's lists"])
def _lists(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param.startswith("without"):
        exists = os.path.exists
        monkeypatch.setattr(os.path, "exists", lambda path: not path.endswith("/children") and exists(path))


@pytest.mark.usefixtures("_lists")
def test_a_child_s_child_and_what_it_writes(tmp_path: Path) -> None:
    before = processes.written(processes.family())
    command = [sys.executable, "-I", "-S", "-c", _FAMILY, str(tmp_path / "file")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        grandchild = int(child.stdout.readline())
        family = processes.family()
        assert family[0] == os.getpid()
        assert {child.pid, grandchild} <= set(family)
        assert processes.written(family) >= before + 1_000_000
        assert holdings.open_in(str(tmp_path), family) >= 1_000_000
        assert holdings.open_in(str(tmp_path / "file"), family) == 0
        child.communicate()
    assert processes.written(processes.family()) >= before + 1_000_000  # as the child waited for its own, and we for it


def test_what_has_ended_or_is_hidden_counts_as_nothing() -> None:
    assert processes.written([2**22 + 1]) == 0
    assert holdings.open_in("/", [2**22 + 1]) == 0


def test_what_is_open_for_reading_alone_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1_000_000))
    with (tmp_path / "file").open("rb"):
        assert holdings.open_in(str(tmp_path), [os.getpid()]) == 0
    with (tmp_path / "file").open("ab"), (tmp_path / "file").open("ab"):
        assert 1_000_000 <= holdings.open_in(str(tmp_path), [os.getpid()]) < 2_000_000  # once
