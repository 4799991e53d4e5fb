"""Where the temp folder is, without importing `tempfile`."""

from __future__ import annotations

import os
import sys

_VARIABLES = ("TMPDIR", "TEMP", "TMP")
_FALLBACKS = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108 - the list that tempfile uses


def tempdir() -> str:
    """Return the absolute path of the temp folder, by the rules of `tempfile.gettempdir()`.

    That is `tempfile.tempdir` where the program has set it, else the first of TMPDIR, TEMP, TMP, /tmp, /var/tmp,
    /usr/tmp and the current directory that exists and may be written to. Raises FileNotFoundError if none may.
    """
    module = sys.modules.get("tempfile")
    chosen = getattr(module, "tempdir", None)
    if chosen:
        return os.path.abspath(os.fsdecode(chosen))
    for candidate in _candidates():
        path = os.path.abspath(candidate)
        if os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK):
            return path
    raise FileNotFoundError(2, "no temp folder can be written to; set TMPDIR", os.getcwd())


def _candidates() -> list[str]:
    named = [value for variable in _VARIABLES if (value := os.environ.get(variable))]
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return [*named, *([os.path.join(local, "Temp")] if local else []), os.curdir]
    return [*named, *_FALLBACKS, os.curdir]
