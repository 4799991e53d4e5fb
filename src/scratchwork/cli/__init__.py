"""Floor 6: the command `scratch`, one module a command.

`scratch run` is on the way of every job, so it starts without click and rich, which take longer to import than an
interpreter to start. Everything else, its own `--help` and mistakes in its options too, goes through click.
"""

from __future__ import annotations

import os
import sys

from scratchwork.cli.run_options import parse

INTERRUPTED = 130


def main() -> int:
    """Run the command and return its exit status."""
    try:
        return _main(sys.argv[1:])
    except KeyboardInterrupt:
        return INTERRUPTED


def _main(arguments: list[str]) -> int:
    if arguments[:1] == ["run"] and (job := parse(arguments[1:])) is not None:
        from scratchwork.jobs.starting import run

        os._exit(run(job))  # nothing is left to tear down, and tearing down takes as long as half of what we did
    try:
        from scratchwork.cli.commands import run_command
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in {"click", "rich"}:
            raise
        sys.stderr.write(f"scratch: this command needs {missing}: pip install 'scratchwork[cli]'\n")
        return 125
    return run_command(arguments)
