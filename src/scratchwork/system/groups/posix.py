"""By setpgid(2) and killpg(3); on Linux also by pidfd_open(2), for what has left the group."""

from __future__ import annotations

import os
import sys

assert sys.platform != "win32"

from signal import SIGCONT, SIGKILL, SIGTERM
from threading import Lock

from scratchwork.system import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen
    from typing import Any


def options(descriptor: int) -> dict[str, Any]:
    """Return what to give `subprocess.Popen` for a group of its own, which inherits a descriptor."""
    return {"process_group": 0, "pass_fds": (descriptor,)}


class Group:
    """A program's process group, and what it has started that has left the group, as far as that could be seen.

    Safe in several threads. Closed, it tells nobody anything any more: the pids may be others' by then.
    """

    def __init__(self, process: Popen[Any]) -> None:
        """`process` leads it, and is a child of ours."""
        self._process = process
        self._family = processes.Family(process.pid)
        self._lock = Lock()
        self._is_closed = False

    def tell(self, *, kill: bool) -> None:
        """Send SIGTERM, or SIGKILL, to all."""
        number = SIGKILL if kill else SIGTERM
        with self._lock:
            if self._is_closed:
                return
            self._family.look()
            self._family.send(number)
            for one in (number, SIGCONT):  # a stopped one would not hear it
                try:
                    os.killpg(self._process.pid, one)
                except (ProcessLookupError, PermissionError):
                    pass  # all have ended, or are another user's (setuid)

    def has_led(self) -> bool:
        """Whether the program itself has ended. On Linux it is left to others to reap it, so that its pid stays its."""
        if sys.platform != "linux":
            return self._process.poll() is not None
        try:
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True  # it has been reaped

    def is_left(self) -> bool:
        """Whether anybody is left; who has ended and was not waited for is not, as far as that can be seen."""
        return _is_left(self._process.pid) or self._family.is_left()

    def close(self) -> None:
        """Give back what it holds, and tell nobody anything any more."""
        with self._lock:
            self._is_closed = True
            self._family.close()


def _is_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return processes.is_group_alive(group)
