"""Runs creators and sweepers at once, kills them at random, and counts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from scratchwork import Root

from . import actors

CREATORS = 3
SWEEPERS = 2
_ACTORS = str(Path(actors.__file__))


@dataclass(frozen=True)
class Tally:
    """What a run came to. `left`: workspaces that one sweep after the last kill did not remove."""

    made: int
    lost: int
    refused: int
    kills: int
    left: int
    seconds: float


class Arena:
    """Creators and sweepers on one root; each that is killed is replaced."""

    def __init__(self, parent: Path, *flags: str) -> None:
        self._parent = parent
        self._flags = flags
        self._tallies = parent / "tallies"
        self._tallies.mkdir()
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._kills = 0
        self._random = random.Random(20261124)

    def run(self, *, seconds: float, workspaces: int, stop_at_loss: bool = False, at_most: float = 600.0) -> Tally:
        """Go on for so long and until so many workspaces were made, or something was lost, or `at_most` seconds."""
        start = time.monotonic()
        try:
            for role in [actors.CREATOR] * CREATORS + [actors.SWEEPER] * SWEEPERS:
                self._start(role)
            while True:
                self._kill_one()
                spent = time.monotonic() - start
                made, lost, _ = self._count()
                if (stop_at_loss and lost) or spent > at_most or (spent >= seconds and made >= workspaces):
                    break
        finally:
            for _, process in self._running:
                process.kill()
            for _, process in self._running:
                process.wait()
        root = Root("torture", dir=self._parent, sweep_first=False)
        root.sweep()
        made, lost, refused = self._count()
        left = len(root.workspaces())
        return Tally(made, lost, refused, self._kills, left, time.monotonic() - start)

    def _start(self, role: str) -> None:
        tally = self._tallies / f"{len(os.listdir(self._tallies))}-{role}"
        tally.touch()
        command = [sys.executable, _ACTORS, role, str(self._parent), str(tally), *self._flags]
        self._running.append((role, subprocess.Popen(command)))

    def _kill_one(self) -> None:
        """Kill an actor at a random moment, and put another into its place."""
        role, process = self._running.pop(self._random.randrange(len(self._running)))
        try:
            process.wait(self._random.uniform(0.05, 0.4))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, f"a {role} ended by itself"
        self._kills += 1
        self._start(role)

    def _count(self) -> tuple[int, int, int]:
        text = b"".join(path.read_bytes() for path in self._tallies.iterdir())
        return len(text), text.count(b"L"), text.count(b"X")
