"""SpooledTemporaryFile beside three others: an ordinary TemporaryFile, the original's spool, and (for bytes) BytesIO.

The ordinary file says what is right, always. The others are witnesses where they are known to be right; where they are
not asked, or are helped, a comment says why. Sizes in memory are small, so that most spools roll over, in the middle
of anything.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import tempfile as originals
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from scratchwork import tempfile

from .sides import BytesPair, Draw, Operation, Pair, Raised, outcome, run

MAX_SIZES = st.integers(0, 64) | st.sampled_from([0, 1, 5, 4096, 8192, 10_000])
BEFORE_THE_START = Raised(OSError, errno.EINVAL)


class Memory(io.BytesIO):
    """BytesIO that truncates as a file does: beyond the end, BytesIO does nothing, and a file grows."""

    def truncate(self, size: int | None = None, /) -> int:
        position = self.tell()
        missing = (position if size is None else size) - self.getbuffer().nbytes
        if missing > 0:
            self.seek(0, 2)
            self.write(bytes(missing))
            self.seek(position)
        return super().truncate(size)


class Spooled(Pair):
    """What holds for a spool of bytes or of text; `original` is an ordinary file."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.spool: Any = None
        self.memory: Memory | None = None

    def make_spooled(self, draw: Draw, **arguments: Any) -> None:
        size = draw(MAX_SIZES)
        self.original = originals.TemporaryFile(dir=self.place, **arguments)
        self.spool = originals.SpooledTemporaryFile(size, dir=self.place, **arguments)
        self.ours = tempfile.SpooledTemporaryFile(size, dir=self.place, **arguments)

    @property
    def witnesses(self) -> list[Any]:
        return [witness for witness in (self.spool, self.memory) if witness is not None]

    def same(self, operation: Operation) -> object:
        expected = self.same_as_file(operation)
        # Before the start, BytesIO (and with it the original's spool in memory) stops at 0, or raises ValueError.
        if expected != BEFORE_THE_START:
            for witness in self.witnesses:
                told = outcome(operation, witness)
                assert told == expected, f"{type(witness).__name__}: {told!r}, an ordinary file: {expected!r}"
        return expected

    def same_as_file(self, operation: Operation) -> object:
        """Compare with the ordinary file alone."""
        return super().same(operation)

    def wrote(self) -> None:
        # Until 3.12 a file's read1(), and with it a text file's read(n), did not heed what was written before: it read
        # elsewhere, and what was written was lost. The original's spool in memory is right, and ours is everywhere.
        if sys.version_info < (3, 13):
            self.original.flush()
            self.spool.flush()

    def same_when_closed(self, operation: Operation) -> object:
        # Closed in memory, the original's spool has no file to tell of: fileno() fails on the way to making one.
        return self.same_as_file(operation)

    def teardown(self) -> None:
        super().teardown()
        for witness in (self.spool, self.memory):
            if witness is not None:
                witness.close()

    @rule()
    def rollover(self) -> None:
        self.same(lambda file: file.flush())  # rolling over flushes, after which tell() works, in mid-lines also
        assert self.ours.rollover() is None
        self.same(lambda file: file.read(2))
        self.roll_over_the_originals()

    def roll_over_the_originals(self) -> None:
        self.settle()
        self.original.flush()
        if os.fstat(self.original.fileno()).st_size == 0:
            # At the end of an empty file it may find itself at more than 0 (utf-16): no byte order mark would follow.
            self.same(lambda file: file.seek(0))
        self.spool.rollover()

    def settle(self) -> None:
        """Let go of what was read ahead of the position, which a text file keeps, and which one that rolls over loses.

        If there is no position, or no simple one (text after '\\r'), the original's spool would lose everything.
        """
        position = self.same_as_file(lambda file: file.tell())
        simple = isinstance(position, int) and position < 2**63
        self.same(lambda file: file.seek(position if simple else 0))

    @rule(size=st.integers(-1, 70) | st.sampled_from([8191, 8192, 8193]))
    def truncate(self, size: int) -> None:
        self.roll_over_the_originals()  # in memory it does not grow: see Memory
        self.same(lambda file: file.truncate(size))

    @rule()
    def truncate_here(self) -> None:
        self.roll_over_the_originals()
        self.same(lambda file: file.truncate())

    @rule()
    def size_on_disk(self) -> None:
        self.same(lambda file: file.flush())
        self.same_as_file(lambda file: os.fstat(file.fileno()).st_size)

    @rule()
    def descriptor_and_name(self) -> None:
        assert os.fstat(self.ours.fileno()).st_nlink == 0
        assert os.stat(self.ours.name).st_ino == os.fstat(self.ours.fileno()).st_ino


