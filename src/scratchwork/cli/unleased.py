"""`scratch sweep --unleased`: what goes, what was spared and why, and a person's yes."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import click

from scratchwork.roots.unleased import sweep_unleased
from scratchwork.system import words
from scratchwork.views import progress, tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchwork.roots.unleased import Unleased


def sweep(folder: str, patterns: Sequence[str], older_than: float, *, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Remove junk that nobody leased, if that is wanted; return the exit status."""
    asks = not (dry_run or yes or as_json) and _is_terminal()
    found = _sweep(folder, patterns, older_than, dry_run=not yes)
    if as_json:
        tables.show_json(_facts(folder, found, dry_run=not yes))
    else:
        _say(found, dry_run=not yes)
    if asks and found.junk and _confirmed():
        found = _sweep(folder, patterns, older_than, dry_run=False)
        _say_sum(found, dry_run=False)
        yes = True
    if not (yes or dry_run or asks or as_json) and found.junk:
        click.echo("scratch: nothing was removed; --yes does it", err=True)
    for path, why in found.failed:
        click.echo(words.printable(f"scratch: could not be {'removed' if yes else 'judged'}: {path}: {why}"), err=True)
    return 1 if found.failed else 0


def _sweep(folder: str, patterns: Sequence[str], older_than: float, *, dry_run: bool) -> Unleased:
    try:
        with progress.bar("looking" if dry_run else "sweeping") as tell:
            return sweep_unleased(folder, patterns, older_than, dry_run=dry_run, progress=tell)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout is not None and sys.stdout.isatty()


def _confirmed() -> bool:
    try:
        return click.confirm("Remove it?")
    except click.Abort:
        click.echo()  # ends the line of the question
        raise


def _say(found: Unleased, *, dry_run: bool) -> None:
    verb = "would remove" if dry_run else "removed"
    for junk in found.junk:
        size, age = words.size(junk.bytes), words.duration(junk.age)
        click.echo(words.printable(f"{verb} {junk.path} ({size}, {words.plural(junk.files, 'file')}, {age} old)"))
    for path, why in found.spared:
        click.echo(words.printable(f"spared {path}: {why}"))
    _say_sum(found, dry_run=dry_run)


def _say_sum(found: Unleased, *, dry_run: bool) -> None:
    verb = "would remove" if dry_run else "removed"
    files = words.plural(sum(junk.files for junk in found.junk), "file")
    size = words.size(sum(junk.bytes for junk in found.junk))
    click.echo(f"{verb} {len(found.junk):,} ({files}, {size}); spared: {len(found.spared):,}")


def _facts(folder: str, found: Unleased, *, dry_run: bool) -> dict[str, object]:
    return {
        "directory": folder,
        "dry_run": dry_run,
        "junk": [junk.as_dict() for junk in found.junk],
        "spared": [{"path": path, "why": why} for path, why in found.spared],
        "failed": [{"path": path, "why": why} for path, why in found.failed],
    }
