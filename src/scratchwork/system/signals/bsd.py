"""Signals by sigwait(2), where there is no sigtimedwait(2) (macOS). Type-checked only: not run there yet."""

from __future__ import annotations

import os
import signal
import sys

assert sys.platform != "win32"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

from .facts import Received

_KEYS = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGWINCH})


def hold(numbers: Iterable[int]) -> set[int]:
    """Keep these signals for `wait`; return those that were blocked before, for the programs started from here."""
    return {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, {*numbers, signal.SIGALRM})}


def wait(numbers: Iterable[int], seconds: float | None) -> Received | None:
    """Return the next of these signals; None if none comes in that time, which the alarm clock tells."""
    if seconds is not None:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        number = signal.sigwait({*numbers, signal.SIGALRM})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if number == signal.SIGALRM:
        return None
    return Received(number, from_terminal=number in _KEYS and _in_foreground())


def _in_foreground() -> bool:
    """Whether we are in a terminal's foreground group: the sender can't be told, and a key is the likely one."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
