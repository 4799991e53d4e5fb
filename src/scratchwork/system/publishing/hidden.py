"""The names of drafts."""

from __future__ import annotations

import os

from scratchwork.system import names

_MOST_LABEL = 100  # bytes of its destination's name in a hidden one; some file systems allow 143 in all


def hidden_name(name: str) -> str:
    """Return a name that nothing has, for what is not published yet or any more: `.NAME.RANDOM.part`."""
    label = os.fsencode(name)[:_MOST_LABEL].decode(errors="ignore")
    return f".{label}.{names.draw()}.part"
