"""Where temporary files go while a test runs, and what is seen being made there."""

from __future__ import annotations

import os
import tempfile

from scratchwork.advice.observing import Observer, observe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.advice.observing import Kind, Stack

    Chosen = tuple[str | bytes | None, str | None, str | None, str | None]
    """The standard library's `tempfile.tempdir`, and what TMPDIR, TEMP and TMP say."""

VARIABLES = ("TMPDIR", "TEMP", "TMP")
_UNTOUCHED = 10**18  # nanoseconds since the epoch: long before this was written
_MOST_REMEMBERED = 10_000
"""Of how many things in a folder it is remembered where they were made: a test may make millions."""


class TempFolder:
    """The temp folder of this process and of its children, led elsewhere for a while.

    Who sets it himself keeps it: a variable is led elsewhere only if it is unset, or says what it said in the
    beginning, or leads into `base` already; and it is given back only if it still says what it was made to say.
    """

    def __init__(self, base: str) -> None:
        self._inside = base + os.sep
        self.original = self.now()

    @staticmethod
    def now() -> Chosen:
        """Return what they all say."""
        get = os.environ.get
        return tempfile.tempdir, get("TMPDIR"), get("TEMP"), get("TMP")

    def lead(self, path: str) -> Chosen:
        """Lead what may be led to `path`; return what was before, for `give_back`."""
        before = self.now()
        everything = (path, path, path, path)
        if before == self.original:
            self.put(everything)
        elif before != everything:
            self.put(tuple(path if self._may_lead(*one) else one[0] for one in zip(before, self.original, strict=True)))  # type: ignore[arg-type]
        return before

    def give_back(self, path: str, before: Chosen) -> None:
        """Let what still leads to `path` say again what it did before."""
        now = self.now()
        self.put(tuple(old if new == path else new for new, old in zip(now, before, strict=True)))  # type: ignore[arg-type]

    def restore(self) -> None:
        """Let what leads below the base say again what it said in the beginning."""
        now = self.now()
        self.put(tuple(old if self._is_ours(new) else new for new, old in zip(now, self.original, strict=True)))  # type: ignore[arg-type]

    def _may_lead(self, value: str | bytes | None, original: str | bytes | None) -> bool:
        return value is None or value == original or self._is_ours(value)

    def _is_ours(self, value: str | bytes | None) -> bool:
        return isinstance(value, str) and value.startswith(self._inside)

    @staticmethod
    def leads_to(path: str) -> bool:
        """Tell whether temporary files go there, by what is heeded first: quickly."""
        return tempfile.tempdir == path and os.environ.get("TMPDIR") == path

    @staticmethod
    def put(chosen: Chosen) -> None:
        """Let them say this."""
        tempfile.tempdir = chosen[0]  # type: ignore[assignment]  # noqa: SCR602 - the session's, and set back
        environ = os.environ
        for variable, value in zip(VARIABLES, chosen[1:], strict=True):
            if value is not None:
                environ[variable] = value
            elif variable in environ:
                del environ[variable]


