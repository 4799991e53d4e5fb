"""Mending a file, so that nothing else about it changes; or only saying how it would look."""

from __future__ import annotations

import os
import sys

from scratchwork.advice.lint.cache import stamp_of
from scratchwork.advice.lint.fixing import mend
from scratchwork.advice.lint.reading import decode, look_at_text, read
from scratchwork.errors import ScratchError
from scratchwork.files.atomic import atomic_write
from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scratchwork.advice.lint.mistakes import Mistake
    from scratchwork.advice.lint.reading import Source

    Choose = Callable[[Sequence[Mistake]], list[Mistake]]


class Mended(Fact):
    """The text of a file before and after, and the mistakes that are left in it."""

    __slots__ = ("after", "before", "left")

    def __init__(self, before: str, after: str, left: Sequence[Mistake]) -> None:
        self.before = before
        self.after = after
        self.left = left


class NotMended(Exception):
    """Why a file stays as it is."""


def mend_source(source: Source, choose: Choose) -> Mended:
    """Mend a text and write nothing; `choose` picks the mistakes that are wanted out of all. Raises SyntaxError."""

    def find(text: str) -> list[Mistake]:
        return choose(look_at_text(text.replace("\r\n", "\n").replace("\r", "\n")))

    after, left = mend(source.text, find)
    return Mended(source.text, after, left)


def mend_file(path: str, choose: Choose, *, write: bool) -> Mended:
    """Mend a file and, if it is to be written, replace it in one step. Raises NotMended; then it is as it was.

    Mode, owner, extended attributes, encoding, byte order mark and line endings stay, and a symlink goes on leading
    there. A file that somebody changed meanwhile is left alone. Another hard link to it keeps the old content.
    """
    try:
        path = os.path.realpath(path)
        data, status = read(path)
        source = decode(data)
        mended = mend_source(source, choose)
        if write and mended.after != mended.before:
            _replace(path, status, source.encode(mended.after))
    except ScratchError as error:
        raise NotMended(str(error)) from error
    except OSError as error:
        raise NotMended(error.strerror or str(error)) from error
    except UnicodeEncodeError as error:
        raise NotMended(f"its encoding, {error.encoding}, lacks what the fix needs") from error
    except (SyntaxError, UnicodeDecodeError) as error:
        raise NotMended(f"it can't be parsed any more: {error}") from error
    return mended


def _replace(path: str, status: os.stat_result, data: bytes) -> None:
    if not os.access(path, os.W_OK):
        raise NotMended("it is read-only")
    with atomic_write(path, "wb", inherit=sys.platform == "linux") as file:
        file.write(data)
        if stamp_of(os.stat(path)) != stamp_of(status):
            raise NotMended("somebody changed it meanwhile")
