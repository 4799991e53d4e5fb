"""Two files side by side, ours and the original's, that are given the same random operations and must answer alike.

`SCRATCHWORK_MACHINE_EXAMPLES` in the environment says how many random programs each machine runs, for a long search.
"""

from __future__ import annotations

import array
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

Operation = Callable[[Any], object]
Draw = Callable[[st.SearchStrategy[Any]], Any]

MODES = st.sampled_from(["w+b", "w+b", "w+b", "r+b", "a+b", "x+b", "wb", "rb"])
TEXT_MODES = st.sampled_from(["w+", "w+", "w+", "w+t", "r+", "a+", "x+", "w", "r"])
BUFFERINGS = st.sampled_from([-1, -1, 8, 64, 8192, 20_000])

EXAMPLES = int(os.environ.get("SCRATCHWORK_MACHINE_EXAMPLES", "0"))


def run(machine: Callable[[], RuleBasedStateMachine], examples: int, steps: int = 30) -> None:
    """Run a machine on that many random programs; whatever one takes, it is no failure."""
    slow = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
    chosen = settings(
        max_examples=EXAMPLES or examples, stateful_step_count=steps, deadline=None, suppress_health_check=slow
    )
    run_state_machine_as_test(machine, settings=chosen)  # type: ignore[arg-type] # any callable will do


@dataclass(frozen=True)
class Raised:
    """What an operation raised instead of giving a result."""

    kind: type[Exception]
    errno: int | None


def outcome(operation: Operation, file: Any) -> object:
    try:
        return operation(file)
    except Exception as error:
        return Raised(type(error), error.errno if isinstance(error, OSError) else None)


