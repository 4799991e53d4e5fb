"""`scratch rm`: remove workspaces now."""

from __future__ import annotations

import click

from scratchwork.cli.shared import as_json, find, takes_roots
from scratchwork.system import words
from scratchwork.views import tables


@click.command("rm", short_help="Remove kept or dead workspaces now.")
@click.argument("workspaces", nargs=-1, required=True, metavar="PATH|NAME...")
@takes_roots
@as_json
def command(workspaces: tuple[str, ...], app: str | None, directory: str | None, as_json: bool) -> int:
    """Remove workspaces that nobody holds, kept ones too. One that a running process holds is refused (status 9)."""
    removed = []
    for target in workspaces:
        root, name = find(target, app, directory)
        removed.append(root.remove(name))
        if not as_json:
            click.echo(f"removed {root.path}/{name} ({words.size(removed[-1].bytes)})")
    if as_json:
        tables.show_json([one.as_dict() for one in removed])
    return 0
