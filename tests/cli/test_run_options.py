"""The quick parser and click understand `scratch run` alike, and the quick way there stays quick."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scratchwork.cli import run as run_module
from scratchwork.cli.run_options import OPTIONS, parse
from scratchwork.jobs.job import Job
from tests.helpers_processes import SOURCE, Scratch

_HEAVY = {
    "argparse", "click", "contextlib", "ctypes", "dataclasses", "enum", "inspect", "json", "logging", "pathlib",
    "random", "re", "rich", "selectors", "shutil", "signal", "socket", "subprocess", "tempfile", "threading", "typing",
}  # fmt: skip


def _by_click(arguments: list[str]) -> Job | None:
    """Return the job that click makes of it; None where it shows help or a mistake."""
    jobs: list[Job] = []

    def capture(job: Job) -> int:
        jobs.append(job)
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "run", capture)
        try:
            run_module.command.main(list(arguments), prog_name="run", standalone_mode=False)
        except click.ClickException:
            return None
    return jobs[0] if jobs else None


def _facts(job: Job | None) -> dict[str, Any] | None:
    return None if job is None else job.as_dict()


_VALUES = {
    "--label": ["nightly", "", "a b", "-x", "--keep", "é", "a=b"],
    "--keep": ["never", "failure", "always", "sometimes", "", "Always"],
    "--orphans": ["end", "wait", "kill"],
    "--grace": ["0", "2", "0.5", "1e3", " 1", "-1", "inf", "nan", "x", "", "1_0"],
    "--app": ["mine", ""],
    "--dir": ["/tmp", "", "relative"],
    "--quota": ["2 GB", "2GiB", "0", "2_000_000", "-1", "2 parsecs", "", "1.5"],
    "--max-files": ["100_000", "0", "-1", "many"],
    "--enforce": ["watched", "kernel", "metered"],
    "--file-size": ["10k", "x"],
    "--reserve": ["5 GB", "lots"],
    "--reserve-files": ["7", "7 GB"],
    "--place": ["fast", "disk,executable", "", "fast,disk", "nowhere"],
    "--candidate": ["/a", "b"],
    "--publish": ["a=b", "a/b=c=d", "a", "=b", "a="],
}
_FLAGS = ["--cwd", "--json"]


def test_every_option_is_tried() -> None:
    assert {option.flag for option in OPTIONS} == {*_VALUES, *_FLAGS}


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize(("flag", "value"), [(flag, value) for flag, values in _VALUES.items() for value in values])
def test_an_option_with_a_value(flag: str, value: str, joined: bool) -> None:
    option = [f"{flag}={value}"] if joined else [flag, value]
    for rest in (["--", "make", "-j", "4"], ["make", "--label", "x", "--", "y"]):
        assert _facts(parse(option + rest)) == _facts(_by_click(option + rest))


@pytest.mark.parametrize(
    "arguments",
    [
        ["make"],
        ["make", "--", "x"],
        ["make", "--help"],
        ["--", "make", "--help"],
        ["--", "--", "make"],
        ["--", "-x"],
        ["--cwd", "make"],
        ["--json", "--cwd", "--", "make"],
        ["--cwd=1", "make"],
        ["--json=", "make"],
        ["--label", "a", "--label", "b", "make"],
        ["--candidate", "a", "--candidate=b", "--publish", "a=b", "--publish=c=d", "make"],
        ["--label"],
        ["--label", "a"],
        ["--label", "--", "--", "make"],
        ["--"],
        [],
        ["", "make"],
        ["--", ""],
        ["--nonsense", "make"],
        ["-h"],
        ["-x", "make"],
        ["--", "make", "", "a b"],
    ],
)
def test_a_command_line(arguments: list[str]) -> None:
    assert _facts(parse(arguments)) == _facts(_by_click(arguments))


def test_an_abbreviated_option_is_left_to_click() -> None:
    assert parse(["--lab", "x", "make"]) is None


_WORDS = st.sampled_from(
    [
        *_VALUES,
        *_FLAGS,
        *(f"{flag}={value}" for flag, values in _VALUES.items() for value in values[:2]),
        *("--", "make", "never", "1", "-", "", "x=y"),
    ]
)


@given(st.lists(_WORDS, max_size=7))
@example(["-"])
@example(["-", "make"])
def test_any_command_line(arguments: list[str]) -> None:
    """What the quick parser takes, it takes as click does; it may leave to click what it will."""
    quick = parse(arguments)
    if quick is not None:
        assert _facts(quick) == _facts(_by_click(arguments))


def test_run_imports_nothing_heavy(scratch: Scratch) -> None:
    """Asked of the interpreter when the command ends, since only there all imports have been made."""
    program = (
        "import os, sys\n"
        "end = os._exit\n"
        "def tell(status): sys.stderr.write('\\n'.join(sys.modules)); sys.stderr.flush(); end(status)\n"
        "os._exit = tell\n"
        "from scratchwork.cli import main\n"
        "main()"
    )
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {SOURCE!r})\n{program}"]
    done = scratch.start_program([*command, "run", "--", "true"]).finish()
    modules = set(done.err.split())
    assert done.status == 0
    assert "scratchwork.jobs.supervision" in modules
    assert {name.partition(".")[0] for name in modules} & _HEAVY == set()


def test_control_another_command_imports_click(scratch: Scratch) -> None:
    program = "import sys; from scratchwork.cli import main; main(); print(*sys.modules, file=sys.stderr)"
    done = scratch.start_program([sys.executable, "-c", program, "ls", "--json"]).finish()
    assert {"click", "rich"} <= set(done.err.split())


@pytest.mark.parametrize("missing", ["click", "rich"])
@pytest.mark.parametrize("arguments", [("ls",), ("run", "--help"), ()])
def test_without_its_libraries_it_says_how_to_get_them(
    scratch: Scratch, missing: str, arguments: tuple[str, ...]
) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from scratchwork.cli import main; sys.exit(main())"
    done = scratch.start_program([sys.executable, "-c", program, *arguments]).finish()
    assert (done.status, done.out) == (125, "")
    assert done.err == f"scratch: this command needs {missing}: pip install 'scratchwork[cli]'\n"


def test_without_its_libraries_run_works(scratch: Scratch) -> None:
    program = (
        "import sys; sys.modules['click'] = sys.modules['rich'] = None;"
        "from scratchwork.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", program, "run", "--json", "--keep", "always", "--", "sh", "-c", "exit 3"]
    done = scratch.start_program(command).finish()
    assert done.status == 3
    assert json.loads(done.err.splitlines()[-1])["kept"]
