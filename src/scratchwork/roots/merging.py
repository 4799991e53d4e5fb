"""Making one file of many, in their order."""

from __future__ import annotations

import os

from scratchwork.files.pouring import pour
from scratchwork.roots.quota import open_in
from scratchwork.system import names
from scratchwork.system.paths import within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

    Part = str | os.PathLike[str] | IO[bytes]


def merge(tree: str, parts: Iterable[Part], into: str | os.PathLike[str]) -> str:
    """Write the content of all parts into a file in a tree, and return its path. See `Workspace.merge`."""
    path = within(tree, into)
    if isinstance(parts, (str, bytes, os.PathLike)):
        raise TypeError(f"the parts are several files, not {parts!r}")
    draft = os.path.join(os.path.dirname(path), f".{names.draw()}.part")
    try:
        with open_in(tree, draft, "xb") as target:
            for part in parts:
                if isinstance(part, (str, os.PathLike)):
                    with open(os.path.join(tree, part), "rb", buffering=0) as source:
                        pour(source, target.write)
                else:
                    part.seek(0)
                    pour(part, target.write)
        os.replace(draft, path)
    except BaseException:
        try:
            os.unlink(draft)
        except FileNotFoundError:
            pass  # it could not even be made
        raise
    return path
