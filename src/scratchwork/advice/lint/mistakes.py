"""What a look at source code found, and how it may be mended."""

from __future__ import annotations

from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    FixKind = Literal["add keyword", "drop keyword", "insert before"]


class Fix(Fact):
    """A change that mends a mistake and nothing else.

    "add keyword" adds `text` (such as `newline=""`) to the call at `line` and `column`, "drop keyword" takes the
    keyword argument named `text` out of it, "insert before" puts the statement `text` before the statement at `line`
    and `column`. Lines count from 1, columns from 0, in characters.
    """

    __slots__ = ("column", "kind", "line", "text")

    def __init__(self, kind: FixKind, line: int, column: int, text: str) -> None:
        self.kind: FixKind = kind
        self.line = line
        self.column = column
        self.text = text


class Mistake(Fact):
    """One mistake: its rule's code, what happens and what to write instead, where, and its fix if there is a safe one.

    Lines count from 1, columns from 0, in characters; the end is exclusive.
    """

    __slots__ = ("code", "column", "end_column", "end_line", "fix", "line", "message")

    def __init__(
        self, code: str, message: str, line: int, column: int, end_line: int, end_column: int, fix: Fix | None = None
    ) -> None:
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        self.end_line = end_line
        self.end_column = end_column
        self.fix = fix
