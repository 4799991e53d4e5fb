"""All rules together, and what a code, or the beginning of one, means."""

from __future__ import annotations

from scratchwork.advice.lint import rules
from scratchwork.advice.lint.rules.registry import RULES, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PREFIX", "UNREADABLE", "all_rules", "find_rule", "unknown", "weight"]

_REGISTERED = rules  # importing it is what registers them

PREFIX = "SCR"
"""What every code begins with."""

UNREADABLE = Rule(
    "SCR001",
    "unreadable",
    "a file can't be read, decoded or parsed",
    """\
Nothing else is known of such a file, so this is always told, and nothing takes it away but leaving the file out
(`exclude`).

Python source is UTF-8, unless its first two lines say otherwise (PEP 263). It is parsed by the Python that runs the
linter: what is newer than that is a syntax error to it.""",
)


def all_rules() -> dict[str, Rule]:
    """Return every rule by its code, in the order of the codes."""
    return dict(sorted({UNREADABLE.code: UNREADABLE, **RULES}.items()))


def find_rule(code: str) -> Rule | None:
    """Return the rule of that code, in whatever case it is written; None if there is none."""
    return all_rules().get(code.upper())


def unknown(prefixes: Iterable[str]) -> list[str]:
    """Return those that no rule's code begins with."""
    known = tuple(all_rules())
    return [one for one in prefixes if not one or not any(code.startswith(one.upper()) for code in known)]


def weight(code: str, prefixes: Iterable[str]) -> int:
    """Return the length of the longest of the prefixes that a code begins with; -1 if it begins with none."""
    return max((len(one) for one in prefixes if code.startswith(one.upper())), default=-1)
