"""Where this user's roots are, so that they are found also when the temp folder is another one by then.

A file for each, in `scratchwork/roots` below XDG_STATE_HOME (by default ~/.local/state, XDG Base Directory
Specification), with the root's path in it. It is a hint and never trusted: what it names is looked at as any root is.
Where it can't be written, roots outside the temp folder must be named, as `--dir` does.
"""

from __future__ import annotations

import os
import time

from scratchwork.roots import labels

_FORGOTTEN_AFTER = 90 * 24 * 3600.0  # seconds: its disk may be away for a while
_MOST_BYTES = 8192


def register(path: str) -> None:
    """Remember a root that was made at `path`, unless it goes with the workspace that it lies in."""
    if any(labels.parse(part) is not None for part in os.path.dirname(path).split(os.sep)):
        return
    import hashlib

    folder = _folder()
    data = os.fsencode(path)
    name = os.path.join(folder, hashlib.sha256(data).hexdigest()[:32])
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError:
        return  # no home, or one that is full or read-only


def registered() -> list[str]:
    """Return the paths of the roots that are remembered and there; forget those that were gone for 90 days."""
    folder = _folder()
    found = []
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    for name in names:
        entry = os.path.join(folder, name)
        try:
            path = _read(entry)
            if os.path.isdir(path):
                found.append(path)
            elif time.time() - os.stat(entry).st_mtime > _FORGOTTEN_AFTER:
                os.unlink(entry)
        except OSError:
            continue
    return found


def state_folder() -> str:
    """Return the folder that all of this lies in, and what else this user's programs want to find again."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):  # the specification: a relative one is to be ignored
        state = os.path.join(os.path.expanduser("~"), ".local", "state")
    return state


def _read(entry: str) -> str:
    with open(entry, "rb") as file:
        return os.path.abspath(os.fsdecode(file.read(_MOST_BYTES).replace(b"\0", b"")))


def _folder() -> str:
    return os.path.join(state_folder(), "scratchwork", "roots")
