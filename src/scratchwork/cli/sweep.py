"""`scratch sweep`: remove what nobody holds."""

from __future__ import annotations

import click

from scratchwork.cli.shared import Roots, Seconds, as_json, takes_roots
from scratchwork.roots.sweeping import Swept
from scratchwork.views import progress, tables, words


@click.command("sweep", short_help="Remove what nobody holds.")
@takes_roots
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would be removed.")
@click.option("--seconds", type=Seconds(), metavar="N", help="Stop after this time; the rest is left for later.")
@as_json
def command(app: str | None, directory: str | None, dry_run: bool, seconds: float | None, as_json: bool) -> int:
    """Remove what nobody holds.

    Workspaces that a running process holds are never touched. What was kept is removed when its time is over, or when a
    root holds too much of it. Exit status 1 if something could not be judged or removed, which is named on stderr.
    """
    roots = Roots(app, directory)
    with progress.bar("sweeping") as tell:
        swept = [(root.path, root.sweep(dry_run=dry_run, seconds=seconds, progress=tell)) for root in roots.open]
    if as_json:
        tables.show_json([_facts(path, one) for path, one in swept])
    else:
        _say(swept, dry_run=dry_run)
    for path, one in swept:
        for name, why in one.skipped:
            click.echo(words.printable(f"scratch: left alone: {path}/{name}: {why}"), err=True)
    return roots.status(1 if any(one.skipped for _, one in swept) else 0)


def _say(swept: list[tuple[str, Swept]], *, dry_run: bool) -> None:
    everything = [one for _, one in swept]
    for path, root in swept:
        for ended in [*root.removed, *root.kept]:
            if dry_run:
                verb = "keep" if ended.outcome == "kept" else "remove"
                click.echo(f"would {verb} {path}/{ended.name} ({words.size(ended.bytes)}): {ended.why}")
            elif ended.outcome == "kept":
                click.echo(f"kept {path}/{ended.name} ({words.size(ended.bytes)}): {ended.why}")
    removed = words.plural(sum(len(one.removed) for one in everything), "workspace")
    files = words.plural(sum(one.files for one in everything), "file")
    size = words.size(sum(one.bytes for one in everything))
    alive = sum(one.alive for one in everything)
    kept = sum(one.retained + len(one.kept) for one in everything)
    verb = "would remove" if dry_run else "removed"
    click.echo(f"{verb} {removed} ({files}, {size}); alive: {alive:,}; kept: {kept:,}")
    if not all(one.complete for one in everything):
        click.echo("scratch: the time ran out; sweep again for the rest", err=True)


def _facts(path: str, swept: Swept) -> dict[str, object]:
    told = swept.as_dict()
    told["removed"] = [one.as_dict() for one in swept.removed]
    told["kept"] = [one.as_dict() for one in swept.kept]
    return {"root": path, **told}
