"""What the tests of lending share."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scratchwork import Root, Workspace
from scratchwork.roots.lending import Recall

if TYPE_CHECKING:
    import pytest

# Borrows a file, reads it when it is told to, and gives it back.
BORROW = """
import sys, scratchwork
ws = scratchwork.Workspace.attach(sys.argv[1])
loan = ws.lend("file")
print(loan.path, flush=True)
sys.stdin.readline()
print(loan.path.read_text(), flush=True)
loan.release()
sys.stdin.readline()
"""


def left_in(root: Root) -> list[str]:
    """Return what lies in a root besides its own files."""
    return sorted(name for name in os.listdir(root.path) if not root._store.is_own_file(name))


@contextmanager
def with_a_file(root: Root) -> Iterator[Workspace]:
    """Give a workspace with a file in it, and see that nothing is left of it in the end."""
    workspace = root.workspace("lending")
    (workspace / "file").write_text("content")
    yield workspace
    workspace.cleanup()
    assert left_in(root) == []


def cleaning(ws: Workspace) -> threading.Thread:
    """End a workspace in a thread."""
    thread = threading.Thread(target=ws.cleanup)
    thread.start()
    return thread


def when_looked_for(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return an event that comes when somebody has looked for what is lent, and found something."""
    found = threading.Event()
    is_over = Recall.is_over

    def look(self: Recall) -> bool:
        over = is_over(self)
        if not over:
            found.set()
        return over

    monkeypatch.setattr(Recall, "is_over", look)
    return found
