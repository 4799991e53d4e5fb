"""Writing what a program has, in whatever shape, into an open file."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_AT_ONCE = 2**20  # bytes or characters
_JSON = (dict, list, tuple, int, float, bool, type(None))


def pour(source: Any, write: Callable[[Any], object]) -> None:
    """Write what is left to read in a file."""
    for chunk in _read(source):
        write(chunk)


def chunks_of(data: Any, *, as_json: bool) -> Iterator[Any]:
    """Return data in chunks that can be written: bytes, or str, or, of what a file or an iterable gives, what comes.

    `as_json`: a dict, list, tuple, number, bool or None is one document. Raises TypeError for what is no data, and for
    what JSON can't say, ValueError.
    """
    if isinstance(data, str) or _is_buffer(data):
        return iter((data,))
    if as_json and isinstance(data, _JSON):
        import json

        return json.JSONEncoder(allow_nan=False).iterencode(data)
    if isinstance(data, os.PathLike):
        raise TypeError(f"{data!r} is a path already: give that on, or an open file")
    if hasattr(data, "read"):
        return _read(data)
    if hasattr(data, "__iter__") and not hasattr(data, "keys"):
        return iter(data)
    raise TypeError(
        f"an object of type {type(data).__name__} can't be handed off: it is no bytes, str, open file or iterable of "
        "chunks, and only with a suffix of .json is a document of JSON made of it"
    )


def _is_buffer(data: Any) -> bool:
    """Whether something is bytes, or an array and the like."""
    try:
        memoryview(data)
    except TypeError:
        return False
    return True


def _read(source: Any) -> Iterator[Any]:
    while chunk := source.read(_AT_ONCE):
        yield chunk
    if chunk is None:  # io.RawIOBase.read: there is nothing yet
        raise BlockingIOError(errno.EAGAIN, "it does not block, and not all of it is there yet; make it block", source)
