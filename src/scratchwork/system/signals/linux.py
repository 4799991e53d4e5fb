"""Signals by sigtimedwait(2)."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable
else:
    # `signal` is this module and its numbers as enums; importing `enum` takes 40 % of the start of an interpreter.
    import _signal as signal

from .facts import Received

_FROM_KERNEL = 0x80  # SI_KERNEL, sigaction(2): what a terminal driver sends has it, what kill(2) sends has not


def hold(numbers: Iterable[int]) -> set[int]:
    """Keep these signals for `wait`; return those that were blocked before, for the programs started from here."""
    return {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, numbers)}


def wait(numbers: Iterable[int], seconds: float | None) -> Received | None:
    """Return the next of these signals; None if none comes in that time."""
    found = signal.sigwaitinfo(numbers) if seconds is None else signal.sigtimedwait(numbers, max(seconds, 0.0))
    if found is None:
        return None
    return Received(found.si_signo, from_terminal=found.si_code == _FROM_KERNEL)
