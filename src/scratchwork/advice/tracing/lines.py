r"""The record of a trace: one file, to which all processes append, a line at a time.

A line begins with a line break and ends with the character 0x1E, so that one that was cut short (a kill, a full disk)
spoils no other. Its fields are separated by tabs; a backslash stands before 'n', 't', 'e' and itself where a field
contains a line break, a tab, an 0x1E or a backslash. Paths are the bytes that the file system has.

| fields | what |
| --- | --- |
| P pid, pid that it was forked from or 0, version, executable, folder of the standard library | a process records |
| A path, path | the first, of a folder of temporary files, is another name of the second |
| X pid, version, executable | a Python that is too old to record |
| S number, and then file, line, function of each frame | a stack, the innermost frame first |
| M pid, number of the stack, kind, path | something is about to be made; of an anonymous file it is the folder's path |
| R path, bytes | a name is about to be removed |
| V source, target, bytes, bytes of what is replaced | a name is about to change within temp space |
| O source, target, bytes, bytes of what is replaced | the same, out of it |

Bytes are what is allocated, as `du` counts; -1: there is no such thing.
"""

from __future__ import annotations

import sys

RECORD = "record"
MARK = "complete"
"""A file that there is as long as no line is known to be lost."""
EXTRA_SPACES = "spaces"
"""A file with the folders that count as temp space besides the usual ones, each followed by a null byte."""
VARIABLE = "SCRATCH_TRACE"
"""The environment variable that leads to the folder with these files."""

_ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\x1e", "\\e"))
_ENCODING, _ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
_END = b"\t\x1e"


def line(*fields: str) -> bytes:
    """Return a line with these fields."""
    text = "\t".join(fields)
    if "\\" in text or "\n" in text or "\x1e" in text or text.count("\t") >= len(fields):
        text = "\t".join([_escaped(field) for field in fields])
    try:
        return b"\n" + text.encode(_ENCODING, _ERRORS) + _END
    except UnicodeEncodeError:  # a source file's or a function's name that can be no file's name here
        return line(*[field.encode("ascii", "backslashreplace").decode("ascii") for field in fields])


def fields_of(line: bytes) -> list[bytes]:
    """Return the fields of a line, given without its line break; none if it was cut short."""
    if not line.endswith(_END):
        return []
    fields = line[: -len(_END)].split(b"\t")
    return [_plain(field) if b"\\" in field else field for field in fields]


def _escaped(field: str) -> str:
    for plain, escaped in _ESCAPES:
        field = field.replace(plain, escaped)
    return field


def _plain(field: bytes) -> bytes:
    parts = field.split(b"\\\\")
    for plain, escaped in _ESCAPES[1:]:
        parts = [part.replace(escaped.encode(), plain.encode()) for part in parts]
    return b"\\".join(parts)
