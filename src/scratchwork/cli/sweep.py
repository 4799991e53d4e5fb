"""`scratch sweep`: remove what nobody holds."""

from __future__ import annotations

import sys

import click

from scratchwork.cli.shared import Amount, Roots, Seconds, as_json, takes_roots
from scratchwork.roots.sweeping import Swept
from scratchwork.system import words
from scratchwork.system.amounts import seconds_of
from scratchwork.views import progress, tables

_DEFAULT_AGE = "12h"


@click.command("sweep", short_help="Remove what nobody holds.")
@takes_roots
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would be removed.")
@click.option("--seconds", type=Seconds(), metavar="N", help="Stop after this time; the rest is left for later.")
@click.option(
    "--unleased", "folder", type=click.Path(readable=False), metavar="DIR", help="Remove junk of other programs in DIR."
)
@click.option("--match", "patterns", multiple=True, metavar="PATTERN", help="With --unleased: names; several times.")
@click.option(
    "--older-than",
    type=Amount(seconds_of, "span"),
    metavar="SPAN",
    help=f"With --unleased: the age of all that is in it, such as 90m or '3 days'; by default {_DEFAULT_AGE}.",
)
@click.option("--yes", "-y", is_flag=True, help="With --unleased: remove without asking.")
@as_json
def command(
    app: str | None,
    directory: str | None,
    dry_run: bool,
    seconds: float | None,
    folder: str | None,
    patterns: tuple[str, ...],
    older_than: int | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Remove what nobody holds.

    Workspaces that a running process holds are never touched. What was kept is removed when its time is over, or when a
    root holds too much of it. Exit status 1 if something could not be judged or removed, which is named on stderr.

    With --unleased DIR it is about what other programs left there. Of what matches a --match, only that is removed
    which is yours, on the same file system, old in every part, and neither locked nor in use by any process that you
    can see (open, mapped or executed files, current directories, mounts, sockets, paths on command lines). Temp
    folders, your home and roots of scratchwork stay, and what holds one. What is spared is named, and why. Without
    --yes it asks; where there is no terminal to ask on, it only says what would go.

    \b
    Examples:
      scratch sweep --dry-run
      scratch sweep --unleased /tmp --match 'pip-build-env-*' --older-than 12h
    """  # noqa: D301 - a raw one would not have the character that keeps click from filling a paragraph
    if folder is None:
        if patterns or older_than is not None or yes:
            raise click.UsageError("--match, --older-than and --yes belong to --unleased DIR.")
        return _sweep(Roots(app, directory), dry_run=dry_run, seconds=seconds, as_json=as_json)
    if app is not None or directory is not None or seconds is not None:
        raise click.UsageError("--app, --dir and --seconds are not for --unleased.")
    if dry_run and yes:
        raise click.UsageError("Either --dry-run or --yes.")
    if not patterns:
        raise click.UsageError("Name what is to go, such as --match 'pip-build-env-*'.")
    if sys.platform != "linux":
        raise click.UsageError("--unleased works on Linux only: elsewhere nobody can tell what is in use.")
    from scratchwork.cli import unleased

    age = seconds_of(_DEFAULT_AGE) if older_than is None else older_than
    return unleased.sweep(folder, patterns, age, dry_run=dry_run, yes=yes, as_json=as_json)


def _sweep(roots: Roots, *, dry_run: bool, seconds: float | None, as_json: bool) -> int:
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
