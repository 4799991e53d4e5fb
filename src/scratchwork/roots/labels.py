"""A workspace's name: what it tells at a glance, without opening anything.

    nightly-1t9k2lm-4qk-a7m2p9xq8c
    label   made    pid random

The label is shortened to keep the path short: a socket's path holds 107 bytes (unix(7)) and programs put
sockets into TMPDIR. It stands whole in the record, where it was shortened, and in the ledger.
"""

from __future__ import annotations

import time

from scratchwork.errors import InvalidLabel
from scratchwork.system import names
from scratchwork.system.facts import Fact

MOST_CHARACTERS = 200
"""The longest label."""
SHOWN = 12
"""How much of a label a name shows."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SAFE = frozenset(_DIGITS + _DIGITS.upper() + "_-")
_NUMBER = frozenset(_DIGITS)
_DRAWN = frozenset(names.ALPHABET)


class Name(Fact):
    """What a workspace's name says."""

    __slots__ = ("created", "label", "pid")

    def __init__(self, label: str, created: int, pid: int) -> None:
        self.label = label
        self.created = created
        self.pid = pid


class _Stamp:
    """The part of a name that stays the same within a second of one process."""

    __slots__ = ("pid", "pid_text", "second", "second_text")

    def __init__(self) -> None:
        self.second = self.pid = -1
        self.second_text = self.pid_text = ""


_stamp = _Stamp()


def shown(label: str) -> str:
    """Return the form that a label has in names. Raises InvalidLabel when it can't be a label."""
    if not isinstance(label, str):
        raise InvalidLabel(f"a label is text, not {type(label).__name__}")
    if label.isascii() and label.isalnum() and len(label) <= SHOWN:
        return label
    if not label or len(label) > MOST_CHARACTERS:
        raise InvalidLabel(f"a label has 1 to {MOST_CHARACTERS} characters, this one {len(label)}")
    for character in label:
        if character in "/\\" or not character.isprintable():
            raise InvalidLabel(
                f"a label can't contain {character!r}: it becomes part of a directory's name; use another character"
            )
    return "".join(character if character in _SAFE else "_" for character in label[:SHOWN])


def compose(short_label: str, pid: int) -> str:
    """Return a new name for a workspace of the process `pid`."""
    second = int(time.time())
    if _stamp.pid != pid:
        _stamp.pid, _stamp.pid_text = pid, _base36(pid)
    if _stamp.second != second:
        _stamp.second, _stamp.second_text = second, _base36(second)
    return f"{short_label}-{_stamp.second_text}-{_stamp.pid_text}-{names.draw()}"


def parse(name: str) -> Name | None:
    """Return what a name says; None if `compose` could not have made it, so that a path is never taken for a name."""
    parts = name.rsplit("-", 3)
    if len(parts) != 4:
        return None
    label, created, pid, drawn = parts
    if not (label and created and pid and len(drawn) == names.LENGTH):
        return None
    if not (_SAFE.issuperset(label) and _NUMBER.issuperset(created + pid) and _DRAWN.issuperset(drawn)):
        return None
    return Name(label, int(created, 36), int(pid, 36))


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"
