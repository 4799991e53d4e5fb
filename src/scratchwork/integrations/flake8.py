"""The linter's rules in flake8, which finds this by itself where both are installed.

Rules that are off by default are so here, too: `extend-select = SCR602` has one. `# noqa`, `select`, `ignore` and
`per-file-ignores` are flake8's own.
"""

from __future__ import annotations

import scratchwork
from scratchwork.advice.lint.catalogue import all_rules
from scratchwork.advice.lint.reading import check_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator, Sequence
    from typing import Any


class Plugin:
    """What flake8 makes for each file that it could parse."""

    name = "scratchwork"
    version = scratchwork.__version__

    def __init__(self, tree: ast.AST, lines: Sequence[str]) -> None:
        """Take what flake8 gives: `tree`, so that it asks only for what can be parsed, and the lines of the file."""
        self._lines = lines

    @staticmethod
    def add_options(options: Any) -> None:
        """Turn off what is off by default; flake8 calls this once, with its OptionManager."""
        options.extend_default_ignore([code for code, rule in all_rules().items() if not rule.by_default])

    def run(self) -> Iterator[tuple[int, int, str, type[Plugin]]]:
        """Give each mistake: line, column, what flake8 prints, and whose it is."""
        try:
            found = check_text("".join(self._lines))
        except SyntaxError:
            return  # flake8 itself says so
        for mistake in found:
            yield mistake.line, mistake.column, f"{mistake.code} {mistake.message}", type(self)
