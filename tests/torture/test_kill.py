"""The kill test: creators, sweepers and random SIGKILL at once. Nothing alive is lost; nothing dead is left."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import actors
from .arena import Arena

_SECONDS = float(os.environ.get("SCRATCHWORK_TORTURE_SECONDS", "30"))
_WORKSPACES = 20_000
_CONTROL_SECONDS = 300.0


@pytest.fixture
def parent() -> Iterator[Path]:
    """A directory on a tmpfs where there is one: faster file systems make for more races."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="scratchwork-torture-", dir=memory))
    yield path
    shutil.rmtree(path)


@pytest.mark.timeout(0)
def test_nothing_alive_is_lost_and_nothing_dead_is_left(parent: Path) -> None:
    tally = Arena(parent).run(seconds=_SECONDS, workspaces=_WORKSPACES)
    print(tally)
    assert tally.made >= _WORKSPACES
    assert tally.kills > 0
    assert tally.lost == 0
    assert tally.refused == 0
    assert tally.left == 0


@pytest.mark.timeout(0)
def test_control_without_the_link_count_check_workspaces_are_lost(parent: Path) -> None:
    tally = Arena(parent, actors.WITHOUT_CHECK).run(
        seconds=0, workspaces=1_000_000_000, stop_at_loss=True, at_most=_CONTROL_SECONDS
    )
    print(tally)
    assert tally.lost > 0
