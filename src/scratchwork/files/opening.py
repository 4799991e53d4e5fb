"""What `io.open` does, over classes of our own: a file object of the right kind for a mode."""

from __future__ import annotations

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from scratchwork.files.metering import Meters

_CHARACTERS = frozenset("axrwb+tU")


class Kinds:
    """The five classes that a file object can be of."""

    __slots__ = ("both", "raw", "reader", "text", "writer")

    def __init__(
        self,
        raw: type[io.FileIO] | None = None,
        reader: type[io.BufferedReader] = io.BufferedReader,
        writer: type[io.BufferedWriter] = io.BufferedWriter,
        both: type[io.BufferedRandom] = io.BufferedRandom,
        text: type[io.TextIOWrapper] = io.TextIOWrapper,
    ) -> None:
        self.raw = io.FileIO if raw is None else raw  # now, and not when this is imported: tests replace it
        self.reader = reader
        self.writer = writer
        self.both = both
        self.text = text


_PLAIN = Kinds()


def open_with(
    kinds: Kinds,
    opener: Callable[[str, int], int],
    mode: str,
    buffering: int,
    encoding: str | None,
    errors: str | None,
    newline: str | None,
    meters: Meters | None = None,
) -> Any:
    """Return a file object as `io.open(..., opener=opener)` would, of one of `kinds`.

    `opener` is called only when mode and arguments are sound; what it opened is closed if anything fails after that.
    `meters`: what its writes count against. Raises ValueError, TypeError, LookupError (an unknown encoding) as
    `io.open` does, and what `opener` raises.
    """
    raw_mode, is_text = check(mode, buffering, encoding, errors, newline)
    if meters is not None and raw_mode != "r":
        from scratchwork.files.metered import BUFFER, buffered, metered

        raw: Any = metered(io.FileIO if buffering else kinds.raw)(os.devnull, raw_mode, opener=opener)
        raw.count(meters, appends="a" in raw_mode)
        size = BUFFER
    else:
        meters = None
        raw = (io.FileIO if buffering else kinds.raw)(os.devnull, raw_mode, opener=opener)
        size = usual_buffer(raw)
    if buffering == 0:
        return raw
    result: Any = raw
    try:
        binary = _PLAIN if is_text else kinds
        kind: Any = binary.both if "+" in mode else binary.reader if "r" in mode else binary.writer
        if meters is not None:
            kind = buffered(kind)
        result = kind(result, buffering if buffering > 1 else size)
        if meters is not None:
            raw.serve(result)
        if is_text:
            result = kinds.text(
                result,
                encoding,
                errors,
                newline,
                line_buffering=buffering == 1,
                write_through=meters is not None,  # so that a write that is too much is told at once
            )
            result.mode = mode
    except BaseException:
        result.close()
        raise
    return result


def usual_buffer(raw: io.FileIO) -> int:
    """Return the size of buffer that `io.open` gives a file, so that what looks into it sees as much."""
    size: int = raw._blksize  # type: ignore[attr-defined]
    return size if sys.version_info < (3, 14) else max(size, io.DEFAULT_BUFFER_SIZE)


def check(mode: str, buffering: int, encoding: str | None, errors: str | None, newline: str | None) -> tuple[str, bool]:
    """Return the mode for the raw file, and whether it is a text file; raise as `io.open` does."""
    if not isinstance(mode, str):
        raise TypeError(f"open() argument 'mode' must be str, not {type(mode).__name__}")
    if len(set(mode)) != len(mode) or not _CHARACTERS.issuperset(mode) or "U" in mode:
        raise ValueError(f"invalid mode: {mode!r}")
    is_binary = "b" in mode
    if is_binary and "t" in mode:
        raise ValueError("can't have text and binary mode at once")
    if sum(letter in mode for letter in "axrw") != 1:
        raise ValueError("must have exactly one of create/read/write/append mode")
    if is_binary:
        for value, what in ((encoding, "an encoding"), (errors, "an errors"), (newline, "a newline")):
            if value is not None:
                raise ValueError(f"binary mode doesn't take {what} argument")
        if buffering == 1:
            import warnings

            warnings.warn(
                "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used",
                RuntimeWarning,
                stacklevel=4,
            )
    elif buffering == 0:
        raise ValueError("can't have unbuffered text I/O")
    return "".join(letter for letter in mode if letter not in "bt"), not is_binary
