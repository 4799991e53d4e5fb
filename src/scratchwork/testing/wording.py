"""What is said of leaks: of one, of a test's, and of a session's."""

from __future__ import annotations

import json
import os
import re

from scratchwork.system.words import plural, printable, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scratchwork.advice.observing import Stack
    from scratchwork.testing.leaks import Leak

UNSEEN = "made by what Python does not tell of: a C library, another program, or os.open relative to a folder"
_MOST_SHOWN = 15
_OUTSIDE = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_XUNIT = r"_(?:xunit|unittest)_(setup\w*?|setUp\w*?)_fixture_(.+)"


class Told:
    """A leak as it is told of, and travels: what it is, its bytes, where it was made, and who left it."""

    def __init__(self, what: str, bytes: int, where: str, by: str) -> None:  # noqa: A002 - the ledger's word
        self.what = what
        self.bytes = bytes
        self.where = where
        self.by = by

    @classmethod
    def of(cls, leak: Leak, by: str, root: str) -> Told:
        """Return how a leak is told of. `root`: pytest's root directory."""
        return cls(printable(leak.what), leak.bytes, where(leak.stack, root), by)

    def as_json(self) -> str:
        """Return it in one line, for a report and its XML."""
        return json.dumps(vars(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Told:
        """Return what `as_json` gave."""
        return cls(**json.loads(text))


def where(stack: Stack, root: str) -> str:
    """Return where something was made, in words: the line that made it, and those of the project that led there.

    That is the innermost line, the innermost of the project's own, and its outermost, which is the test's or the
    fixture's.
    """
    if not stack:
        return UNSEEN
    inside = root + os.sep
    own = [frame for frame in stack if frame[0].startswith(inside) and not any(part in frame[0] for part in _OUTSIDE)]
    frames = dict.fromkeys([stack[0], *own[:1], *own[-1:]])
    lines = [f"{file.removeprefix(inside)}:{line} in {name}" for file, line, name in frames]
    return printable(f"made at {', from '.join(lines)}")


def fixture(name: str, scope: str, base: str) -> str:
    """Return what a fixture is called: xunit's functions are fixtures in disguise."""
    disguise = re.fullmatch(_XUNIT, name)
    who = f"{disguise[1]} of {disguise[2]}" if disguise else f"fixture {name}"
    return f"{who} (scope {scope}{', ' if base else ''}{base})"


def failure(leaks: Sequence[Told], test: str, marker: str) -> str:
    """Return what the report of a test says that left something, or whose fixtures did. The first line says most."""
    lines = []
    for by in dict.fromkeys(leak.by for leak in leaks):
        some = [leak for leak in leaks if leak.by == by]
        who = "" if by == test else f"{by} "
        if len(some) > 1:
            lines.append(f"{who}left {plural(len(some), 'thing')}, {size(sum(leak.bytes for leak in some))}:")
            who = "  "
        for leak in some:
            lines += [f"{who}{'' if len(some) > 1 else 'left '}{leak.what}, {size(leak.bytes)}", f"    {leak.where}"]
    lines.append(f"Remove it, or close it, there. What may stay: @pytest.mark.{marker}('PATTERN'), or the ini option.")
    return "\n".join(lines)


def summary(leaks: Iterable[Told], *, everything: bool) -> Iterator[str]:
    """Yield the lines of a session's summary: what was made at one place together, the most bytes first."""
    places: dict[tuple[str, str], list[Told]] = {}
    for leak in leaks:
        key = (leak.where, "" if leak.where != UNSEEN else leak.by)
        places.setdefault(key, []).append(leak)
    ordered = sorted(places.values(), key=lambda some: (-sum(one.bytes for one in some), -len(some)))
    shown = ordered if everything else ordered[:_MOST_SHOWN]
    for some in shown:
        total = sum(one.bytes for one in some)
        what = some[0].what if len(some) == 1 else f"{len(some)} things, such as {some[0].what}"
        others = len({one.by for one in some}) - 1
        yield f"{size(total):>9}  {what}"
        yield f"           {some[0].where}"
        yield f"           left by {some[0].by}{f' and {others} more' if others else ''}"
    if len(ordered) > len(shown):
        rest = sum(one.bytes for some in ordered[len(shown) :] for one in some)
        yield f"{size(rest):>9}  made at {plural(len(ordered) - len(shown), 'more place')} (-v shows all)"
