"""What `scratch run` is to run, and how."""

from __future__ import annotations

import os

from scratchwork.roots.labels import MOST_CHARACTERS
from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from scratchwork.roots.records import Keep

    Orphans = Literal["end", "wait"]


class Job(Fact):
    """What to run, and how.

    `grace` in seconds; see `Supervisor` for it, for `orphans` and for `file_size`. `quota` and `reserve` in bytes. See
    `Root.workspace` for `reserve` and `Placement` for the rest of the placement. `publish`: (file in the workspace,
    destination) of results, which are published if the command succeeds.
    """

    __slots__ = (
        "app",
        "arguments",
        "candidates",
        "cwd",
        "directory",
        "enforce",
        "file_size",
        "grace",
        "json",
        "keep",
        "label",
        "max_files",
        "orphans",
        "place",
        "publish",
        "quota",
        "reserve",
        "reserve_files",
    )

    def __init__(
        self,
        arguments: list[str],
        *,
        label: str = "",
        keep: Keep = "never",
        app: str = "default",
        directory: str | None = None,
        cwd: bool = False,
        orphans: Orphans = "end",
        grace: float = 5.0,
        json: bool = False,
        quota: int | None = None,
        max_files: int | None = None,
        enforce: Literal["watched", "kernel"] = "watched",
        file_size: int | None = None,
        reserve: int | None = None,
        reserve_files: int | None = None,
        place: str = "",
        candidates: Sequence[str] = (),
        publish: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.arguments = arguments
        self.label = label or _label_of(arguments[0])
        self.keep: Keep = keep
        self.app = app
        self.directory = directory
        self.cwd = cwd
        self.orphans: Orphans = orphans
        self.grace = grace
        self.json = json
        self.quota = quota
        self.max_files = max_files
        self.enforce = enforce
        self.file_size = file_size
        self.reserve = reserve
        self.reserve_files = reserve_files
        self.place = place
        self.candidates = tuple(candidates)
        self.publish = tuple((source, os.path.abspath(destination)) for source, destination in publish)

    @property
    def is_placed(self) -> bool:
        """Whether anything is asked of the place."""
        return bool(self.place or self.candidates) or self.reserve is not None or self.reserve_files is not None

    @property
    def is_limited(self) -> bool:
        """Whether it has a quota."""
        return self.quota is not None or self.max_files is not None


def _label_of(program: str) -> str:
    label = os.path.basename(program)
    return label if label.isprintable() and 0 < len(label) <= MOST_CHARACTERS else "job"
