"""What a rule is, and all of them by their code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.advice.lint.following.events import Event
    from scratchwork.advice.lint.mistakes import Mistake

    Check = Callable[[Event], Iterator[Mistake]]


class Rule(Fact):
    """One rule: its code, its name, one line that says what it finds, and the explanation that `--explain` shows.

    `by_default`: whether it is on if nothing else is said; one that cried wolf too often on real code is not.
    `has_fix`: whether `--fix` can mend some of what it finds.
    """

    __slots__ = ("by_default", "code", "explanation", "has_fix", "name", "summary")

    def __init__(
        self, code: str, name: str, summary: str, explanation: str, *, by_default: bool = True, has_fix: bool = False
    ) -> None:
        self.code = code
        self.name = name
        self.summary = summary
        self.explanation = explanation
        self.by_default = by_default
        self.has_fix = has_fix


RULES: dict[str, Rule] = {}
"""Every rule by its code, in the order of the codes."""

CHECKS: dict[str, list[Check]] = {}
"""What each kind of event is looked at by."""


def rule(code: str, name: str, *kinds: str, by_default: bool = True, has_fix: bool = False) -> Callable[[Check], Check]:
    """Register a function as the rule `code`, which looks at events of these kinds; its docstring explains it."""

    def register(check: Check) -> Check:
        summary, _, explanation = inspect.cleandoc(check.__doc__ or "").partition("\n\n")
        RULES[code] = Rule(code, name, summary, explanation, by_default=by_default, has_fix=has_fix)
        for kind in kinds:
            CHECKS.setdefault(kind, []).append(check)
        return check

    return register
