"""`scratch keep`: retain a workspace for a person to look at."""

from __future__ import annotations

import click

from scratchwork.cli.shared import as_json, find, takes_roots
from scratchwork.views import tables


@click.command("keep", short_help="Keep a workspace for a person to look at.")
@click.argument("workspace", metavar="PATH|NAME")
@click.option("--reason", default="asked for", show_default=True, metavar="TEXT", help="Why, for those who find it.")
@takes_roots
@as_json
def command(workspace: str, reason: str, app: str | None, directory: str | None, as_json: bool) -> int:
    """Keep a workspace: a dead one from now on, a living one when its job ends, unless it is empty then.

    It stays where it is, until its root's retention lets it go (7 days by default) or 'scratch rm' removes it.
    """
    root, name = find(workspace, app, directory)
    root.keep(name, reason)
    if as_json:
        tables.show_json(next(one for one in root.workspaces() if one.name == name).as_dict())
    else:
        click.echo(f"will be kept: {root.path}/{name}")
    return 0
