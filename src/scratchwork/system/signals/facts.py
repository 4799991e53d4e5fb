"""What is told of a signal."""

from __future__ import annotations

from scratchwork.system.facts import Fact


class Received(Fact):
    """A signal that came: its number, and whether it was a key press that others have had as well."""

    __slots__ = ("from_terminal", "number")

    def __init__(self, number: int, *, from_terminal: bool) -> None:
        self.number = number
        self.from_terminal = from_terminal
