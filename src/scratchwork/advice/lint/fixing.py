"""Mending mistakes in a text: by libcst, which knows every space and comment of a call, and only in that call.

`ast` says where the calls and statements are, as it did when the mistakes were found. All else in the text stays as it
is, byte for byte.
"""

from __future__ import annotations

import ast
import bisect
import re
import warnings

from scratchwork.advice.lint import call_edits
from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scratchwork.advice.lint.mistakes import Fix, Mistake

_MOST_ROUNDS = 100  # each mends something; only fixes that make new mistakes would go on for ever
_LINE_END = re.compile(r"\r\n|\r|\n")


def mend(text: str, find: Callable[[str], Sequence[Mistake]]) -> tuple[str, Sequence[Mistake]]:
    """Return the text with all mended that has a fix, and the mistakes that are left; line endings stay as they are.

    `find` returns the mistakes in a text; it is asked again after each round. What overlaps is mended in rounds of its
    own. A fix that leads to what can't be parsed is left out. Raises SyntaxError if the text can't be parsed.
    """
    found = find(text)
    for _ in range(_MOST_ROUNDS):
        mended = apply(text, found)
        if mended == text:
            break
        text, found = mended, find(mended)
    return text, found


def apply(text: str, mistakes: Sequence[Mistake]) -> str:
    """Return the text after one round: with the fixes of these mistakes, but for those that overlap others.

    A call is the one that begins where its fix says and ends where its mistake does; if none does, the innermost one
    that begins there. Raises SyntaxError if the text can't be parsed.
    """
    places = _Places(text)
    edits = [edit for mistake in mistakes if mistake.fix for edit in _edits(places, mistake, mistake.fix)]
    edits = list(_apart(edits))
    mended = _with(text, edits)
    if _parses(mended):
        return mended
    for edit in edits:
        if _parses(alone := _with(text, [edit])):
            return alone  # the others get their turn in the next round
    return text


class _Edit(Fact):
    """Another text for a span of the whole one; spans are counted in characters from its beginning."""

    __slots__ = ("end", "start", "text")

    def __init__(self, start: int, end: int, text: str) -> None:
        self.start = start
        self.end = end
        self.text = text


class _Places:
    """Where things are in a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        ends = [found.end() for found in _LINE_END.finditer(text)]
        self._starts = [0, *ends]
        self._lines = [text[start:end] for start, end in zip(self._starts, [*ends, len(text)], strict=True)]
        found = _LINE_END.search(text)
        self.line_end = found[0] if found else "\n"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        self._calls: dict[int, list[tuple[int, int]]] = {}
        for start, end in map(self._span, _calls(tree)):
            self._calls.setdefault(start, []).append((start, end))
        self._statements = {self._span(node)[0]: node for node in ast.walk(tree) if isinstance(node, ast.stmt)}

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line from 1 and a column from 0, in characters."""
        return self._starts[line - 1] + column

    def calls(self, offset: int) -> list[tuple[int, int]]:
        """Return the spans of the calls that begin at an offset, the innermost first.

        Those in f-strings are none of them: a quote more may end the string there.
        """
        return sorted(self._calls.get(offset, ()))

    def statement(self, offset: int) -> int | None:
        """Return the offset of the statement that begins there, or at its first decorator; None if none does."""
        node = self._statements.get(offset)
        if node is None or (isinstance(node, ast.If) and self.text.startswith("elif", offset)):
            return None
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        return self.text.rindex("@", 0, self._span(decorators[0])[0]) if decorators else offset

    def before(self, offset: int) -> str:
        """Return what stands before an offset in its line."""
        return self.text[self._starts[bisect.bisect(self._starts, offset) - 1] : offset]

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return self._from_bytes(node.lineno, node.col_offset), self._from_bytes(end_line, end_column)

    def _from_bytes(self, line: int, column: int) -> int:
        """Return the offset of a column that counts the bytes of UTF-8, as `ast` does."""
        text = self._lines[line - 1]
        return self.offset(line, column if text.isascii() else len(text.encode()[:column].decode()))


def _edits(places: _Places, mistake: Mistake, fix: Fix) -> Iterator[_Edit]:
    """Give the change that a fix makes; nothing if there is nothing to change, or no such place any more."""
    try:
        offset = places.offset(fix.line, fix.column)
        end = places.offset(mistake.end_line, mistake.end_column)
    except IndexError:
        return
    if fix.kind == "insert before":
        start = places.statement(offset)
        if start is not None:
            before = places.before(start)
            between = places.line_end + before if not before.strip() else "; "
            yield _Edit(start, start, fix.text.replace("\n", places.line_end + before) + between)
        return
    spans = places.calls(offset)
    if spans:
        start, end = next((span for span in spans if span[1] == end), spans[0])
        new = call_edits.edited(places.text[start:end], fix.kind, fix.text)
        if new is not None:
            yield _Edit(start, end, new)


def _apart(edits: list[_Edit]) -> Iterator[_Edit]:
    """Give those of the edits that don't overlap an earlier one, in order; of equal ones the first."""
    reached = -1
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start > reached:
            yield edit
            reached = max(edit.end, edit.start)


def _with(text: str, edits: Sequence[_Edit]) -> str:
    for edit in reversed(edits):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _parses(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except SyntaxError:
            return False
    return True


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    pending = [node]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Call):
            yield node
        if not isinstance(node, ast.JoinedStr):
            pending += ast.iter_child_nodes(node)
