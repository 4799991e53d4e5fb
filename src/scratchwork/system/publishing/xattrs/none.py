"""Where Python has no functions for extended attributes. Type-checked only."""

from __future__ import annotations

SUPPORTED = False


def read(fd: int) -> dict[str, bytes]:  # noqa: ARG001 - the shape of all
    """Return none."""
    return {}


def write(fd: int, wanted: dict[str, bytes], mode: int, *, strict: bool) -> None:
    """Do nothing: there are none."""
