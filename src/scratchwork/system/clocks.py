"""How old something is, on a clock that may have been set since."""

from __future__ import annotations

import os
import sys
import time

from scratchwork.system.facts import Fact

SLACK = 60.0
"""Seconds that a time may be ahead of the clock: clocks are set, and other machines have their own."""


class Present(Fact):
    """The present: `now` in seconds since the epoch, `uptime` in seconds, and `boot`.

    `boot`: what the clock may have shown first since the machine was started. A clock without a battery starts years
    ago and is set later: what was made in between looks years old. The first device nodes have that time on them.
    """

    __slots__ = ("boot", "now", "uptime")

    def __init__(self, now: float, uptime: float, boot: float) -> None:
        self.now = now
        self.uptime = uptime
        self.boot = boot

    def age(self, newest: float) -> float:
        """Return the seconds that something is old at least, by the newest of its times; negative: from the future.

        Whatever may have been made since the machine was started is no older than that is ago.
        """
        age = self.now - newest
        return min(age, self.uptime) if newest >= self.boot - SLACK else age


def present() -> Present:
    """Return the present."""
    now = time.time()
    if sys.platform == "linux":
        uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    else:
        uptime = time.monotonic()
    boot = now - uptime
    try:
        boot = min(boot, os.stat(os.devnull).st_ctime)
    except OSError:
        pass
    return Present(now, uptime, boot)
