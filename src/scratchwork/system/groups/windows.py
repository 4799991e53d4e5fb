"""The program itself alone: what it starts is not seen. Type-checked only, never run."""

from __future__ import annotations

import subprocess
import sys

assert sys.platform == "win32"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def options(descriptor: int) -> dict[str, Any]:
    """Return what to give `subprocess.Popen`; descriptors are not inherited here."""
    del descriptor
    return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}


class Group:
    """A program. Closed, it is told nothing any more."""

    def __init__(self, process: subprocess.Popen[Any]) -> None:
        self._process = process
        self._is_closed = False

    def tell(self, *, kill: bool) -> None:
        """End the program at once, whatever was asked for."""
        del kill
        if not self._is_closed:
            self._process.terminate()

    def has_led(self) -> bool:
        """Whether the program itself has ended."""
        return self._process.poll() is not None

    def is_left(self) -> bool:
        """Return False: nobody can tell."""
        return False

    def close(self) -> None:
        """Tell it nothing any more."""
        self._is_closed = True
