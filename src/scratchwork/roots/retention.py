"""How long, how many and how much of kept workspaces a root retains."""

from __future__ import annotations

from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchwork.roots.records import Record

DAY = 24 * 60 * 60.0
_MOST_AGE = 365_000 * DAY


class Retention(Fact):
    """How long, how many and how much of kept workspaces a root retains; the oldest go first.

    `age` in seconds (default: 7 days), `count` of workspaces (50), `bytes` in all (10 GiB). An age is fixed when
    a workspace is kept; count and bytes are applied at each sweep. Raises ValueError for negative values, and for an
    age of more than 1,000 years.
    """

    __slots__ = ("age", "bytes", "count")

    def __init__(self, *, age: float = 7 * DAY, count: int = 50, bytes: int = 10 * 2**30) -> None:  # noqa: A002
        if age < 0 or count < 0 or bytes < 0:
            raise ValueError(f"a retention can't be negative: age={age}, count={count}, bytes={bytes}")
        if not age <= _MOST_AGE:  # so that its end is a date that can be shown; nan neither
            raise ValueError(f"an age has at most {_MOST_AGE:.0f} seconds, which are 1,000 years, not {age}")
        self.age = age
        self.count = count
        self.bytes = bytes

    def surplus(self, kept: Iterable[tuple[str, Record]]) -> list[tuple[str, str]]:
        """Return (name, why) of the kept workspaces that are too many or too much, the oldest first."""
        surplus: list[tuple[str, str]] = []
        total = 0
        newest_first = sorted(kept, key=lambda one: one[1].since or 0.0, reverse=True)
        for count, (name, record) in enumerate(newest_first, 1):
            total += record.bytes
            if count > self.count:
                surplus.append((name, f"more than {self.count} kept workspaces"))
            elif total > self.bytes:
                surplus.append((name, f"more than {self.bytes} bytes in kept workspaces"))
        return surplus[::-1]
