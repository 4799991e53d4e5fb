"""The command's face: the group, what all its commands share, and how errors end it."""

from __future__ import annotations

import errno
import logging
import sys

import click

import scratchwork
from scratchwork.cli import INTERRUPTED, doctor, history, keep, lint, ls, rm, run, sweep, trace
from scratchwork.cli.shared import UNTRUSTED
from scratchwork.errors import ScratchError, UntrustedRoot, explain
from scratchwork.system import words

_EPILOG = """\b
Exit status:
  0  done
  1  something was left undone, which a message names; doctor: something needs a person;
     lint: mistakes
  2  the command line is wrong
  3  no such workspace, or no such directory
  4  a root that can't be trusted (another user's, a symlink, open to others)
  5  no space or no inodes left
  6  a read-only file system
  7  no file descriptors left
  8  locks do not work there
  9  a running process holds it
 10  anything else that the operating system refused
'run' and 'trace' exit with the command's own status, see 'scratch run --help'.
"""

_STATUS = {
    errno.ENOENT: 3,
    errno.ENOTDIR: 3,
    errno.ENOSPC: 5,
    errno.EDQUOT: 5,
    errno.EROFS: 6,
    errno.EMFILE: 7,
    errno.ENFILE: 7,
    errno.ENOLCK: 8,
    errno.EBUSY: 9,
    errno.ENOTEMPTY: 1,
}
_USAGE = 2
_OTHER = 10
_RUN_FAILED = 125


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(scratchwork.__version__, prog_name="scratch")
def scratch() -> None:
    """Scratch space that never outlives its job.

    'scratch run -- COMMAND' runs any program with its temporary files in a workspace of its own, which is removed when
    the program ends. If everything is killed, the next 'scratch' that comes by removes it. A workspace that a running
    process holds is never touched.
    """


for _module in (run, ls, sweep, keep, rm, history, doctor, trace, lint):
    scratch.add_command(_module.command)


def run_command(arguments: list[str]) -> int:
    """Run one command, turning every error into one line on stderr and a status."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("scratch: %(message)s"))
    logging.getLogger("scratchwork").addHandler(handler)
    runs_another = arguments[:1] in (["run"], ["trace"])
    try:
        status = scratch.main(arguments, prog_name="scratch", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
        return _USAGE
    except click.ClickException as error:
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "scratch"
        _say(f"{error.format_message()} See '{where} --help'.")
        return _RUN_FAILED if runs_another else _USAGE
    except click.Abort:
        return INTERRUPTED
    except (ScratchError, OSError) as error:
        _say(str(error) if isinstance(error, ScratchError) else _describe(error))
        sys.stdout = None  # what a full disk did not take would fail again at exit, with a traceback
        return _RUN_FAILED if runs_another else _status(error)


def _status(error: ScratchError | OSError) -> int:
    if isinstance(error, UntrustedRoot):
        return UNTRUSTED
    if isinstance(error, OSError):
        return _STATUS.get(error.errno or 0, _OTHER)
    return _USAGE


def _describe(error: OSError) -> str:
    path = str(error.filename or "")
    return f"{path}: {explain(error, path)}" if path else explain(error, path)


def _say(message: str) -> None:
    click.echo(f"scratch: {words.printable(message)}", err=True)
