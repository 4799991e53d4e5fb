"""What is never junk, however old it looks: where temporary files go, where people live, and where roots are."""

from __future__ import annotations

import os
import sys

from scratchwork.roots import registry
from scratchwork.system import tempdirs
from scratchwork.system.paths import stations


def precious() -> dict[tuple[int, int], str]:
    """Return by device and inode what must not go, and what each is there for: "the temp folder", ...

    With each folder goes all that it lies in, and the symlinks that lead to it.
    """
    found: dict[tuple[int, int], str] = {}
    for what, paths in _places().items():
        for path in paths:
            for identity in stations(path):
                found.setdefault(identity, what)
    return found


def _places() -> dict[str, list[str]]:
    try:
        here = [tempdirs.tempdir()]  # also where the program has set tempfile.tempdir
    except FileNotFoundError:
        here = []
    return {
        "the temp folder": [*here, *tempdirs.places()],
        "a home": [os.path.expanduser("~"), *_home_of_user()],
        "where programs keep their state": [registry.state_folder()],
        "a root of scratchwork": registry.registered(),
    }


def _home_of_user() -> list[str]:
    """Return our home by the list of users, which HOME may say nothing of, as under sudo."""
    if sys.platform == "win32":
        return []
    import pwd

    try:
        return [pwd.getpwuid(os.getuid()).pw_dir]
    except KeyError:
        return []
