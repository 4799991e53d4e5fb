"""The program itself alone: what it starts is not seen. Type-checked only, never run."""

from __future__ import annotations

import os
import sys

assert sys.platform == "win32"

import signal
import subprocess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def options(descriptor: int) -> dict[str, Any]:
    """Return what to give `subprocess.Popen`; descriptors are not inherited here."""
    del descriptor
    return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}


def tell(leader: int, *, kill: bool) -> None:
    """End the program at once, whatever was asked for."""
    del kill
    try:
        os.kill(leader, signal.SIGTERM)
    except OSError:
        pass  # it has ended


def await_end(leader: int) -> None:
    """Return: what its program leaves running can't be ended anyhow."""
    del leader


def is_left(leader: int) -> bool:
    """Return False: nobody can tell."""
    del leader
    return False
