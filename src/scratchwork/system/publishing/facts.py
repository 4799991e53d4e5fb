"""How something is to be published."""

from __future__ import annotations

from scratchwork.system.facts import Fact


class Terms(Fact):
    """What a caller asked for: see `publish`."""

    __slots__ = ("durable", "inherit", "mode", "overwrite")

    def __init__(self, *, overwrite: bool, durable: bool, mode: int | None, inherit: bool) -> None:
        self.overwrite = overwrite
        self.durable = durable
        self.mode = None if mode is None else mode & 0o7777  # as chmod(2) does
        self.inherit = inherit