class SpooledBytes(BytesPair, Spooled):
    def make(self, draw: Draw) -> None:
        self.memory = Memory()
        self.make_spooled(draw, buffering=draw(st.sampled_from([-1, -1, 8, 64])))

    @rule(sizes=st.sampled_from([(), (-1,), (0,), (1,), (5,), (30,), (9000,)]))
    def read1(self, sizes: tuple[int, ...]) -> None:
        self.takes_some(lambda file: file.read1(*sizes), sizes[0] if sizes else -1)

    @rule(size=st.sampled_from([0, 1, 7, 40, 9000]))
    def readinto1(self, size: int) -> None:
        def read(file: Any) -> bytes:
            buffer = bytearray(size)
            return bytes(buffer[: file.readinto1(buffer)])

        self.takes_some(read, size)

    def takes_some(self, operation: Operation, most: int) -> None:
        """Look at what may give less than there is: how much depends on what happens to lie in the reader's buffer."""
        got = operation(self.ours)
        assert isinstance(got, bytes)
        rest = self.original.read()
        self.original.seek(-len(rest), 1)
        assert rest.startswith(got)
        assert got or not rest or most == 0
        for other in (self.original, *self.witnesses):
            other.seek(len(got), 1)

    @rule(hints=st.sampled_from([(), (-1,), (0,), (1,), (10,), (None,)]))
    def readlines(self, hints: tuple[int, ...]) -> None:
        self.same_as_file(lambda file: file.readlines(*hints))  # BytesIO stops at the hint, a file beyond it
        position = self.original.tell()
        self.same(lambda file: file.seek(position))

    @rule(sizes=st.sampled_from([(), (0,), (1,), (10,)]))
    def peek(self, sizes: tuple[int, ...]) -> None:
        got = self.ours.peek(*sizes)
        rest = self.original.read()
        self.original.seek(-len(rest), 1)
        assert rest.startswith(got)
        assert got or not rest

    @rule()
    def seek_too_far(self) -> None:
        self.same_as_file(lambda file: file.seek(2**63))  # BytesIO calls it OverflowError

    @rule(wrong=st.sampled_from([-2, -100, 1.5, "1"]))
    def read_wrongly(self, wrong: object) -> None:
        self.same_as_file(lambda file: file.read(wrong))  # BytesIO takes every negative size for 'all'

    @rule()
    def content_on_disk(self) -> None:
        self.same(lambda file: file.flush())
        self.same_as_file(lambda file: os.pread(file.fileno(), 1 << 20, 0))


class SpooledText(RuleBasedStateMachine):
    """Text, beside a TextIOWrapper in memory, which neither rolls over nor has an ordinary file's faults up to 3.12.

    Both are told where they are before they turn from reading to writing or back, as every text file wants it.
    """

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place
        self.sides: list[Any] = []

    @initialize(
        size=MAX_SIZES, encoding=st.sampled_from(["utf-8", "utf-16"]), newline=st.sampled_from([None, "", "\n", "\r\n"])
    )
    def begin(self, size: int, encoding: str, newline: str | None) -> None:
        how = {"encoding": encoding, "newline": newline}
        ours = tempfile.SpooledTemporaryFile(size, "w+", dir=self.place, **how)  # type: ignore[arg-type]
        self.sides = [ours, io.TextIOWrapper(io.BytesIO(), **how)]  # type: ignore[arg-type]

    def same(self, operation: Operation) -> None:
        ours, other = (outcome(operation, side) for side in self.sides)
        assert ours == other

    @rule(text=st.text("ab \n\r\u00e9\U0001f600", max_size=30))
    def write(self, text: str) -> None:
        self.same(lambda file: (file.seek(file.tell()), file.write(text), file.tell()))

    @rule(size=st.sampled_from([-1, 0, 1, 2, 7, 100]))
    def read(self, size: int) -> None:
        self.same(lambda file: (file.seek(file.tell()), file.read(size), file.tell()))

    @rule(size=st.sampled_from([-1, 0, 1, 5]))
    def readline(self, size: int) -> None:
        self.same(lambda file: (file.seek(file.tell()), file.readline(size), file.newlines))

    @rule()
    def read_all_lines(self) -> None:
        self.same(lambda file: (file.seek(0), list(file), file.tell()))

    @rule(whence=st.sampled_from([0, 2]))
    def seek(self, whence: int) -> None:
        self.same(lambda file: file.seek(0, whence))

    @rule()
    def truncate(self) -> None:
        self.same(lambda file: (file.seek(0), file.truncate()))

    @rule(lines=st.lists(st.sampled_from(["one\n", "\u20ac", ""]), max_size=5))
    def writelines(self, lines: list[str]) -> None:
        self.same(lambda file: (file.seek(0, 2), file.writelines(lines), file.flush()))

    @rule()
    def rollover(self) -> None:
        self.same(lambda file: file.flush())  # as a spool does first: it lets go of what a failed reading left behind
        self.sides[0].rollover()
        assert self.sides[0]._rolled

    def teardown(self) -> None:
        for side in self.sides:
            side.close()


@pytest.mark.parametrize("machine", [SpooledBytes, SpooledText])
def test_a_spool_does_what_a_file_does(temp: Path, machine: Callable[[str], RuleBasedStateMachine]) -> None:
    run(lambda: machine(str(temp)), examples=300)
    assert os.listdir(temp) == []
