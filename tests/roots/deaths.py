"""Workspaces whose process was killed, for tests of what becomes of them."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Literal

_PROGRAM = """
import os, signal, sys
from scratchwork import Root
app, keep, count = sys.argv[1:]
made = [Root(app, sweep_first=False).workspace("dead", keep=keep) for _ in range(int(count))]
for ws in made:
    (ws / "file").write_text("content")
    print(ws, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave(app: str, keep: Literal["never", "failure", "always"] = "never", count: int = 1) -> list[str]:
    """Leave dead workspaces, one file in each, in a root of the temp folder; return their paths."""
    command = [sys.executable, "-c", _PROGRAM, app, keep, str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    return done.stdout.split()
