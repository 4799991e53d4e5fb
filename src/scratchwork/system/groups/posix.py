"""By setpgid(2) and killpg(3)."""

from __future__ import annotations

import os
import sys

assert sys.platform != "win32"

from signal import SIGCONT, SIGKILL, SIGTERM

from scratchwork.system import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def options(descriptor: int) -> dict[str, Any]:
    """Return what to give `subprocess.Popen` for a group of its own, which inherits a descriptor."""
    return {"process_group": 0, "pass_fds": (descriptor,)}


def tell(leader: int, *, kill: bool) -> None:
    """Send SIGTERM, or SIGKILL, to a group, and to what descends from its leader and has left the group."""
    number = SIGKILL if kill else SIGTERM
    processes.signal_descendants(number, leader)
    for one in (number, SIGCONT):  # a stopped one would not hear it
        try:
            os.killpg(leader, one)
        except (ProcessLookupError, PermissionError):
            pass  # all have ended, or are another user's (setuid)


def is_left(leader: int) -> bool:
    """Whether anybody is left in a group; who has ended and was not waited for is not, as far as that can be seen."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return processes.is_group_alive(leader)


if sys.platform == "darwin":

    def await_end(leader: int) -> None:
        """Wait until a child of ours has ended, and leave it to others to reap it. Type-checked only, never run."""
        import select

        queue = select.kqueue()
        ends = select.kevent(leader, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
        try:
            queue.control([ends], 1)
        except ProcessLookupError:
            pass  # it has been reaped
        finally:
            queue.close()

else:

    def await_end(leader: int) -> None:
        """Wait until a child of ours has ended, and leave it to others to reap it."""
        try:
            os.waitid(os.P_PID, leader, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            pass  # it has been reaped
