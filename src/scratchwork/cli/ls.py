"""`scratch ls`: what there is, and who holds it."""

from __future__ import annotations

import os
import time
from typing import Any

import click

from scratchwork.cli.shared import Roots, as_json, takes_roots
from scratchwork.roots.root import Found, Root
from scratchwork.system import processes, words
from scratchwork.views import tables

_COLUMNS = ("STATE", "LABEL", "AGE", "SIZE", "FILES", "QUOTA", "HELD BY", "WHY", "NAME")


@click.command("ls", short_help="List workspaces: alive, dead or kept, and who holds them.")
@takes_roots
@as_json
def command(app: str | None, directory: str | None, as_json: bool) -> int:
    """List workspaces: alive, dead or kept; label, age, size, files, quota, and who holds them.

    'alive': a running process holds it. 'dead': nobody does, and the next sweep removes it. 'kept': it is retained for
    a person to look at, until it expires. Changes nothing.
    """
    roots = Roots(app, directory)
    rows = [_facts(root, found) for root in roots.open for found in root.workspaces()]
    holders = processes.holders({lease for row in rows for lease in _leases(row)})
    for row in rows:
        pids = sorted({pid for lease in _leases(row) for pid in holders[lease]} - {os.getpid()})
        row["held_by"] = [{"pid": pid, "command": processes.command(pid)} for pid in pids]
    if as_json:
        tables.show_json(rows)
        return roots.status()
    for root in roots.open:
        found = [_cells(row) for row in rows if row["root"] == root.path]
        if found:
            click.echo(f"{root.path}:")
            tables.show(_COLUMNS, found, right=("AGE", "SIZE", "FILES"), whole=("NAME",), optional=("QUOTA",))
    if not rows:
        click.echo("no workspaces", err=True)
    return roots.status()


def _facts(root: Root, found: Found) -> dict[str, Any]:
    quota = root.limits_of(found.name)
    facts = {**found.as_dict(), **root.usage_of(found.name).as_dict(), "root": root.path}
    return {**facts, "quota": None if quota is None else quota.as_dict()}


def _leases(row: dict[str, Any]) -> tuple[str, str]:
    return row["path"], row["path"] + ".lock"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    why = row["why"]
    if row["state"] == "kept":
        why += f" (until {time.strftime('%Y-%m-%d %H:%M', time.localtime(row['until']))})"
    held_by = ", ".join(f"{one['pid']} {one['command']}".strip() for one in row["held_by"])
    return (
        row["state"],
        row["label"],
        words.duration(time.time() - row["created"]),
        words.size(row["bytes"]),
        f"{row['files']:,}",
        _quota(row["quota"]),
        held_by,
        why,
        row["name"],
    )


def _quota(quota: dict[str, Any] | None) -> str:
    if quota is None:
        return ""
    limits = [] if quota["bytes"] is None else [words.size(quota["bytes"])]
    limits += [] if quota["files"] is None else [words.plural(quota["files"], "file")]
    return f"{', '.join(limits)} ({quota['enforced']})"
