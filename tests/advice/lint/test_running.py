"""Many files at once: the same in any number of processes, and none of them outlives the one that asked."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scratchwork.advice.lint import checking, running
from scratchwork.advice.lint.cache import Cache, Known
from scratchwork.advice.lint.mistakes import Mistake
from scratchwork.advice.lint.running import WORTH_A_PROCESS, Task, look_at_files
from tests.advice.lint.conftest import Lint
from tests.advice.lint.sample import ENTRY
from tests.helpers_processes import Running, is_gone, until

CORES = len(os.sched_getaffinity(0))
two_cores = pytest.mark.skipif(CORES < 2, reason="one core does everything itself")


@pytest.fixture
def paths(write: Callable[..., Path]) -> list[str]:
    """Enough small files to be worth two processes, some with mistakes, one that can't be parsed, one that is gone."""
    filling = "#" * (WORTH_A_PROCESS // 10)
    files = [write(f"{number:02}.py", f"{filling}\n{'x = tempfile.mktemp()' * (number % 3)}\n") for number in range(25)]
    return [*map(str, files), "gone.py"]


@pytest.mark.usefixtures("sample_rules")
def test_the_order_and_the_findings_are_the_same(
    paths: list[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = look_at_files(paths, cores=1)
    assert [one.path for one in alone] == paths
    codes = [[mistake.code for mistake in one.found] for one in alone]
    assert codes[:3] == [[], ["SCR301"], ["SCR001"]]
    assert codes[-1] == ["SCR001"]
    processes = []

    def look(chunks: list[list[Task]], number: int) -> list[Known | Mistake]:
        processes.append(number)
        return look_in_processes(chunks, number)

    look_in_processes = running._look_in_processes
    monkeypatch.setattr(running, "_look_in_processes", look)
    together = look_at_files(paths, Cache(str(project)), cores=2)
    assert together == alone
    assert look_at_files(paths, Cache(str(project)), cores=2) == alone
    assert processes[0] == 2


@pytest.mark.usefixtures("sample_rules")
def test_what_can_be_found_and_not_read(project: Path) -> None:
    (looked,) = look_at_files([str(project)], Cache(str(project)))
    assert [mistake.message for mistake in looked.found] == ["can't be read: Is a directory"]


@pytest.mark.parametrize("cores", [1, 2])
def test_a_fault_of_the_linter_says_with_which_file(
    paths: list[str], cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(source: str) -> list[Mistake]:
        return [Mistake("SCR301", "", 1, 0, 1, len(source) // (source.count("mktemp") - 2))]

    monkeypatch.setattr(checking, "check_source", check)
    with pytest.raises(ZeroDivisionError) as caught:
        look_at_files(paths, cores=cores)
    assert caught.value.__notes__ == [f"in {paths[2]}"]


def _helpers(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def _held(
    lint: Lint, write: Callable[..., Path], project: Path, before: str = ""
) -> Iterator[tuple[Running, list[int]]]:
    """Give a run in the middle of its work, and its helpers; one of these reads a pipe that nobody writes to."""
    for name in ("a.py", "b.py"):
        write(name, "#" * WORTH_A_PROCESS + "\n")
    os.mkfifo(project / "pipe")
    command = [sys.executable, "-c", before + ENTRY, "lint", "a.py", "b.py", "pipe"]
    job = lint.start_program(command, cwd=project)
    end = os.open(project / "pipe", os.O_WRONLY)  # returns when it is opened to be read
    helpers = _helpers(job.pid)
    assert len(helpers) == 2
    try:
        yield job, helpers
    finally:
        os.close(end)


@pytest.fixture
def held(lint: Lint, write: Callable[..., Path], project: Path) -> Iterator[tuple[Running, list[int]]]:
    with _held(lint, write, project) as both:
        yield both


@two_cores
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, None])
def test_an_end_in_the_middle(held: tuple[Running, list[int]], number: int | None) -> None:
    job, helpers = held
    if number is None:
        number = signal.SIGINT
        os.killpg(job.pid, number)  # as a terminal does, when Ctrl-C is pressed
    else:
        job.send(number)
    done = job.finish()
    assert done.status == (130 if number == signal.SIGINT else -number)
    assert done.err.strip() == done.out == ""
    until(lambda: all(is_gone(pid) for pid in helpers), "their end")


@two_cores
def test_control_without_their_watch_helpers_stay(lint: Lint, write: Callable[..., Path], project: Path) -> None:
    before = "from scratchwork.advice.lint import running; running._end_with_parent = lambda: None; "
    with _held(lint, write, project, before) as (job, helpers):
        job.send(signal.SIGKILL)
        job.process.wait()
    assert not any(is_gone(pid) for pid in helpers)
    for pid in helpers:
        os.kill(pid, signal.SIGKILL)
    until(lambda: all(is_gone(pid) for pid in helpers), "their end")


@two_cores
def test_a_helper_that_is_killed_is_one_line(held: tuple[Running, list[int]]) -> None:
    job, helpers = held
    os.kill(helpers[0], signal.SIGKILL)
    done = job.finish()
    until(lambda: all(is_gone(pid) for pid in helpers), "their end")
    assert done.status == 10
    assert done.err == "scratch: a process that looked at files was killed; was there enough memory?\n"
