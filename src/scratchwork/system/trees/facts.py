"""What is told of a tree that was measured or removed."""

from __future__ import annotations

import os

from scratchwork.system.facts import Fact


class Usage(Fact):
    """What a tree takes.

    `files`: everything in it but directories. `directories`: those inside it, without itself. `bytes`: what is
    allocated on the device, as `du` counts it, a file with several links once. `length`: the lengths of its regular
    files together, as `du --apparent-size` counts them, holes included; only where a tree is measured, not removed.
    `shut`: the path in the tree of a directory of ours whose mode keeps us out, so that what is in it is not counted.
    """

    __slots__ = ("bytes", "directories", "files", "length", "shut")

    def __init__(
        self,
        files: int = 0,
        directories: int = 0,
        bytes: int = 0,  # noqa: A002 - the ledger's word
        length: int = 0,
        shut: str = "",
    ) -> None:
        self.files = files
        self.directories = directories
        self.bytes = bytes
        self.length = length
        self.shut = shut

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.files + other.files,
            self.directories + other.directories,
            self.bytes + other.bytes,
            self.length + other.length,
            self.shut or other.shut,
        )


def allocated(status: os.stat_result) -> int:
    """Return the bytes that are allocated for a file, as `du` counts; Windows tells none, so its length there."""
    blocks: int = getattr(status, "st_blocks", (status.st_size + 511) // 512)
    return blocks * 512


class Failure(Fact):
    """What could not be removed, by its path within the tree ('' is the tree itself), why, and the error's number."""

    __slots__ = ("errno", "path", "reason")

    def __init__(self, path: str, reason: str, errno: int = 0) -> None:
        self.path = path
        self.reason = reason
        self.errno = errno

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


class Removal(Fact):
    """How a removal went.

    `usage` counts what is gone. `failures` holds the first `MOST_FAILURES` things that could not be removed. The
    tree is gone, and its name free, only if `complete`; `ran_out_of_time` tells a deadline from a failure.
    """

    MOST_FAILURES = 100

    __slots__ = ("complete", "failures", "ran_out_of_time", "usage")

    def __init__(self) -> None:
        self.usage = Usage()
        self.failures: list[Failure] = []
        self.complete = False
        self.ran_out_of_time = False

    def failed(self, path: str, error: OSError, reason: str = "") -> None:
        """Note one more thing that could not be removed."""
        if len(self.failures) < self.MOST_FAILURES:
            self.failures.append(Failure(path, reason or error.strerror or str(error), error.errno or 0))
