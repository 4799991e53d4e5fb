"""Any sequence of operations on metered files, and after each the count beside a full walk."""

from __future__ import annotations

import io
import os
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from scratchwork import Quota, QuotaExceeded, Root, tempfile
from scratchwork.files import metering
from tests.files.machines.sides import run

_NAMES = st.sampled_from(["a", "b", "d/c"])
_SIZES = st.sampled_from([0, 1, 2, 7, 50, 999, 1000, 1001])


class Metered(RuleBasedStateMachine):
    """Files that are opened in all modes, written, cut, moved, linked and removed, in one workspace of 1,000 bytes.

    All is flushed after each step, so that a walk sees it.
    """

    files = Bundle("files")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[Any] = []
        self.links = 0
        """How many names were given to files behind the meter's back."""
        self.has_surplus = False
        """Whether something may have been removed since the last count that was not given back."""
        self.alone: dict[int, int] = {}
        """The files that nobody else has written, by id, with the number of recounts when they were opened."""

    @initialize(limit=st.sampled_from([0, 10, 1000]), most=st.sampled_from([None, 2, 6]))
    def begin(self, limit: int, most: int | None) -> None:
        self.ws = Root("machine").workspace(quota=Quota(limit, most))
        self.limit, self.most = limit, most
        os.mkdir(self.ws / "d")
        found = metering.known(os.fspath(self.ws))
        assert found is not None
        self.meter = found
        self.meter.recount()

    def truth(self) -> tuple[int, int]:
        """Return the lengths and the number of all that lies there or is open though it was deleted."""
        seen: dict[int, int] = {}
        entries = 0
        for path in Path(self.ws).rglob("*"):
            entries += 1
            if path.is_file():
                seen[path.stat().st_ino] = path.stat().st_size
        for file in self.open:
            status = os.fstat(file.fileno())
            if status.st_ino not in seen and status.st_nlink == 0:
                entries += 1
                seen[status.st_ino] = status.st_size
        return sum(seen.values()), entries

    def attempt(self, operation: Any, grows_to: int | None = None) -> Any:
        """Do something that may exceed the quota; if it does, it must have been true."""
        before = self.truth()
        refused = None
        try:
            return operation()
        except QuotaExceeded as error:
            refused = error
        assert refused.used == (before[0] if refused.what == "bytes" else before[1])
        assert refused.used + refused.wanted > refused.limit
        assert self.truth()[0] == before[0]
        self.has_surplus = False
        return None

    @rule(target=files, name=_NAMES, mode=st.sampled_from(["wb", "ab", "r+b", "w+b", "xb"]), unbuffered=st.booleans())
    def open_file(self, name: str, mode: str, unbuffered: bool) -> Any:
        cuts = "w" in mode and (self.ws / name).exists() and (self.ws / name).stat().st_size > 0
        try:
            file = self.attempt(lambda: self.ws.open(name, mode, 0 if unbuffered else -1))
        except OSError:  # not there, or there already
            return None
        if file is not None:
            self.has_surplus |= cuts
            self.note(file)
        return file

    def note(self, file: Any) -> None:
        status = os.fstat(file.fileno())
        others = [other for other in self.open if os.fstat(other.fileno()).st_ino == status.st_ino]
        for other in others:
            self.alone.pop(id(other), None)
        if not others and status.st_size == 0:
            self.alone[id(file)] = self.meter.read().recounts
        self.open.append(file)

    @rule(target=files, kind=st.sampled_from(["anonymous", "named", "spooled"]))
    def open_temporary(self, kind: str) -> Any:
        make: Any = {
            "anonymous": tempfile.TemporaryFile,
            "named": tempfile.NamedTemporaryFile,
            "spooled": partial(tempfile.SpooledTemporaryFile, 1),
        }[kind]
        file = self.attempt(lambda: make(dir=self.ws))
        if file is not None and kind == "spooled" and self.attempt(file.fileno) is None:
            file.close()
            return None
        if file is not None:
            self.note(file)
        return file

    @rule(file=files, size=_SIZES)
    def write(self, file: Any, size: int) -> None:
        if self.is_open(file):
            self.attempt(lambda: file.write(b"x" * size))
            file.flush()

    @rule(file=files, position=_SIZES, whence=st.sampled_from([io.SEEK_SET, io.SEEK_END]))
    def seek(self, file: Any, position: int, whence: int) -> None:
        if self.is_open(file):
            file.seek(position, whence)

    @rule(file=files, size=_SIZES)
    def truncate(self, file: Any, size: int) -> None:
        if self.is_open(file):
            is_exact = self.alone.get(id(file)) == self.meter.read().recounts
            self.has_surplus |= size < os.fstat(file.fileno()).st_size and not is_exact
            self.attempt(lambda: file.truncate(size))

    @rule(name=_NAMES, size=_SIZES, at=st.sampled_from([None, 0, 1, 500]))
    def write_plainly_and_cut(self, name: str, size: int, at: int | None) -> None:
        """What the meter was not told of, it must not take to be given back."""
        path = self.ws / name
        if not path.exists():
            return
        length = path.stat().st_size
        with open(path, "ab") as plain:
            plain.write(b"p" * size)
        if at is None:
            self.ws.open(name, "wb").close()
        else:
            with self.ws.open(name, "r+b") as file:
                file.truncate(min(at, length))
        self.has_surplus |= path.stat().st_size < length

    @rule(file=files, size=_SIZES)
    def write_plainly_and_cut_by_its_own(self, file: Any, size: int) -> None:
        if self.is_open(file):
            length = os.fstat(file.fileno()).st_size
            path = f"/proc/self/fd/{file.fileno()}" if os.path.isdir("/proc/self/fd") else f"/dev/fd/{file.fileno()}"
            with open(path, "ab") as plain:
                plain.write(b"p" * size)
            file.truncate(length)
            self.alone.pop(id(file), None)

    @rule(file=files)
    def close(self, file: Any) -> None:
        if self.is_open(file):
            self.open.remove(file)
            self.alone.pop(id(file), None)
            file.close()
            self.has_surplus = True

    @rule(name=_NAMES)
    def unlink(self, name: str) -> None:
        (self.ws / name).unlink(missing_ok=True)
        self.has_surplus = True

    @rule(name=_NAMES, other=_NAMES)
    def rename(self, name: str, other: str) -> None:
        if (self.ws / name).exists():
            os.replace(self.ws / name, self.ws / other)
            self.has_surplus = True

    @rule(name=_NAMES, other=st.sampled_from(["l", "m"]))
    def link(self, name: str, other: str) -> None:
        if (self.ws / name).exists() and not (self.ws / other).exists():
            os.link(self.ws / name, self.ws / other)
            self.meter.recount()  # nobody told it
            self.has_surplus = False
            self.links += 1

    @rule()
    def recount(self) -> None:
        now = self.meter.recount()
        assert (now.used, now.files) == self.truth()
        self.has_surplus = False

    @invariant()
    def the_count_is_the_walk(self) -> None:
        if not hasattr(self, "meter"):
            return
        now, (length, entries) = self.meter.read(), self.truth()
        if self.has_surplus:
            assert now.used >= length
            assert now.files >= entries
        else:
            assert (now.used, now.files) == (length, entries)
        assert length <= self.limit
        assert self.most is None or entries <= max(self.most, 1) + self.links

    def is_open(self, file: Any) -> bool:
        return file is not None and file in self.open

    def teardown(self) -> None:
        for file in self.open:
            file.close()
        self.open.clear()
        if hasattr(self, "meter"):
            self.recount()
        if hasattr(self, "ws"):
            self.ws.cleanup()


def test_the_count_is_right_after_any_step(temp: Path) -> None:
    run(Metered, examples=300)
