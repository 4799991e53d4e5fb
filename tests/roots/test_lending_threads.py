"""Threads that borrow and give back at once, also where they take turns at the worst moment."""

from __future__ import annotations

import dis
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from scratchwork import Root, Workspace
from scratchwork.roots import lending
from tests.helpers_processes import PATIENCE


@pytest.fixture
def ws(temp: object) -> Iterator[Workspace]:
    with Root("app").workspace("lending") as workspace:
        (workspace / "file").write_text("content")
        yield workspace


def descriptors_of(ws: Workspace) -> int:
    """Return how many of our descriptors are loans of a workspace."""
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:  # that of listdir
            continue
    return links.count(f"{ws}.lent")


class Turn:
    """Calls a function, and lets another thread have its turn where Python may switch: after the n-th call in it.

    Only calls in the module of lending count. The other thread gets as far as it can, and is waited for in the end.
    """

    def __init__(self, number: int, other: Callable[[], object]) -> None:
        self._left = number
        self._last = ""
        self._errors: list[BaseException] = []
        self._other = other
        self._thread = threading.Thread(target=self._work)

    @property
    def has_come(self) -> bool:
        return self._left < 0

    def during(self, function: Callable[[], Any]) -> Any:
        before = sys.gettrace()
        sys._getframe().f_trace_opcodes = True  # Python 3.12 heeds it in a frame that is there already
        sys.settrace(self._trace)
        try:
            result = function()
        finally:
            sys.settrace(before)
            if self.has_come:
                self._thread.join()
        assert self._errors == []
        return result

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != lending.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            if self._last.startswith("CALL"):
                self._left -= 1
                if self._left == -1:
                    self._thread.start()
                    self._thread.join(0.1)  # it may wait for a lock that we have
            self._last = dis.opname[frame.f_code.co_code[frame.f_lasti]]
        return self._trace

    def _work(self) -> None:
        try:
            self._other()
        except BaseException as error:
            self._errors.append(error)


def test_one_is_given_back_while_another_is_taken(ws: Workspace) -> None:
    for number in range(1000):
        first = ws.lend("file")
        turn = Turn(number, first.release)
        second = turn.during(lambda: ws.lend("file"))
        first.release()
        assert descriptors_of(ws) == 1, f"after call {number}"
        second.release()
        assert descriptors_of(ws) == 0, f"after call {number}"
        if not turn.has_come:
            assert number > 3
            return


def test_one_is_taken_while_another_is_given_back(ws: Workspace) -> None:
    for number in range(1000):
        first = ws.lend("file")
        taken: list[lending.Loan] = []
        turn = Turn(number, lambda taken=taken: taken.append(ws.lend("file")))  # type: ignore[misc]
        turn.during(first.release)
        assert descriptors_of(ws) == len(taken), f"after call {number}"
        for loan in taken:
            loan.release()
        assert descriptors_of(ws) == 0, f"after call {number}"
        if not turn.has_come:
            assert number > 1
            return


def test_two_give_back_the_same_one(ws: Workspace) -> None:
    """One of them does; nobody closes what another one has opened meanwhile."""
    for number in range(1000):
        loan = ws.lend("file")
        other: list[lending.Loan] = []

        def release_and_take(loan: lending.Loan = loan, other: list[lending.Loan] = other) -> None:
            loan.release()
            other.append(ws.lend("file"))

        turn = Turn(number, release_and_take)
        turn.during(loan.release)
        assert descriptors_of(ws) == len(other), f"after call {number}"
        for one in other:
            one.release()
        assert descriptors_of(ws) == 0, f"after call {number}"
        if not turn.has_come:
            assert number > 1
            return


def test_many_threads(ws: Workspace) -> None:
    barrier = threading.Barrier(8)
    wrong: list[BaseException] = []

    def work() -> None:
        barrier.wait(PATIENCE)
        try:
            for _ in range(300):
                with ws.lend("file") as path:
                    assert path.exists()
        except BaseException as error:
            wrong.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []
    assert descriptors_of(ws) == 0
