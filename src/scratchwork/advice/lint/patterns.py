"""Patterns for paths, as settings and options have them."""

from __future__ import annotations

import os
import re
from fnmatch import translate
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def matches(path: str, patterns: Iterable[str], folder: str) -> bool:
    """Whether a path, or a folder that it lies in, matches one of the patterns.

    A pattern without a slash is for a name anywhere below `folder`; one with a slash for the path from there. `*`
    stands for anything, slashes too.
    """
    relative = os.path.relpath(os.path.abspath(path), folder).replace(os.sep, "/")
    parts = [part for part in relative.split("/") if part not in {".", ".."}]
    for pattern in patterns:
        matching = _compiled(pattern.removeprefix("./").rstrip("/")).match
        if "/" not in pattern.rstrip("/"):
            if any(matching(part) for part in parts):
                return True
        elif any(matching("/".join(parts[:length])) for length in range(1, len(parts) + 1)):
            return True
    return False


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