class Pair(RuleBasedStateMachine):
    """What all machines share, for files of bytes and of text; the file is open before and after every rule."""

    content: st.SearchStrategy[Any]
    """What may be written."""
    wrong: st.SearchStrategy[Any]
    """What may not."""
    after_close: dict[str, Operation]
    """What people try with a closed file."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place
        self.ours: Any = None
        self.original: Any = None

    def make(self, draw: Draw) -> None:
        """Make `ours` and `original` with the same arguments."""
        raise NotImplementedError

    def same(self, operation: Operation) -> object:
        """Do it on either side, see that it comes to the same, and return what it comes to."""
        expected = outcome(operation, self.original)
        got = outcome(operation, self.ours)
        assert got == expected, f"ours: {got!r}, the original's: {expected!r}"
        return expected

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.make(data.draw)

    def teardown(self) -> None:
        if self.ours is None or self.original is None:
            return
        try:
            if not (self.ours.closed or self.original.closed):
                self.everything()
        finally:
            self.ours.close()
            self.original.close()

    @rule()
    def everything(self) -> None:
        self.same(lambda file: file.flush())
        self.same(lambda file: file.seek(0))
        self.same(lambda file: file.read())

    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        content = data.draw(self.content)
        self.same(lambda file: file.write(content))
        self.wrote()

    def wrote(self) -> None:
        """Do what a machine has to do after a write."""

    @rule(data=st.data())
    def write_and_look_back(self, data: st.DataObject) -> None:
        content = data.draw(self.content)
        self.same(lambda file: file.write(content))
        self.wrote()
        self.same(lambda file: file.seek(0))
        self.same(lambda file: file.readline())

    @rule(data=st.data(), size=st.sampled_from([1, 4, -1]))
    def write_and_read_on(self, data: st.DataObject, size: int) -> None:
        content = data.draw(self.content)
        self.same(lambda file: file.write(content))
        self.wrote()
        self.same(lambda file: file.read(size))

    @rule(data=st.data())
    def write_what_is_wrong(self, data: st.DataObject) -> None:
        content = data.draw(self.wrong)
        self.same(lambda file: file.write(content))

    @rule(data=st.data(), breaks_off=st.booleans())
    def writelines(self, data: st.DataObject, breaks_off: bool) -> None:
        lines = data.draw(st.lists(self.content, max_size=4)) + [None] * breaks_off
        self.same(lambda file: file.writelines(iter(lines)))
        self.wrote()

    @rule(size=st.sampled_from([None, -1, 0, 1, 2, 5, 17, 100, 9000]))
    def read(self, size: int | None) -> None:
        self.same(lambda file: file.read(size))

    @rule()
    def read_the_rest(self) -> None:
        self.same(lambda file: file.read())
        self.same(lambda file: file.read(1))

    @rule(sizes=st.sampled_from([(), (-1,), (0,), (1,), (3,), (50,), (None,)]))
    def readline(self, sizes: tuple[int, ...]) -> None:
        self.same(lambda file: file.readline(*sizes))

    @rule(hints=st.sampled_from([(), (-1,), (0,), (1,), (10,), (None,)]))
    def readlines(self, hints: tuple[int, ...]) -> None:
        self.same(lambda file: file.readlines(*hints))

    @rule(lines=st.integers(1, 3))
    def iterate_a_bit(self, lines: int) -> None:
        self.same(lambda file: list(itertools.islice(file, lines)))

    @rule(back=st.booleans())
    def seek_to_an_end(self, back: bool) -> None:
        self.same(lambda file: file.seek(0, 0 if back else 2))

    @rule(position=st.integers(0, 70))
    def seek(self, position: int) -> None:
        self.same(lambda file: file.seek(position))

    @rule(offset=st.integers(-40, 40), whence=st.sampled_from([0, 1, 1, 2, 2, 9]))
    def seek_from(self, offset: int, whence: int) -> None:
        self.same(lambda file: file.seek(offset, whence))

    @rule(bad=st.sampled_from([(), (None,), ("1",), (1.0,), (0, None), (0, "0")]))
    def seek_badly(self, bad: tuple[object, ...]) -> None:
        self.same(lambda file: file.seek(*bad))

    @rule()
    def seek_too_far(self) -> None:
        self.same(lambda file: file.seek(2**63))

    @rule()
    def truncate_here(self) -> None:
        self.same(lambda file: file.truncate())

    @rule(size=st.integers(-1, 70) | st.sampled_from([8191, 8192, 8193]))
    def truncate(self, size: int) -> None:
        self.same(lambda file: file.truncate(size))

    @rule()
    def flush(self) -> None:
        self.same(lambda file: file.flush())

    @rule()
    def size_on_disk(self) -> None:
        self.same(lambda file: file.flush())
        self.same(lambda file: os.fstat(file.fileno()).st_size)

    @rule()
    def attributes(self) -> None:
        for name in ("closed", "encoding", "errors", "line_buffering"):  # a named original keeps old `newlines`
            self.same(lambda file, name=name: getattr(file, name))  # type: ignore[misc]
        for name in ("readable", "writable", "seekable", "isatty"):
            self.same(lambda file, name=name: getattr(file, name)())  # type: ignore[misc]

    @rule(data=st.data(), content=st.data(), how=st.sampled_from(["close", "with", "error"]))
    def close_use_and_make_again(self, data: st.DataObject, content: st.DataObject, how: str) -> None:
        last = content.draw(self.content)
        self.same(CLOSINGS[how](last))
        self.closed(by_with=how != "close")
        for name in data.draw(st.lists(st.sampled_from(sorted(self.after_close)), max_size=3)):
            self.same_when_closed(self.after_close[name])
        self.same(lambda file: file.close())
        self.same(lambda file: file.closed)
        self.make(data.draw)

    def same_when_closed(self, operation: Operation) -> object:
        return self.same(operation)

    def closed(self, *, by_with: bool) -> None:
        """Look at what a machine has to look at when both sides are closed: by the end of a `with`, or by close()."""


def _closing(last: object) -> Operation:
    def close(file: Any) -> object:
        try:
            return file.write(last)
        finally:
            file.close()

    return close


def _leaving(last: object) -> Operation:
    def leave(file: Any) -> object:
        with file as entered:
            assert entered is file
            return entered.write(last)

    return leave


def _failing(last: object) -> Operation:
    def fail(file: Any) -> object:
        with file as entered:
            entered.write(last)
            raise KeyError

    return fail


CLOSINGS: dict[str, Callable[[object], Operation]] = {"close": _closing, "with": _leaving, "error": _failing}


def _enter(file: Any) -> object:
    with file:
        return "entered"


def _filled(file: Any, size: int, method: str = "readinto") -> object:
    buffer = bytearray(size)
    return getattr(file, method)(buffer), bytes(buffer)


_AFTER_CLOSE: dict[str, Operation] = {
    "read": lambda file: file.read(1),
    "readline": lambda file: file.readline(),
    "readlines": lambda file: file.readlines(),
    "iterate": lambda file: next(iter(file)),  # the original's named file is no iterator itself
    "seek": lambda file: file.seek(0),
    "tell": lambda file: file.tell(),
    "truncate": lambda file: file.truncate(0),
    "truncate here": lambda file: file.truncate(),
    "flush": lambda file: file.flush(),
    "fileno": lambda file: file.fileno(),
    "readable": lambda file: file.readable(),
    "writable": lambda file: file.writable(),
    "seekable": lambda file: file.seekable(),
    "isatty": lambda file: file.isatty(),
    "enter": _enter,
}


def _block(pattern: bytes, size: int) -> bytes:
    return (pattern * size)[:size]


_SIZES = [100, 1023, 4096, 8191, 8192, 8193, 20_000]
_PATTERNS = [b"0123456789abcdef\n", b"-", b"\0\xff\r\n"]

_bytes = (
    st.binary(max_size=12)
    | st.sampled_from([b"\n", b"one\ntwo\n", b"\r\n", b"x" * 30 + b"\n"])
    | st.builds(_block, st.sampled_from(_PATTERNS), st.sampled_from(_SIZES))
)


class BytesPair(Pair):
    """Files of bytes; their positions are compared after every step."""

    content: st.SearchStrategy[Any] = (
        _bytes
        | _bytes.map(bytearray)
        | _bytes.map(lambda data: memoryview(data)[:])
        | st.just(array.array("i", [1, 2, 3]))
    )
    wrong = st.sampled_from([None, "text", 7, memoryview(b"every other one")[::2], [1, 2]])
    after_close = {
        **_AFTER_CLOSE,
        "write": lambda file: file.write(b"x"),
        "writelines": lambda file: file.writelines([b"x"]),
        "readinto": lambda file: file.readinto(bytearray(2)),
    }

    @invariant()
    def is_where_the_original_is(self) -> None:
        self.same(lambda file: file.tell())

    @rule(sizes=st.sampled_from([(), (-1,), (0,), (1,), (5,), (30,), (9000,)]))
    def read1(self, sizes: tuple[int, ...]) -> None:
        self.same(lambda file: file.read1(*sizes))

    @rule(size=st.sampled_from([0, 1, 7, 40, 9000]))
    def readinto(self, size: int) -> None:
        self.same(lambda file: _filled(file, size))

    @rule(size=st.sampled_from([0, 1, 7, 40, 9000]))
    def readinto1(self, size: int) -> None:
        self.same(lambda file: _filled(file, size, "readinto1"))

    @rule(sizes=st.sampled_from([(), (0,), (1,), (10,)]))
    def peek(self, sizes: tuple[int, ...]) -> None:
        ours, original = (outcome(lambda file: file.peek(*sizes), file) for file in (self.ours, self.original))
        if isinstance(ours, bytes) and isinstance(original, bytes):
            shorter = min(len(ours), len(original)) or 1  # how much there is to see depends on the size of a buffer
            assert ours[:shorter] == original[:shorter]
        else:
            assert ours == original

    @rule(wrong=st.sampled_from([-2, -100, 1.5, "1"]))
    def read_wrongly(self, wrong: object) -> None:
        self.same(lambda file: file.read(wrong))

    @rule()
    def content_on_disk(self) -> None:
        self.same(lambda file: file.flush())
        self.same(lambda file: os.pread(file.fileno(), 1 << 20, 0))


def text_arguments(draw: Draw) -> dict[str, Any]:
    return {
        "buffering": draw(st.sampled_from([-1, -1, 1, 8, 64])),
        "encoding": draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "utf-16", "utf-8-sig", "utf-16-le", "ascii"])),
        "newline": draw(st.sampled_from([None, "", "\n", "\r", "\r\n"])),
        "errors": draw(st.sampled_from([None, "strict", "replace", "surrogateescape"])),
    }


_text = (
    st.text("ab \n\r\u00e9\u20ac\U0001f600", max_size=12)
    | st.sampled_from(["\n", "one\ntwo\n", "\r\n", "\r", "\udc80", "x" * 30 + "\n"])
    | st.builds(
        lambda pattern, size: (pattern * size)[:size],
        st.sampled_from(["0123456789abcdef\n", "\u20ac\r\n", "\U0001f600"]),
        st.sampled_from([100, 2731, 4096, 8191, 8192, 8193]),
    )
)


class TextPair(Pair):
    """Files of text. Asking for a position changes what happens next (it flushes), so it is a rule of its own."""

    content = _text
    wrong = st.sampled_from([None, b"bytes", 7, ["a"]])
    after_close = {
        **_AFTER_CLOSE,
        "write": lambda file: file.write("x"),
        "writelines": lambda file: file.writelines(["x"]),
    }

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.told: list[int] = []

    @rule()
    def tell(self) -> None:
        cookie = self.same(lambda file: file.tell())
        if isinstance(cookie, int):
            self.told.append(cookie)

    @rule(data=st.data())
    def seek_to_what_was_told(self, data: st.DataObject) -> None:
        cookie = data.draw(st.sampled_from(self.told[-5:] or [0]))
        self.same(lambda file: file.seek(cookie))
