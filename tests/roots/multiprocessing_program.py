"""A program that starts a child by multiprocessing: main(METHOD)."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from pathlib import Path

import scratchwork


def child(path: str) -> None:
    """Use the parent's workspace, and make one of its own."""
    assert Path(path, "file").exists()
    with scratchwork.workspace("child") as ws:
        (ws / "file").touch()


def main(method: str) -> None:
    """Make a workspace, start the child, and print what is there afterwards."""
    warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads, of which there are none
    with scratchwork.workspace("parent") as ws:
        (ws / "file").touch()
        process = multiprocessing.get_context(method).Process(target=child, args=(os.fspath(ws),))  # type: ignore[attr-defined]
        process.start()
        process.join()
        assert process.exitcode == 0
        assert (ws / "file").exists()
        print(*[found.label for found in scratchwork.Root("default").workspaces()])
