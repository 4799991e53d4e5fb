from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from scratchwork.views import progress, tables
from tests.helpers_processes import Scratch, Terminal

if TYPE_CHECKING:
    import pytest

_SHOW = (
    "from scratchwork.views import tables\n"
    "tables.show(('STATE', 'WHY', 'N', 'NAME'), [('alive', 'word ' * 30, '7', 'n' * 60)],"
    "right=('N',), whole=('NAME',))"
)


def test_in_a_pipe_a_row_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(("A", "BCD"), [("x" * 300, "1"), ("[bold]y[/bold]", "22")], right=("BCD",))
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines()] == [["A", "BCD"], ["x" * 300, "1"], ["[bold]y[/bold]", "22"]]
    assert out.splitlines()[2].endswith("   22") or out.splitlines()[2].rstrip().endswith(" 22")
    assert "\x1b" not in out


def test_on_a_terminal_long_cells_are_folded_and_names_are_whole(
    scratch: Scratch, on_terminal: Callable[..., Terminal]
) -> None:
    python = scratch.command()[0]
    shown = on_terminal(python, "-c", _SHOW, env={"COLUMNS": "100"}).rest()
    assert "\x1b[32malive" in shown
    assert "n" * 60 in shown
    assert len([line for line in shown.splitlines() if "word" in line]) > 1


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show_json([{"label": "é\x1b", "n": 1}])
    out = capsys.readouterr().out
    assert json.loads(out) == [{"label": "é\x1b", "n": 1}]
    assert out.isascii()


def test_no_bar_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.bar("working") as tell:
        for done in range(1000):
            tell(done + 1, 1000)
    assert capsys.readouterr() == ("", "")
