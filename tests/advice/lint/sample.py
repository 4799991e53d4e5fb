"""Rules of the tests' own: what becomes of mistakes is tested apart from what the real rules think one is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from scratchwork.advice.lint import checking
from scratchwork.advice.lint.mistakes import Fix, Mistake
from scratchwork.advice.lint.rules.registry import CHECKS, RULES, rule

ENTRY = (
    "import sys; from tests.advice.lint.sample import install; install(); from scratchwork.cli import main; "
    "sys.exit(main())"
)


def install() -> None:
    """Put these rules in place of the real ones, in this process and those that it forks."""
    RULES.clear()
    CHECKS.clear()
    checking.check_source = check
    for add in (_guessable, _no_newline, _kept, _unflushed):
        add()


def check(source: str) -> list[Mistake]:
    """Find what these rules are about."""
    tree = ast.parse(source)
    found = [one for node in ast.walk(tree) if isinstance(node, ast.Call) for one in _in_call(node, source)]
    bodies = [getattr(node, "body", ()) for node in ast.walk(tree)]
    found += [one for body in bodies if isinstance(body, list) for one in _in_body(body, source)]
    return sorted(found, key=lambda one: (one.line, one.column))


def _in_call(call: ast.Call, source: str) -> Iterator[Mistake]:
    name, keywords = ast.unparse(call.func), {one.arg for one in call.keywords}
    span = _span(call, source)
    if name == "tempfile.mktemp":
        yield Mistake("SCR301", "a name, and no file: use NamedTemporaryFile", *span)
    if name == "open" and "newline" not in keywords:
        yield Mistake("SCR401", "no newline", *span, Fix("add keyword", *span[:2], 'newline=""'))
    if "delete" in keywords:
        yield Mistake("SCR501", "it stays", *span, Fix("drop keyword", *span[:2], "delete"))


def _in_body(body: list[ast.stmt], source: str) -> Iterator[Mistake]:
    for before, after in pairwise(body):
        if ast.unparse(after).startswith("run(") and ast.unparse(before) != "file.flush()":
            span = _span(after, source)
            yield Mistake("SCR601", "not flushed", *span, Fix("insert before", *span[:2], "file.flush()"))


def _span(node: ast.expr | ast.stmt, source: str) -> tuple[int, int, int, int]:
    lines = source.split("\n")
    end_line, end_column = node.end_lineno or 0, node.end_col_offset or 0
    column = len(lines[node.lineno - 1].encode()[: node.col_offset].decode())
    return node.lineno, column, end_line, len(lines[end_line - 1].encode()[:end_column].decode())


def _guessable() -> None:
    @rule("SCR301", "guessable-name", "call")
    def check(event: object) -> Iterator[Mistake]:
        """a name without a file

        Between the name and the file anybody may make one.
        """
        return iter(())


def _no_newline() -> None:
    @rule("SCR401", "no-newline", "call", has_fix=True)
    def check(event: object) -> Iterator[Mistake]:
        """a text file without a newline"""
        return iter(())


def _kept() -> None:
    @rule("SCR501", "kept", "call", has_fix=True)
    def check(event: object) -> Iterator[Mistake]:
        """a file that stays"""
        return iter(())


def _unflushed() -> None:
    @rule("SCR601", "unflushed", "call", by_default=False, has_fix=True)
    def check(event: object) -> Iterator[Mistake]:
        """a file that may not be written yet"""
        return iter(())
