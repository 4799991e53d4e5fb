"""The actors of the kill test: creators and sweepers, each a process of its own that is killed at random.

A creator appends one character a workspace to a file of its own, so that the count survives its death:
'.' made and ended well, 'L' lost while it was alive.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scratchwork import Root
from scratchwork.errors import CannotMakeWorkspace
from scratchwork.system.leases import directory

CREATOR = "creator"
SWEEPER = "sweeper"
WITHOUT_CHECK = "without-link-count-check"


def create(parent: str, tally: int) -> None:
    """Make workspaces, use each, and note whether it was still ours at the end."""
    root = Root("torture", dir=parent, sweep_first=False)
    number = 0
    while True:
        number += 1
        try:
            ws = root.workspace("job")
        except CannotMakeWorkspace:
            os.write(tally, b"X")
            continue
        if number % 8 == 0:  # most end at once, as the race is at the start; some leave work to the sweepers
            try:
                (ws / "file").write_bytes(b"data")
                (ws / "directory").mkdir()
            except FileNotFoundError:
                os.write(tally, b"L")
                ws.cleanup()
                continue
        os.write(tally, b"." if _is_ours(ws.path, ws.fileno()) else b"L")
        ws.cleanup()


def _is_ours(path: Path, lease: int) -> bool:
    """Whether the path still leads to the directory that we hold."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(lease))


def sweep(parent: str) -> None:
    """Sweep, over and over."""
    root = Root("torture", dir=parent, sweep_first=False)
    while True:
        root.sweep()


def main() -> None:
    """Play one part: ROLE PARENT TALLY [without-link-count-check]."""
    role, parent, tally, *rest = sys.argv[1:]
    if WITHOUT_CHECK in rest:
        directory.was_removed = lambda fd: False  # the control: the protecting line taken out
    if role == CREATOR:
        create(parent, os.open(tally, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    else:
        sweep(parent)


if __name__ == "__main__":
    main()
