"""Each rule on code that it must find, and on look-alikes that it must leave alone: `cases/CODE.md`.

A case is a fenced block. Lines that end with `# here` are those where the rule, and no other line, must find something.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scratchwork.advice.lint.checking import check_source
from scratchwork.advice.lint.fixing import mend
from scratchwork.advice.lint.mistakes import Mistake
from scratchwork.advice.lint.rules import RULES

CASES = Path(__file__).parent / "cases"
FEWEST = 6
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def cases(code: str, heading: str) -> list[str]:
    sections = re.split(r"^## ", (CASES / f"{code}.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [block for section in sections if section.startswith(heading) for block in _BLOCK.findall(section)]


def found(code: str, source: str) -> list[int]:
    return sorted({one.line for one in check_source(source) if one.code == code})


def all_cases(heading: str) -> list[pytest.ParameterSet]:
    return [
        pytest.param(code, source, id=f"{code}-{number}")
        for code in RULES
        for number, source in enumerate(cases(code, heading), 1)
    ]


@pytest.mark.parametrize(("code", "source"), all_cases("Fires"))
def test_finds(code: str, source: str) -> None:
    expected = [number for number, line in enumerate(source.splitlines(), 1) if line.endswith("# here")]
    assert expected
    assert found(code, source) == expected


@pytest.mark.parametrize(("code", "source"), all_cases("Stays quiet"))
def test_leaves_alone(code: str, source: str) -> None:
    assert found(code, source) == []


@pytest.mark.parametrize("code", RULES)
def test_has_enough_cases(code: str) -> None:
    assert min(len(cases(code, "Fires")), len(cases(code, "Stays quiet"))) >= FEWEST


def fixable(source: str) -> list[Mistake]:
    return [one for one in check_source(source) if one.fix is not None]


@pytest.mark.parametrize(
    ("code", "source"), [case for case in all_cases("Fires") if RULES[str(case.values[0])].has_fix]
)
def test_a_fix_mends_what_was_found_and_brings_nothing_new(code: str, source: str) -> None:
    mended, left = mend(source, fixable)
    assert left == []
    assert fixable(mended) == []
    mended_away = {one.code for one in fixable(source)}
    before, after = ([one.code for one in check_source(text)] for text in (source, mended))
    assert [one for one in after if one not in mended_away] == [one for one in before if one not in mended_away]


@pytest.mark.parametrize("code", [code for code, rule in RULES.items() if rule.has_fix])
def test_a_rule_that_says_so_has_a_fix_for_some_case(code: str) -> None:
    assert any(one.code == code for source in cases(code, "Fires") for one in fixable(source))
