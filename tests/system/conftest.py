"""Where trees are tried: on a tmpfs and on a disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(params=["memory", "disk"])
def place(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A directory on a tmpfs, and one on a disk."""
    if request.param == "memory" and not os.path.isdir("/dev/shm"):
        pytest.skip("no /dev/shm here")
    path = Path(tempfile.mkdtemp(prefix="trees-", dir="/dev/shm" if request.param == "memory" else None))
    yield path
    path.chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def tree(place: Path) -> Path:
    path = place / "tree"
    path.mkdir()
    return path
