"""What the README shows is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import scratchwork
from tests.helpers_programs import python

if TYPE_CHECKING:
    import pytest

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
MAIN = "import sys; from scratchwork.cli import main; sys.exit(main())"


def test_its_python_runs_and_leaves_nothing(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(temp)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        python(block)
    left = [path.name for path in temp.rglob("*") if path.name not in {"root.conf", "root.quota", "ledger.jsonl"}]
    roots = [scratchwork.Root(app).path.rpartition("/")[2] for app in ("default", "myapp")]
    assert sorted(left) == ["report.csv", *roots], "what was published, and no more"


def test_its_commands_are_those_that_there_are() -> None:
    told = set(re.findall(r"^\| `scratch (\w+)", README, re.MULTILINE))
    help_text = subprocess.run(
        [sys.executable, "-c", MAIN, "--help"], capture_output=True, text=True, check=True
    ).stdout
    commands = help_text.partition("Commands:\n")[2].partition("\n\n")[0]
    assert told == set(re.findall(r"^  (\w+)  ", commands, re.MULTILINE))


def test_its_make_targets_are_those_that_there_are() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\bmake ([a-z]+)\b", (REPOSITORY / page).read_text(encoding="utf-8")):
            assert re.search(rf"^{target}:", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE), (
                target
            )
