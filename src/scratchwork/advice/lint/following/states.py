"""What is known at one point of a function, and what remains known where paths meet."""

from __future__ import annotations

from scratchwork.advice.lint.following.values import Resource, Values

_NOT_THERE = frozenset({"not there"})
_MOST = 16


class State:
    """The values of names, and the marks of resources, at one point.

    A mark is a set: all that may be so here. A rule that must not cry wolf asks for `only`.
    """

    __slots__ = ("_marks", "_names")

    def __init__(self) -> None:
        self._names: dict[str, Values] = {}
        self._marks: dict[tuple[Resource, str], frozenset[str]] = {}

    def copy(self) -> State:
        """Return one that changes on its own."""
        new = State()
        new._names = dict(self._names)
        new._marks = dict(self._marks)
        return new

    def join(self, other: State) -> None:
        """Take in what may be so on another path that leads here."""
        for name, values in other._names.items():
            mine = self._names.get(name, ())
            if mine is not values:
                self._names[name] = _few(mine + values)
        for key in self._marks.keys() | other._marks.keys():
            self._marks[key] = self._marks.get(key, _NOT_THERE) | other._marks.get(key, _NOT_THERE)

    def lookup(self, name: str) -> Values | None:
        """Return what a name stands for; None if it was never set here."""
        return self._names.get(name)

    def bind(self, name: str, values: Values) -> None:
        """Let a name stand for these values, and forget what its attributes were."""
        prefix = name + "."
        for known in [known for known in self._names if known.startswith(prefix)]:
            del self._names[known]
        self._names[name] = _few(values)

    def names_of(self, resource: Resource) -> list[str]:
        """Return the names that stand for its file object and for nothing else."""
        return [
            name
            for name, values in self._names.items()
            if len(values) == 1 and values[0].what == "file" and values[0].resource is resource
        ]

    def constants(self) -> State:
        """Return one that knows only texts and paths in the shared temp folder: what a function may rely on."""
        new = State()
        for name, values in self._names.items():
            known = tuple(value for value in values if value.what in {"text", "root", "child", "stamp"})
            if known and len(known) == len(values):
                new._names[name] = known
        return new

    def stored(self) -> list[Resource]:
        """Return the resources that are stored in attributes."""
        return [
            value.resource
            for name, values in self._names.items()
            for value in values
            if "." in name and value.resource is not None
        ]

    def mark(self, resource: Resource, aspect: str, mark: str) -> None:
        """Say that something is so from here on."""
        self._marks[resource, aspect] = frozenset({mark})

    def only(self, resource: Resource, aspect: str, mark: str) -> bool:
        """Whether this is so on every path that leads here."""
        return self._marks.get((resource, aspect)) == frozenset({mark})

    def only_among(self, resource: Resource, aspect: str, *marks: str) -> bool:
        """Whether on every path that leads here one of these is so, the first on at least one."""
        found = self._marks.get((resource, aspect), frozenset())
        return marks[0] in found and found <= frozenset(marks)

    def may(self, resource: Resource, aspect: str, mark: str) -> bool:
        """Whether this is so on some path that leads here."""
        return mark in self._marks.get((resource, aspect), ())


def _few(values: Values) -> Values:
    """Return the values without those that say the same, and no more than are worth following.

    A text that grows on every second path, `if x: text += "..."`, would double its values with each of them.
    """
    if len(values) < 2:
        return values
    different = {(one.what, one.resource, one.text, one.is_part, one.is_in_text): one for one in values}
    if len(different) <= _MOST:
        return tuple(different.values())
    return tuple(one for one in different.values() if one.resource is not None)


def joined(states: list[State | None]) -> State | None:
    """Return what is known where these paths meet; None if none gets there."""
    there = [state for state in states if state is not None]
    if not there:
        return None
    first, *others = there
    result = first.copy()
    for other in others:
        result.join(other)
    return result
