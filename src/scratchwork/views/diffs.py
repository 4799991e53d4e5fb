"""What a change does to a text, as `diff -u` shows it."""

from __future__ import annotations

import difflib
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LINES = re.compile(r"[^\n]*\n|[^\n]+")  # not splitlines, which ends lines where neither Python nor patch does


def unified(path: str, before: str, after: str) -> str:
    """Return the difference between two texts of a file, ready for `patch -p0`; '' if there is none."""
    return "".join(_lines(path, before, after))


def _lines(path: str, before: str, after: str) -> Iterator[str]:
    for line in difflib.unified_diff(_LINES.findall(before), _LINES.findall(after), path, path):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
