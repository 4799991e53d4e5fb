"""What lies in a temp folder, to see that nothing was left there."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scratchwork import temp_path


def everything(temp: Path) -> set[str]:
    """Return the paths of all that lies in a temp folder, but for the roots and what they have of their own."""
    found = set()
    for folder, folders, files in os.walk(temp):
        for name in folders + files:
            path = os.path.relpath(os.path.join(folder, name), temp)
            is_root = path.startswith("scratch-")
            parts = path.split(os.sep)
            is_roots_own = is_root and (len(parts) == 1 or parts[1].startswith(("root.", "ledger.")))
            if not is_roots_own:
                found.add(path)
    return found


@contextmanager
def leaving_nothing(temp: Path) -> Iterator[set[str]]:
    """See that a block leaves nothing in the temp folder, but this process's own standing workspace.

    Give what was there before, and see that no descriptor stays open.
    """
    with temp_path():  # the first makes the standing workspace
        pass
    before, descriptors = everything(temp), open_descriptors()
    yield before
    assert everything(temp) == before
    assert open_descriptors() == descriptors


def open_descriptors() -> int:
    """Return how many descriptors this process has open, and needs."""
    gc.collect()  # an error that was caught refers to the frames that it came from, and what they have open
    return len(os.listdir("/proc/self/fd"))
