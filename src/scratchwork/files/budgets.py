"""One limit for what many spools hold in memory together."""

from __future__ import annotations

import os
from _thread import RLock

# One for all budgets: it is held for an addition. Re-entrant: a spool that is collected meanwhile gives back.
_lock = RLock()
if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_lock._at_fork_reinit)  # type: ignore[attr-defined]


class MemoryBudget:
    """Bytes of memory that the spools which share it may hold together.

    A spool that asks for more than is left goes to disk at once, and gives back what it held. What a spool holds is
    its content; the buffer of 8 KiB that every open file has is not counted. Safe in several threads. A forked child
    goes on with a budget of its own, of the same size and as full as it was.
    """

    __slots__ = ("_limit", "_used")

    def __init__(self, limit: int) -> None:
        """`limit`: in bytes. Raises ValueError if it is negative."""
        if limit < 0:
            raise ValueError(f"a memory budget is not negative: {limit}")
        self._limit = limit
        self._used = 0

    @property
    def limit(self) -> int:
        """The bytes that all spools together may hold."""
        return self._limit

    @property
    def used(self) -> int:
        """The bytes that they hold now."""
        return self._used

    def take(self, amount: int) -> bool:
        """Take that many bytes if they are left; return whether they were."""
        with _lock:
            if self._used + amount > self._limit:
                return False
            self._used += amount
            return True

    def give_back(self, amount: int) -> None:
        """Give back what was taken."""
        with _lock:
            self._used -= amount

    def __repr__(self) -> str:
        return f"<MemoryBudget {self._used} of {self._limit} bytes used>"
