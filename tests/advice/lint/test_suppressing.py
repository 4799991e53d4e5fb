"""`# noqa`, as flake8 and ruff understand it."""

from __future__ import annotations

import pytest

from scratchwork.advice.lint.mistakes import Mistake
from scratchwork.advice.lint.suppressing import without_suppressed


def is_suppressed(source: str, line: int = 1, end_line: int = 1, code: str = "SCR301") -> bool:
    return not without_suppressed(source, [Mistake(code, "", line, 0, end_line, 1)])


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "#noqa",
        "# NoQA",
        "# noqa: SCR301",
        "# noqa:scr301",
        "# noqa : SCR301",
        "# noqa: SCR3",
        "# noqa:E501,SCR301",
        "# noqa: E501 SCR301 - since it is a test",
        "# type: ignore # noqa: SCR301",
        "# noqa - whatever it is",
    ],
)
def test_what_takes_it_away(comment: str) -> None:
    assert is_suppressed(f"x = 1  {comment}\n")


@pytest.mark.parametrize("comment", ["# noqa: E501", "# noqa: SCR302", "# noqable", "# see noqa", "", "# no qa"])
def test_what_does_not(comment: str) -> None:
    assert not is_suppressed(f"x = 1  {comment}\n")


def test_only_comments_count() -> None:
    assert not is_suppressed('x = "# noqa"\n')
    assert not is_suppressed('x = """\n# noqa\n"""\n', 1, 3)
    assert is_suppressed('x = """\n# noqa\n"""  # noqa\n', 1, 3)


def test_any_line_that_it_spans() -> None:
    source = "x = f(\n    1,\n)  # noqa: SCR301\ny = 1\n"
    assert is_suppressed(source, 1, 3)
    assert not is_suppressed(source, 1, 2)
    assert not is_suppressed(source, 4, 4)


@pytest.mark.parametrize("comment", ["# flake8: noqa", "# ruff: noqa: SCR301", "# flake8: noqa: SCR3"])
def test_a_whole_file(comment: str) -> None:
    assert is_suppressed(f"x = 1\n{comment}\ny = 1\n", 3, 3)
    assert is_suppressed(f"x = 1\n{comment}\ny = 1\n", 3, 3, "SCR501") is (comment == "# flake8: noqa")
