"""Looking at one piece of source code."""

from __future__ import annotations

import ast
import re

from scratchwork.advice.lint import rules
from scratchwork.advice.lint.following import expressions, making, methods, paths, programs, streams
from scratchwork.advice.lint.following.events import Event
from scratchwork.advice.lint.following.flow import Flow
from scratchwork.advice.lint.following.names import Imports
from scratchwork.advice.lint.following.owners import Owner, enter, in_order
from scratchwork.advice.lint.following.scopes import Scope
from scratchwork.advice.lint.following.statements import follow
from scratchwork.advice.lint.following.states import State
from scratchwork.advice.lint.mistakes import Fix, Mistake

assert all((making, methods, paths, programs, streams))  # they fill the tables of what calls do

_SUSPICIOUS = re.compile(
    r"tempfile|/tmp\b|/dev/shm|TMPDIR|mktemp|mkstemp|mkdtemp|TemporaryDirectory|TemporaryFile|['\"]TE?MP['\"]"
)
"""What a source must say for any rule to find something: most files are done with this."""


def check_source(source: str) -> list[Mistake]:
    """Return the mistakes in Python source, in the order in which they stand there, each once. Raises SyntaxError.

    Whatever is on by default or not: choosing rules, and `noqa`, are the caller's. Safe from several threads.
    """
    if not _SUSPICIOUS.search(source):
        ast.parse(source)
        return []
    return check_tree(ast.parse(source), source.split("\n"))


def check_tree(tree: ast.Module, lines: list[str]) -> list[Mistake]:
    """Do the same for a tree and its lines."""
    found: dict[tuple[str, int, int], Mistake] = {}

    def tell(event: Event) -> None:
        for check in rules.CHECKS.get(event.kind, ()):
            for mistake in check(event):
                found.setdefault((mistake.code, mistake.line, mistake.column), mistake)

    imports = Imports(tree)
    constants = State()
    waiting: list[tuple[Scope, Owner | None]] = [(tree, None)]
    while waiting:
        scope, owner = waiting.pop()
        flow = Flow(scope, imports, constants, tell, expressions.evaluate)
        enter(flow)
        if owner is not None:
            owner.show(flow)
        follow(flow)
        if owner is not None:
            owner.learn_from(flow)
        if scope is tree:
            constants = flow.state.constants()
        if isinstance(scope, ast.ClassDef):
            owner = Owner(flow, scope)
        in_order(flow.nested)
        waiting.extend((nested, owner) for nested in flow.nested)
    return sorted(
        (_in_characters(one, lines) for one in found.values()), key=lambda one: (one.line, one.column, one.code)
    )


def _in_characters(mistake: Mistake, lines: list[str]) -> Mistake:
    """Return it with columns that count characters: the parser's count bytes of UTF-8."""
    fix = mistake.fix
    return Mistake(
        mistake.code,
        mistake.message,
        mistake.line,
        _character(lines, mistake.line, mistake.column),
        mistake.end_line,
        _character(lines, mistake.end_line, mistake.end_column),
        fix and Fix(fix.kind, fix.line, _character(lines, fix.line, fix.column), fix.text),
    )


def _character(lines: list[str], line: int, column: int) -> int:
    text = lines[line - 1] if line <= len(lines) else ""
    return column if text.isascii() else len(text.encode()[:column].decode(errors="replace"))
