"""Following the paths of a function stays cheap, however many of them there are."""

from __future__ import annotations

from scratchwork.advice.lint.checking import check_source

BRANCHES = 300


def test_values_do_not_double_with_each_branch() -> None:
    branches = "".join(
        f"    if kind == {number}:\n        text += '{number}'\n        folder = folder or kind\n"
        for number in range(BRANCHES)
    )
    source = f"import tempfile\ndef work(kind):\n    text = ''\n    folder = tempfile.mkdtemp()\n{branches}"

    assert [one.code for one in check_source(source)] == ["SCR203"]  # with 2 ** 300 values it would never end
