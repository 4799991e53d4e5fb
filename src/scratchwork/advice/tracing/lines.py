r"""The record of a trace: one file, to which all processes append, a line at a time.

A line begins with a line break and ends with the character 0x1E, so that one that was cut short (a kill, a full disk)
spoils no other. Its fields are separated by tabs; a backslash stands before 'n', 't', 'e' and itself where a field
contains a line break, a tab, an 0x1E or a backslash. Paths are the bytes that the file system has.

| fields | what |
| --- | --- |
| P pid, pid that it was forked from or 0, version, executable, folder of the standard library | a process records |
| X pid, version, executable | a Python that is too old to record |
| S number, and then file, line, function of each frame | a stack, the innermost frame first |
| M pid, number of the stack, kind, path | something is about to be made; of an anonymous file it is the folder's path |
| R path, bytes | a name is about to be removed |
| V source, target, bytes, bytes of what is replaced | a name is about to change within temp space |
| O source, target, bytes, bytes of what is replaced | the same, out of it |

Bytes are what is allocated, as `du` counts; -1: there is no such thing.
"""

from __future__ import annotations

from os import fsencode

RECORD = "record"
MARK = "complete"
"""A file that there is as long as no line is known to be lost."""
EXTRA_SPACES = "spaces"
"""A file with the folders that count as temp space besides the usual ones, each followed by a null byte."""
VARIABLE = "SCRATCH_TRACE"
"""The environment variable that leads to the folder with these files."""

_ESCAPES = ((b"\\", b"\\\\"), (b"\n", b"\\n"), (b"\t", b"\\t"), (b"\x1e", b"\\e"))
_END = b"\t\x1e"


def line(*fields: object) -> bytes:
    """Return a line with these fields."""
    return b"\n" + b"\t".join([_field(str(field)) for field in fields]) + _END


def fields_of(line: bytes) -> list[bytes]:
    """Return the fields of a line, given without its line break; none if it was cut short."""
    if not line.endswith(_END):
        return []
    fields = line[: -len(_END)].split(b"\t")
    return [_plain(field) if b"\\" in field else field for field in fields]


def _field(text: str) -> bytes:
    try:
        field = fsencode(text)
    except UnicodeEncodeError:  # a file's or a function's name that is no name on this file system
        field = text.encode("utf-8", "backslashreplace")
    if b"\\" in field or b"\n" in field or b"\t" in field or b"\x1e" in field:
        for plain, escaped in _ESCAPES:
            field = field.replace(plain, escaped)
    return field


def _plain(field: bytes) -> bytes:
    parts = field.split(b"\\\\")
    for plain, escaped in _ESCAPES[1:]:
        parts = [part.replace(escaped, plain) for part in parts]
    return b"\\".join(parts)
