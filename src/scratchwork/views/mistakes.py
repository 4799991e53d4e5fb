"""What the linter found: as text for people, as JSON, and as the annotations of GitHub's workflows."""

from __future__ import annotations

import json

from scratchwork.advice.lint.catalogue import UNREADABLE, all_rules
from scratchwork.system import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, TextIO

    from scratchwork.advice.lint.mistakes import Mistake
    from scratchwork.advice.lint.running import Looked


def lines(looked: Sequence[Looked]) -> Iterator[str]:
    """Give one line for each mistake, `path:line:column: CODE message`; columns count from 1, as editors do."""
    for one in looked:
        for mistake in one.found:
            place = f"{one.path}:{mistake.line}:{mistake.column + 1}"
            yield words.printable(f"{place}: {mistake.code} {mistake.message}")


def show_lines(looked: Sequence[Looked], stream: TextIO) -> None:
    """Print the lines, with colours on a terminal unless NO_COLOR is set."""
    if not stream.isatty():
        stream.writelines(f"{line}\n" for line in lines(looked))
        stream.flush()  # if nobody takes it, that is heard of now
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, soft_wrap=True)
    for line in lines(looked):
        text = Text(line)
        text.highlight_regex(r"^.*?:\d+:\d+:", "bold")
        text.highlight_regex(r"(?<=: )[A-Z]+\d+(?= )", "red")
        console.print(text)


def summary(looked: Sequence[Looked], files: int, mended: int = 0) -> str:
    """Return the last line: how many mistakes in how many of the files looked at, and what of it `--fix` can mend."""
    mistakes = [mistake for one in looked for mistake in one.found]
    parts = [f"mended {words.plural(mended, 'mistake')}"] if mended else []
    if mistakes:
        in_files = words.plural(sum(bool(one.found) for one in looked), "file")
        left = " left" if mended else ""
        parts.append(f"{words.plural(len(mistakes), 'mistake')}{left} in {in_files}")
    else:
        parts.append("no mistakes" + (" left" if mended else ""))
    fixable = sum(mistake.fix is not None for mistake in mistakes)
    if fixable:
        parts.append(f"--fix can mend {fixable:,}")
    return f"{'; '.join(parts)} ({words.plural(files, 'file')} looked at)"


def as_json(looked: Sequence[Looked]) -> str:
    """Return one JSON document: a list of mistakes. Lines and columns count from 1, the end is exclusive."""
    rows: list[dict[str, Any]] = [
        {
            "path": one.path,
            "code": mistake.code,
            "name": name_of(mistake),
            "message": mistake.message,
            "line": mistake.line,
            "column": mistake.column + 1,
            "end_line": mistake.end_line,
            "end_column": mistake.end_column + 1,
            "fixable": mistake.fix is not None,
        }
        for one in looked
        for mistake in one.found
    ]
    return json.dumps(rows, indent=2)


def as_github(looked: Sequence[Looked]) -> Iterator[str]:
    """Give a workflow command of GitHub Actions for each mistake, which shows it at its line."""
    for one in looked:
        for mistake in one.found:
            level = "error" if mistake.code == UNREADABLE.code else "warning"
            facts = {"file": one.path, "line": mistake.line, "endLine": mistake.end_line}
            if mistake.line == mistake.end_line:  # columns are refused where the lines differ
                facts |= {"col": mistake.column + 1, "endColumn": max(mistake.end_column, mistake.column + 1)}
            facts |= {"title": mistake.code}
            properties = ",".join(f"{name}={_property(str(value))}" for name, value in facts.items())
            yield f"::{level} {properties}::{_data(f'{mistake.code} {mistake.message}')}"


def name_of(mistake: Mistake) -> str:
    """Return the name of the rule that a mistake breaks."""
    rule = all_rules().get(mistake.code)
    return rule.name if rule else mistake.code


def _data(text: str) -> str:
    return _safe(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _safe(text: str) -> str:
    """Return text that can be encoded: names of files may not be UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
