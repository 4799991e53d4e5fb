"""Timing candidates in turn, and what comes of it."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Timed = Callable[[], float]
"""Does a piece of work once and returns the seconds it took."""


@dataclass(frozen=True)
class Bar:
    """At most `most` times the median of the candidate `against`; None: compared, not judged."""

    against: str
    most: float | None


@dataclass(frozen=True)
class Result:
    """The medians of one comparison, in seconds. The first candidate is the one that a bar is for."""

    name: str
    place: str
    unit: str
    medians: dict[str, float]
    rounds: int
    bar: Bar | None = None

    @property
    def subject(self) -> str:
        """The candidate that is judged."""
        return next(iter(self.medians))

    @property
    def baseline(self) -> str:
        """The candidate that the others are compared with."""
        return self.bar.against if self.bar else self.subject

    def ratio(self, candidate: str) -> float:
        """Return how long a candidate takes, in times of the baseline."""
        return self.medians[candidate] / self.medians[self.baseline]

    @property
    def is_met(self) -> bool:
        """Whether the bar, if there is one, is met."""
        return self.bar is None or self.bar.most is None or self.ratio(self.subject) <= self.bar.most

    def as_dict(self) -> dict[str, object]:
        """Return it ready for JSON."""
        return {
            "name": self.name,
            "place": self.place,
            "unit": self.unit,
            "rounds": self.rounds,
            "medians": self.medians,
            "ratios": {candidate: self.ratio(candidate) for candidate in self.medians},
            "against": self.baseline,
            "bar": self.bar.most if self.bar else None,
            "met": self.is_met if self.bar and self.bar.most is not None else None,
        }


def repeated(work: Callable[[], object], times: int) -> Timed:
    """Return what times a short piece of work, as the mean of that many repetitions."""

    def timed() -> float:
        started = time.perf_counter()
        for _ in range(times):
            work()
        return (time.perf_counter() - started) / times

    return timed


def once(work: Callable[[], object]) -> Timed:
    """Return what times a long piece of work."""
    return repeated(work, 1)


def in_turn(candidates: Mapping[str, Timed], rounds: int) -> dict[str, float]:
    """Time each candidate that many times, taking turns, another one first each round; return the medians."""
    names = list(candidates)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(candidates[name]())
    return {name: statistics.median(values) for name, values in seconds.items()}
