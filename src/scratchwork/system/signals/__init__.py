"""Signals taken one at a time, in order, by a program that supervises another.

`hold` keeps them from being delivered, `wait` fetches the next one. `Received.from_terminal` tells a key press (ctrl-C,
ctrl-Z, a resized window), which the kernel has sent to the whole foreground group, from a signal that somebody sent to
this process alone.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"

if sys.platform == "linux":
    from .linux import hold, wait
else:
    from .bsd import hold, wait

from .facts import Received

__all__ = ["Received", "hold", "wait"]
