"""Tables for people and JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import compress
from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from scratchwork.system import words

_STYLES = {
    "alive": "green",
    "dead": "red",
    "kept": "yellow",
    "failed": "red",
    "reclaimed": "yellow",
    "ok": "green",
    "warning": "yellow",
    "problem": "red",
}
_UNLIMITED = 100_000  # columns where nobody's terminal is too narrow: in a pipe or a file nothing may be cut


def show(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[str] = (),
    whole: Sequence[str] = (),
    optional: Sequence[str] = (),
    file: IO[str] | None = None,
) -> None:
    """Print a table on stdout, or in `file`, in colour on a terminal unless NO_COLOR is set.

    Columns named in `right` are aligned so; those in `whole` are never broken, so that they can be copied; those in
    `optional` are left out where they are empty.
    """
    used = [column not in optional or any(row[number] for row in rows) for number, column in enumerate(columns)]
    columns, rows = list(compress(columns, used)), [list(compress(row, used)) for row in rows]
    stream = sys.stdout if file is None else file
    console = (
        Console(file=stream, highlight=False)
        if stream is not None and stream.isatty()
        else Console(file=stream, width=_UNLIMITED, highlight=False)
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(
            column, justify="right" if column in right else "left", overflow="fold", no_wrap=column in whole
        )
    for row in rows:
        table.add_row(*(Text(words.printable(cell), style=_STYLES.get(cell, "")) for cell in row))
    console.print(table)


def show_json(value: object) -> None:
    """Print a value as one JSON document."""
    print(json.dumps(value, indent=2), flush=True)  # noqa: T201 - and heard of now if nobody takes it
