"""Source files: their bytes, what these say, and what is wrong in it."""

from __future__ import annotations

import io
import os
import tokenize
import warnings

from scratchwork.advice.lint import checking
from scratchwork.advice.lint.catalogue import UNREADABLE
from scratchwork.advice.lint.mistakes import Mistake
from scratchwork.advice.lint.suppressing import without_suppressed
from scratchwork.system.facts import Fact

_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


class Source(Fact):
    """The text of a file with its own line endings, and how it was encoded; `bom`: whether a mark stood before it."""

    __slots__ = ("bom", "encoding", "text")

    def __init__(self, text: str, encoding: str, *, bom: bool) -> None:
        self.text = text
        self.encoding = encoding
        self.bom = bom

    @property
    def normal(self) -> str:
        r"""The text as Python reads it, with \n at the end of each line."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n")

    def encode(self, text: str) -> bytes:
        """Return the bytes of another text in the same file. Raises UnicodeEncodeError."""
        return (_BOM + text if self.bom else text).encode(self.encoding)


def decode(data: bytes) -> Source:
    """Return what the bytes of a Python source file say, by PEP 263. Raises SyntaxError and UnicodeDecodeError."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    if encoding == "utf-8-sig":
        return Source(data.decode("utf-8").removeprefix(_BOM), "utf-8", bom=True)
    return Source(data.decode(encoding), encoding, bom=False)


def look_at(data: bytes) -> list[Mistake]:
    """Return the mistakes in a file of these bytes, but for those that its own comments take away.

    What can't be decoded or parsed is a mistake itself, and then the only one.
    """
    try:
        return look_at_text(decode(data).normal)
    except (SyntaxError, UnicodeDecodeError) as error:
        return [unreadable(error)]


def look_at_text(source: str) -> list[Mistake]:
    r"""Return the same for a text with \n at the end of its lines. Raises SyntaxError."""
    return without_suppressed(source, check_text(source))


def check_text(source: str) -> list[Mistake]:
    """Return all mistakes in a text, whatever its comments say. Raises SyntaxError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the compiler thinks of its literals is not our subject
            return checking.check_source(source)
    except (MemoryError, RecursionError) as error:
        raise SyntaxError("nested too deeply") from error
    except ValueError as error:  # null bytes, in the first releases of 3.11
        raise SyntaxError(str(error)) from error


def unreadable(error: Exception) -> Mistake:
    """Return what tells that a file could not be looked at."""
    line, column = 1, 0
    if isinstance(error, SyntaxError):
        line, column = max(error.lineno or 1, 1), max((error.offset or 1) - 1, 0)
        why = f"can't be parsed: {error.msg}"
    elif isinstance(error, UnicodeDecodeError):
        line = error.object.count(b"\n", 0, error.start) + 1
        why = f"can't be decoded as {error.encoding}: {error.reason}; name its encoding in its first line (PEP 263)"
    else:
        why = f"can't be read: {(error.strerror if isinstance(error, OSError) else None) or error}"
    return Mistake(UNREADABLE.code, why, line, column, line, column)


def read(path: str) -> tuple[bytes, os.stat_result]:
    """Return the bytes of a file, and its status from before they were read. Raises OSError."""
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        return file.read(), status
