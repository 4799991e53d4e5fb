"""Unguessable names, from the operating system's CSPRNG, safe across threads and forks."""

from __future__ import annotations

import os

LENGTH = 10
"""Characters in a name: 50 bits, so that 10 million names meet by chance once in 20 such sets or so."""

# Crockford's base 32: no i, l, o or u, lower case, since some file systems fold case. 32 divides 256, so
# mapping each random byte to its remainder keeps all characters equally likely.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_BY_BYTE = bytes(ALPHABET.encode()[value % 32] for value in range(256))
_BATCH = 256

_drawn: dict[int, list[str]] = {}
"""Names that nobody has had yet, by their length."""


def draw(length: int = LENGTH) -> str:
    """Return a name of that many characters that was never returned before.

    One call to `os.urandom` serves 256 names. Safe in several threads (`list.pop` is atomic) and in a forked
    child, which forgets what its parent drew and draws its own.
    """
    try:
        return _drawn[length].pop()
    except (KeyError, IndexError):
        text = os.urandom(length * _BATCH).translate(_BY_BYTE).decode("ascii")
        names = [text[start : start + length] for start in range(0, len(text), length)]
        name = names.pop()
        _drawn.setdefault(length, []).extend(names)
        return name


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_drawn.clear)
