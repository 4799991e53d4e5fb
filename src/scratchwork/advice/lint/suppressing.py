"""`# noqa`: what somebody has looked at and wants to hear no more of."""

from __future__ import annotations

import io
import re
import tokenize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchwork.advice.lint.mistakes import Mistake

_CODES = r"(?:\s*:\s*(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*))?"
_ON_A_LINE = re.compile(rf"#\s*noqa(?![A-Z0-9_]){_CODES}", re.IGNORECASE)
_IN_A_FILE = re.compile(rf"#\s*(?:flake8|ruff)\s*[:=]\s*noqa(?![A-Z0-9_]){_CODES}", re.IGNORECASE)
_EVERYTHING = ("",)  # what every code begins with


def without_suppressed(source: str, mistakes: Sequence[Mistake]) -> list[Mistake]:
    """Return the mistakes that no comment takes away.

    `# noqa` on any line that a mistake spans takes it away, `# noqa: SCR301` only that code; several are separated by
    commas or spaces, and `SCR3` stands for all that begin so. `# flake8: noqa` is for the whole file, also with codes.
    Upper and lower case are the same. Only comments count: a string may say what it likes.
    """
    if not mistakes or "noqa" not in source.lower():
        return list(mistakes)
    lines, everywhere = _comments(source)

    def is_suppressed(mistake: Mistake) -> bool:
        spanned = [lines.get(line, ()) for line in range(mistake.line, mistake.end_line + 1)]
        return any(mistake.code.startswith(codes) for codes in [everywhere, *spanned])

    return [mistake for mistake in mistakes if not is_suppressed(mistake)]


def _comments(source: str) -> tuple[dict[int, tuple[str, ...]], tuple[str, ...]]:
    """Return the codes that are taken away on each line, and in the whole file."""
    lines: dict[int, tuple[str, ...]] = {}
    everywhere: tuple[str, ...] = ()
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type != tokenize.COMMENT:
                continue
            if found := _IN_A_FILE.search(token.string):
                everywhere += _codes(found)
            elif found := _ON_A_LINE.search(token.string):
                lines[token.start[0]] = _codes(found)
    except (tokenize.TokenError, SyntaxError):
        pass  # it was parsed, so this is at its very end
    return lines, everywhere


def _codes(found: re.Match[str]) -> tuple[str, ...]:
    codes = found["codes"]
    return tuple(re.split(r"[,\s]+", codes.upper())) if codes else _EVERYTHING
