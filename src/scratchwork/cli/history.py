"""`scratch history`: how workspaces ended."""

from __future__ import annotations

import time

import click

from scratchwork.cli.shared import Roots, as_json, takes_roots
from scratchwork.system import words
from scratchwork.views import tables

_COLUMNS = ("ENDED", "OUTCOME", "LABEL", "LIVED", "SIZE", "FILES", "PID", "WHY")


@click.command("history", short_help="Show how workspaces ended.")
@takes_roots
@click.option("--last", "-n", type=click.IntRange(min=1), default=50, show_default=True, metavar="N", help="How many.")
@as_json
def command(app: str | None, directory: str | None, last: int, as_json: bool) -> int:
    """Show how workspaces ended, the newest last.

    'cleaned': its owner removed it. 'reclaimed': its process had died, or its time as a kept one was over, and a sweep
    removed it. 'kept': it was retained. 'failed': part of it could not be removed.
    """
    roots = Roots(app, directory)
    ended = [(root.path, one) for root in roots.open for one in root.history()]
    ended = sorted(ended, key=lambda pair: pair[1].ended)[-last:]
    if as_json:
        tables.show_json([{**one.as_dict(), "root": path} for path, one in ended])
        return roots.status()
    rows = [
        (
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.ended)),
            one.outcome,
            one.label,
            words.duration(one.seconds),
            words.size(one.bytes),
            f"{one.files:,}",
            str(one.pid),
            one.why,
        )
        for _, one in ended
    ]
    if rows:
        tables.show(_COLUMNS, rows, right=("LIVED", "SIZE", "FILES", "PID"))
    else:
        click.echo("nothing has ended yet", err=True)
    return roots.status()