class Place:
    """A folder that temporary files go to, what was seen being made in it, and what is known to lie in it.

    `made`: by path, the calls that led to it; `anonymous`: the same of files that never had a name. `known`: the names
    that have been reported; `known_open`: the same for descriptors, with the device and inode that each leads to.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.inside = path + os.sep
        self.made: dict[str, Stack] = {}
        self.anonymous: list[Stack] = []
        self.known: set[str] = set()
        self.known_open: set[tuple[int, int, int]] = set()

    def saw(self, path: str, kind: Kind, stack: Stack) -> None:
        """Remember that something is about to be made in it."""
        if kind == "anonymous":
            if len(self.anonymous) < _MOST_REMEMBERED:
                self.anonymous.append(stack)
        elif len(self.made) < _MOST_REMEMBERED or os.path.dirname(path) == self.path:
            self.made[path] = stack

    def names(self) -> list[str]:
        """Return the names of what lies in it. One that a test has removed is made again: the next test needs it."""
        try:
            return os.listdir(self.path)
        except FileNotFoundError:
            os.makedirs(self.path, 0o700)
            self.known.clear()
            return []

    def is_untouched(self) -> bool:
        """Tell, quickly, that nothing was seen being made in it and nothing new lies there.

        Making or removing a name sets the folder's time to now (POSIX, for open and unlink): as long as it is the one
        that we have set, there is nothing to list. Where a root lies in it, it is always listed: workspaces are made
        one level below.
        """
        if self.made or self.anonymous:
            return False
        try:
            if os.name == "posix" and os.stat(self.path).st_mtime_ns == _UNTOUCHED:
                return True
        except FileNotFoundError:  # made again below
            pass
        if not self.known.issuperset(self.names()):
            return False
        os.utime(self.path, ns=(_UNTOUCHED, _UNTOUCHED))
        if self.known.issuperset(self.names()):
            return True
        os.utime(self.path)  # what came in between
        return False

    def forget(self) -> None:
        """Remember nothing of what was made up to now."""
        self.made.clear()
        self.anonymous.clear()

    def origin(self, path: str) -> Stack:
        """Return the calls that made what lies there, or, if nobody saw that, something in it; empty if unknown."""
        stack = self.made.get(path)
        if stack is None:
            inside = path + os.sep
            stack = next((one for name, one in self.made.items() if name.startswith(inside)), ())
        return stack


class Places(Observer):
    """The places of one session, below `base`: they see what this process makes in them."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.inside = base + os.sep
        self._all: list[Place] = []
        self._free: list[Place] = []

    def borrow(self) -> Place:
        """Return a place with nothing in it, a new one if need be. Raises OSError."""
        if self._free:
            return self._free.pop()
        place = Place(os.path.join(self.base, str(len(self._all))))
        os.mkdir(place.path, 0o700)
        self._all.append(place)
        return place

    def give_back(self, place: Place) -> None:
        """Let somebody else have a place, if nothing has been left in it."""
        if not place.known and not place.known_open:
            place.forget()
            self._free.append(place)

    def begin(self) -> None:
        """See from now on what is made in the places."""
        if not _sessions:
            _witness.begin()
        _sessions.append(self)
        _witness.spaces = tuple(session.inside for session in _sessions)

    def end(self) -> None:
        """See nothing any more."""
        _sessions.remove(self)
        _witness.spaces = tuple(session.inside for session in _sessions)

    def making(self, path: str, kind: Kind, stack: Stack) -> None:  # noqa: D102 - said in Observer
        place = self._place_of(path)
        if place is not None:
            place.saw(path, kind, stack)

    def moving(self, source: str, target: str) -> None:  # noqa: D102 - said in Observer
        before, after = self._place_of(source), self._place_of(target)
        if before is not None and after is not None and source in before.made:
            after.made[target] = before.made.pop(source)

    def _place_of(self, path: str) -> Place | None:
        if not path.startswith(self.inside):
            return None
        number = path[len(self.inside) :].partition(os.sep)[0]
        return self._all[int(number)] if number.isdecimal() and int(number) < len(self._all) else None


class _Witness(Observer):
    """The one observer of this process, whose audit hook can't be removed: it tells the sessions, which may be nested.

    A session of pytest can run within a test of another one (`pytester`), below whose places its own may lie.
    """

    _is_told = False

    def begin(self) -> None:
        if not self._is_told:
            self._is_told = True
            observe(self)

    def making(self, path: str, kind: Kind, stack: Stack) -> None:
        for session in reversed(_sessions):
            if path.startswith(session.inside) or path == session.base:
                session.making(path, kind, stack)
                return

    def moving(self, source: str, target: str) -> None:
        for session in reversed(_sessions):
            session.moving(source, target)


_witness = _Witness()
_sessions: list[Places] = []
