"""The rules, by what they are about; importing this registers them all."""

from __future__ import annotations

from scratchwork.advice.lint.rules import contents, lifetimes, names, order, secrets, shared
from scratchwork.advice.lint.rules.registry import CHECKS, RULES, Rule

__all__ = ["CHECKS", "RULES", "Rule", "contents", "lifetimes", "names", "order", "secrets", "shared"]
