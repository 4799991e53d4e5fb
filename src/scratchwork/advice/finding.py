"""What a look at something found."""

from __future__ import annotations

from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Severity = Literal["ok", "note", "warning", "problem"]


class Finding(Fact):
    """One finding: what it is about, how grave it is, what is so, and what to do about it ('': nothing).

    `severity`: "ok"; "note", good to know; "warning", something will go wrong some day, or already costs something;
    "problem", something does not work or is not safe. The last two need a person.
    """

    __slots__ = ("advice", "severity", "text", "topic")

    def __init__(self, topic: str, severity: Severity, text: str, advice: str = "") -> None:
        self.topic = topic
        self.severity: Severity = severity
        self.text = text
        self.advice = advice

    @property
    def needs_person(self) -> bool:
        """Whether somebody should do something about it."""
        return self.severity in {"warning", "problem"}
