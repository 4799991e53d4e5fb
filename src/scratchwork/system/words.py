"""Sizes and times as a person reads them."""

from __future__ import annotations

_STEPS = ((86400, "d"), (3600, "h"), (60, "m"))


def size(count: int) -> str:
    """Return a number of bytes with a unit, in powers of 1000, as `df -H` and the makers of disks do."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if amount < 999.5:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} PB"


def duration(seconds: float) -> str:
    """Return a time span in its largest unit: 12s, 5m, 3h, 2d."""
    for step, unit in _STEPS:
        if seconds >= step:
            return f"{int(seconds // step)}{unit}"
    return f"{max(0, int(seconds))}s"


def printable(text: str) -> str:
    """Return text that can do nothing to a terminal: anybody may choose a file's name."""
    return "".join(character if character.isprintable() else "?" for character in text)


def plural(count: int, noun: str) -> str:
    """Return '1 file' or '2 files'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
