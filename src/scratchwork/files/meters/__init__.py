"""Meters of quotas: see `posix`. On Windows there are none."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from .windows import Meter
else:
    from .posix import Meter

from .numbers import UNLIMITED, Numbers

__all__ = ["UNLIMITED", "Meter", "Numbers"]
