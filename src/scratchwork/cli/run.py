"""`scratch run`: its help and its mistakes; what it does is in `jobs`, and the quick way there in `run_options`."""

from __future__ import annotations

from typing import Any

import click

from scratchwork.cli.run_options import OPTIONS, Option
from scratchwork.cli.shared import Amount, Seconds
from scratchwork.jobs.job import Job
from scratchwork.jobs.starting import run

_HELP = """Run a command with its temporary files in a workspace of its own.

TMPDIR, TEMP and TMP lead into the workspace, SCRATCH_WORKSPACE names it, and Java is told by JDK_JAVA_OPTIONS. When the
command has ended the workspace is removed, or kept as --keep says.

The command holds the workspace's lease too: if this process is killed, even with SIGKILL, the workspace lives as long
as the command, and is removed by the next sweep after that.

Signals sent to this process (TERM, INT, HUP, QUIT, USR1, USR2, WINCH, TSTP, CONT) are handed on to the command. Ctrl-C
and the other keys reach it from the terminal, once. Processes that the command leaves running are ended: SIGTERM, and
after a grace time of 5 seconds (--grace) SIGKILL; with --orphans wait they are waited for,
until such a signal comes.

\b
Exit status: the command's own; 128+N if signal N killed it; and
  122  its workspace exceeded its quota (--enforce watched)
  125  scratch itself failed
  126  the command was found but can't be executed
  127  there is no such command

\b
Examples:
  scratch run -- make test
  scratch run --label nightly --keep failure -- python export.py
  scratch run --quota '2 GB' --reserve '5 GB' -- sort -o out.txt huge.txt
"""


def _click_option(option: Option) -> click.Option:
    kind: Any = None
    if option.choices:
        kind = click.Choice(option.choices)
    elif isinstance(option.default, float):
        kind = Seconds()
    elif option.read is not None:
        kind = Amount(option.read, option.metavar or "")
    is_flag = option.default is False
    return click.Option(
        [option.flag, option.argument],
        default=option.default,
        type=kind,
        is_flag=is_flag,
        metavar=option.metavar,
        help=option.help,
        show_default=bool(option.default),
        multiple=option.default == (),
    )


def _run(arguments: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - what the options give
    if not arguments[0]:
        raise click.UsageError("The command's name is empty.")
    return run(Job(list(arguments), **values))


command = click.Command(
    "run",
    callback=_run,
    params=[
        *map(_click_option, OPTIONS),
        click.Argument(["arguments"], nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARGUMENT]..."),
    ],
    help=_HELP,
    short_help="Run a command with its temporary files in a workspace.",
    context_settings={"allow_interspersed_args": False},
)
