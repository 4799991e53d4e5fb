"""`python -m scratchwork.trace [OPTIONS] app.py ARGUMENT...`: `scratch trace` for a program in this Python.

The same for `-m MODULE` and `-c CODE`. The options are those of `scratch trace`, see its `--help`.
"""

from __future__ import annotations

import sys

from scratchwork.cli import main

_WITH_VALUE = frozenset({"--space", "--depth", "--top", "--output", "--flame"})
_ALONE = frozenset({"--json", "--help", "-h"})


def command_line(arguments: list[str]) -> list[str]:
    """Return the arguments of `scratch` for these: what is no option of ours begins what this Python is given."""
    at = 0
    while at < len(arguments) and arguments[at].partition("=")[0] in _WITH_VALUE | _ALONE:
        at += 2 if arguments[at] in _WITH_VALUE else 1
    options, rest = arguments[:at], arguments[at:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    return ["trace", *options, "--", *([sys.executable, *rest] if rest else [])]


if __name__ == "__main__":
    sys.argv[1:] = command_line(sys.argv[1:])
    sys.exit(main())
