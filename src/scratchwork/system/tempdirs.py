"""Where the temp folder is, by the rules of the standard library's `tempfile`, without importing it."""

from __future__ import annotations

import os
import sys

_VARIABLES = ("TMPDIR", "TEMP", "TMP")
_FALLBACKS = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108 - the list that tempfile uses
_WINDOWS_FALLBACKS = (r"~\AppData\Local\Temp", r"%SYSTEMROOT%\Temp", r"c:\temp", r"c:\tmp", r"\temp", r"\tmp")


def candidates() -> list[str]:
    """Return the folders that may be the temp folder, the best first: named in the environment, usual, current."""
    found = [value for variable in _VARIABLES if (value := os.environ.get(variable))]
    if sys.platform == "win32":
        found += [os.path.expandvars(os.path.expanduser(path)) for path in _WINDOWS_FALLBACKS]
    else:
        found += _FALLBACKS
    try:
        found.append(os.getcwd())
    except OSError:  # it was removed
        found.append(os.curdir)
    return found


def tempdir() -> str:
    """Return the absolute path of the temp folder, as `tempfile.gettempdir()` does.

    That is `tempfile.tempdir` where the program has set it, else the first of `candidates` that exists and may be
    written to. Raises FileNotFoundError if none may.
    """
    module = sys.modules.get("tempfile")
    chosen = getattr(module, "tempdir", None)
    if chosen:
        return os.path.abspath(os.fsdecode(chosen))
    for candidate in candidates():
        path = os.path.abspath(candidate)
        if os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK):
            return path
    raise FileNotFoundError(2, "no temp folder can be written to; set TMPDIR", os.curdir)
