"""Every rule says what it finds, and the documentation says it, too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scratchwork.advice.lint.catalogue import PREFIX, all_rules, find_rule, unknown, weight
from scratchwork.advice.lint.rules.registry import RULES, Rule
from scratchwork.views.rules import as_markdown, explained

PAGE = Path(__file__).parents[3] / "docs" / "lint.md"


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.code)
def test_it_explains_itself(rule: Rule) -> None:
    assert re.fullmatch(rf"{PREFIX}\d{{3}}", rule.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
    assert rule.summary, "the docstring's first line"
    assert "\n" not in rule.summary, "an empty line stands after the first"
    assert rule.explanation, "the rest of the docstring"
    assert rule.summary[1:] in explained(rule, 10_000)


def test_names_are_unique_and_codes_in_order() -> None:
    rules = all_rules()
    assert len({rule.name for rule in rules.values()}) == len(rules)
    assert list(rules) == sorted(rules)
    assert all(code == rule.code for code, rule in rules.items())
    assert set(rules) == {*RULES, "SCR001"}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(all_rules().values()), "run scripts/rules-page"


def test_codes_and_what_they_begin_with() -> None:
    assert find_rule("scr001") is all_rules()["SCR001"]
    assert find_rule("SCR00") is None
    assert unknown(["SCR", "SCR0", "scr001", "SCR0011", "E5", ""]) == ["SCR0011", "E5", ""]
    assert weight("SCR301", ["SCR", "SCR3", "E"]) == 4
    assert weight("SCR301", ["SCR302"]) == -1


def test_an_explanation_keeps_what_is_laid_out() -> None:
    text = "one two three four five\n\n    x = 1\n    y = 2\n\n```py\nz = 1\n\nz =        2\n```"
    shown = explained(Rule("SCR999", "x", "it is", text), 12)
    assert (
        shown
        == f"SCR999 (x)\n\nIt is.\n\n{text.replace(' three', chr(10) + 'three').replace(' five', chr(10) + 'five')}"
    )
