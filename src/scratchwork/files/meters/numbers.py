"""What a meter says."""

from __future__ import annotations

from _struct import Struct

FORMAT = Struct("<qqqqqq")
"""Limits of bytes and of files, used bytes and files, whether somebody watches, how often it was counted anew."""
UNLIMITED = 2**63 - 1


class Numbers:
    """What a meter says."""

    __slots__ = ("files", "is_watched", "limit", "limit_files", "recounts", "used")

    def __init__(
        self, limit: int, limit_files: int, used: int = 0, files: int = 0, is_watched: int = 0, recounts: int = 0
    ) -> None:
        self.limit = limit
        self.limit_files = limit_files
        self.used = used
        self.files = files
        self.is_watched = is_watched
        self.recounts = recounts

    def text(self) -> bytes:
        """Return them as they are in the file."""
        return FORMAT.pack(self.limit, self.limit_files, self.used, self.files, self.is_watched, self.recounts)


def numbers_of(data: bytes) -> Numbers | None:
    """Return what is in the file; None if that is damaged."""
    return Numbers(*FORMAT.unpack(data)) if len(data) == FORMAT.size else None
