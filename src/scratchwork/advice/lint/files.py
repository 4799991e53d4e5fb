"""Which files are looked at."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase

from scratchwork.advice.lint.patterns import matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NEVER_WALKED = (
    ".eggs", ".git", ".hg", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv",
    "__pycache__", "__pypackages__", "build", "dist", "node_modules", "site-packages", "venv",
)  # fmt: skip
"""Folders that hold what others wrote or what tools made. So does any virtual environment, whatever it is called."""


def find_files(
    paths: Iterable[str], exclude: Sequence[str] = (), folder: str = os.curdir, *, force: bool = False
) -> Iterator[str]:
    """Give the files to look at, each once: what is named, whatever it is called, and *.py below named directories.

    `exclude`: patterns of what is left out of the walk, besides NEVER_WALKED, relative to `folder`. What is named
    itself is always looked at, unless `force` says that `exclude` is for that, too. No symlink to a directory is
    followed. A folder that can't be read is given itself, so that whoever looks at it learns why.
    """
    folder = os.path.abspath(folder)
    seen = set()
    for named in paths:
        if force and matches(named, exclude, folder):
            continue
        for path in _walk(named, exclude, folder) if os.path.isdir(named) else [named]:
            real = os.path.abspath(path)
            if real not in seen:
                seen.add(real)
                yield path


def _walk(top: str, exclude: Sequence[str], folder: str) -> Iterator[str]:
    try:
        with os.scandir(top) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        yield top
        return
    for entry in entries:
        path = entry.name if top == os.curdir else os.path.join(top, entry.name)
        is_folder = entry.is_dir(follow_symlinks=False)
        is_source = not is_folder and fnmatchcase(entry.name, "*.py") and _is_file(entry)
        if not (is_folder or is_source) or (is_folder and _is_others(entry)):
            continue
        if exclude and matches(path, exclude, folder):
            continue
        if is_folder:
            yield from _walk(path, exclude, folder)
        else:
            yield path


def _is_others(entry: os.DirEntry[str]) -> bool:
    """Whether a folder is not to be walked: by its name, or since it is a virtual environment."""
    return entry.name in NEVER_WALKED or os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file or a symlink to one; a broken symlink counts, since its reader says what is wrong."""
    return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))
