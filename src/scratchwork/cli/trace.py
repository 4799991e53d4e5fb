"""`scratch trace`: what a program makes in temp space, what it leaves there, and which calls did it."""

from __future__ import annotations

import io
import os
import sys

import click

import scratchwork
from scratchwork.advice.tracing.running import OWN_FAILURE, CannotTrace, trace
from scratchwork.cli.shared import as_json
from scratchwork.system import words
from scratchwork.views import flame
from scratchwork.views import trace as view

_EPILOG = """\b
Exit status: the command's own; 128+N if signal N killed it; and
  125  scratch itself failed
  126  the command was found but can't be executed
  127  there is no such command

\b
Examples:
  scratch trace -- python app.py
  scratch trace --flame tmp.html -- make test
  python -m scratchwork.trace -m pytest tests
"""


class _Output(click.Path):
    """A file to be written at the end, of which it is seen now whether it can be."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return its absolute path: nobody knows whether the current folder will still be there."""
        path = os.path.abspath(os.fsdecode(value))  # type: ignore[arg-type] # text, or bytes
        if os.path.isdir(path) or not os.access(os.path.dirname(path), os.W_OK | os.X_OK):
            self.fail(f"{value} can't be written: see that its folder is there, and yours.", param, ctx)
        return path


@click.command(
    "trace",
    short_help="Run a program and say what it leaves in temp space, and where in its code.",
    epilog=_EPILOG,
    context_settings={"allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARGUMENT]...")
@click.option("--space", "spaces", multiple=True, metavar="DIR", help="A folder that is temp space too; several times.")
@click.option(
    "--depth", type=click.IntRange(1), default=4, show_default=True, metavar="N", help="How many calls of each stack."
)
@click.option(
    "--top", type=click.IntRange(1), default=10, show_default=True, metavar="N", help="How many places are shown."
)
@click.option("--output", type=_Output(), metavar="FILE", help="Write the report there instead of to stderr.")
@click.option("--flame", "picture", type=_Output(), metavar="FILE.html", help="Draw a flame graph: bytes by stack.")
@as_json
def command(
    arguments: tuple[str, ...],
    spaces: tuple[str, ...],
    depth: int,
    top: int,
    output: str | None,
    picture: str | None,
    as_json: bool,
) -> int:
    """Run any program unchanged, and say at its end what its Python code made in temp space, and what it left.

    Grouped by the calls that made it, the place that left most first. Temp space is TMPDIR, TEMP, TMP, /tmp, /var/tmp,
    /dev/shm, what the program sets as tempfile.tempdir, and --space. The report goes to stderr (with --json one line,
    with whole stacks and all paths): stdout belongs to the command. Sizes are what is allocated, as 'du' has them.

    Child processes in Python are followed, forked or started, from Python 3.8 on, in other environments too. All is
    written down before it happens, so that os._exit or kill -9 loses nothing of what was seen.

    Not followed: Python with -I, -E or -S; children for which a program clears the environment or sets another
    PYTHONPATH (as pip does for builds); frozen programs; other users' processes; other languages. What comes from them,
    or from C libraries, is seen where it lies at the end, or is removed, in a directory that Python code made. The
    program sees one more folder in PYTHONPATH, and SCRATCH_TRACE.

    'python -m scratchwork.trace [OPTIONS] app.py ...' (or -m MODULE, or -c CODE) is the same for this Python.
    """
    if not arguments[0]:
        raise click.UsageError("The command's name is empty.")
    try:
        status, seen = trace(arguments, spaces=spaces)
    except CannotTrace as error:
        _say(str(error))
        return error.status
    report = io.StringIO()
    stream = sys.stderr if output is None and sys.stderr is not None else report
    try:
        if as_json:
            stream.write(view.as_json(seen, arguments, status) + "\n")
        else:
            view.show(seen, stream, depth=depth, top=top)
        stream.flush()
    except OSError:
        sys.stderr = None  # nobody takes it, not at exit either; the command's status stands
    is_done = True
    if output is not None:
        is_done &= _write(output, report.getvalue())
    if picture is not None:
        is_done &= _write(picture, flame.page(seen, " ".join(arguments)))
    return status if is_done else status or OWN_FAILURE


def _write(path: str, text: str) -> bool:
    try:
        with scratchwork.atomic_write(path, encoding="utf-8", errors="backslashreplace", durable=False) as file:
            file.write(text)
    except OSError as error:
        _say(str(error))
        return False
    return True


def _say(message: str) -> None:
    click.echo(f"scratch: {words.printable(message)}", err=True)
