"""The linter's rules: one explained, all in a table, all as a page of the documentation."""

from __future__ import annotations

import textwrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from scratchwork.advice.lint.rules.registry import Rule

COLUMNS = ("CODE", "NAME", "ON", "FIX", "WHAT IT FINDS")


def rows(rules: Iterable[Rule]) -> list[tuple[str, ...]]:
    """Return a row of a table for each rule."""
    return [(one.code, one.name, _yes(one.by_default), _yes(one.has_fix), one.summary) for one in rules]


def facts(rule: Rule) -> dict[str, Any]:
    """Return all of a rule, ready for JSON."""
    names = ("code", "name", "summary", "explanation", "by_default", "has_fix")
    return {name: getattr(rule, name) for name in names}


def explained(rule: Rule, width: int) -> str:
    """Return all that there is to say of a rule, no wider than `width`; what is indented stays as it is."""
    notes = [f"{rule.code} ({rule.name})"]
    if not rule.by_default:
        notes.append("off by default")
    if rule.has_fix:
        notes.append("--fix can mend some of it")
    parts = ["; ".join(notes), _sentence(rule.summary), *_paragraphs(rule.explanation)]
    return "\n\n".join(_wrapped(part, width) for part in parts if part)


def as_markdown(rules: Iterable[Rule]) -> str:
    """Return the page of the documentation that lists and explains the rules."""
    return "\n".join(_page(list(rules)))


def _page(rules: list[Rule]) -> Iterator[str]:
    yield _HEAD
    yield "| code | name | what it finds | on by default | `--fix` |"
    yield "| --- | --- | --- | --- | --- |"
    for rule in rules:
        link = f"[{rule.code}](#{rule.code.lower()}-{rule.name})"
        yield f"| {link} | {rule.name} | {_cell(rule.summary)} | {_yes(rule.by_default)} | {_yes(rule.has_fix)} |"
    for rule in rules:
        yield f"\n## {rule.code} {rule.name}\n"
        yield _sentence(rule.summary)
        if rule.explanation:
            yield f"\n{rule.explanation}"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _paragraphs(text: str) -> Iterator[str]:
    """Give what is separated by empty lines; those in a fenced block separate nothing."""
    part = ""
    for piece in text.split("\n\n"):
        part = f"{part}\n\n{piece}" if part else piece
        if part.count("```") % 2 == 0:
            yield part
            part = ""
    yield part


def _wrapped(paragraph: str, width: int) -> str:
    if any(line.startswith((" ", "- ", "|", "```")) for line in paragraph.splitlines()):
        return paragraph
    return textwrap.fill(paragraph, width, break_long_words=False, break_on_hyphens=False)


def _yes(value: bool) -> str:  # noqa: FBT001 - it is what is told
    return "yes" if value else ""


_HEAD = """# The rules of `scratch lint`

<!-- Written by scripts/rules-page from the rules themselves; don't edit it. -->

`scratch lint` finds the mistakes that Python source makes with temporary files. `scratch lint --explain CODE` shows
what is said here of one of them, `scratch lint --help` all options. Each can be taken away at its place, in a file, or
altogether:

```py
path = tempfile.mktemp()  # noqa: SCR301
```

```toml
[tool.scratchwork.lint]            # in pyproject.toml, the nearest that has it
select = ["SCR"]                   # the rules that are on: codes, or what they begin with; else those marked below
extend-select = ["SCR6"]           # more of them
ignore = ["SCR602"]                # rules that are off; the longer of two that fit counts
exclude = ["vendored", "docs/*"]   # not looked at, besides build, dist, node_modules, virtual environments and the like
per-file-ignores = {"tests/*" = ["SCR2"]}
```
"""
