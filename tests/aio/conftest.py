"""What the tests of the async form share: both event loops, and a look at what is left."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scratchwork import tempfile
from scratchwork.roots import default

_OF_A_ROOT = {"root.conf", "root.quota", "ledger.jsonl"}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run each test marked `anyio` on both."""
    backend: str = request.param
    return backend


@pytest.fixture(autouse=True)
def _own_temp(temp: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_found", None)
    yield
    await_background()


def await_background() -> None:
    """Wait until all that is removed in the background is gone."""
    for thread in threading.enumerate():
        if thread.name == "scratchwork-cleanup":
            thread.join()


@pytest.fixture
def left(temp: Path) -> Callable[[], list[str]]:
    """Give a function that returns what lies in the temp folder, or is open there, once our threads are done."""

    def look() -> list[str]:
        gc.collect()
        await_background()
        for standing in default._standing.values():  # what a process has for hand-offs, until it exits
            assert os.listdir(standing) == []
            standing.close()
        lying = [str(path) for path in temp.rglob("*") if path.name not in _OF_A_ROOT and path.parent != temp]
        lying += [str(path) for path in temp.iterdir() if not path.name.startswith("scratch-")]
        return lying + _open_below(temp)

    return look


def _open_below(folder: Path) -> list[str]:
    found = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue
        path = Path(target)
        if path.name in _OF_A_ROOT or path.parent == folder:
            continue
        if folder in path.parents or "memfd:scratchwork" in target:
            found.append(f"open: {target}")
    return found
