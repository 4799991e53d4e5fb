"""What all tests share: a temp folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scratchwork import Root
from scratchwork.roots import default, installing


@pytest.fixture(scope="session", autouse=True)
def state_home() -> Iterator[Path]:
    """A place for what outlives a root, so that no test writes into the home of whoever runs it, or reads it."""
    path = Path(tempfile.mkdtemp(prefix="s-"))
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(path)
    yield path
    os.environ.pop("XDG_STATE_HOME")
    if before is not None:
        os.environ["XDG_STATE_HOME"] = before
    shutil.rmtree(path)


@pytest.fixture(autouse=True)
def _forget_roots(state_home: Path) -> Iterator[None]:
    """Let no test see the roots of another."""
    yield
    shutil.rmtree(state_home / "scratchwork", ignore_errors=True)


@pytest.fixture
def temp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temp folder of this test's own, in the environment and for tempfile, with a short path."""
    path = Path(tempfile.mkdtemp(prefix="t-"))
    for variable in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(variable, str(path))
    for variable in ("KEEP_TEMP", "SCRATCH_WORKSPACE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(default, "_open", {})
    monkeypatch.setattr(default, "_standing", {})
    monkeypatch.setattr(installing, "_installed", [])
    yield path
    for standing in default._standing.values():
        standing.close()
    shutil.rmtree(path)


@pytest.fixture(params=["directory", "file"])
def root(request: pytest.FixtureRequest, temp: Path) -> Root:
    """A root whose leases are of either kind."""
    if request.param == "file":
        path = Path(Root("app").path)
        (path / "root.conf").write_text("lease=file\n")
    return Root("app")


@pytest.fixture
def mounted() -> Iterator[Callable[..., Path]]:
    """Give a function that mounts something until the test ends: the directory, and mount(8)'s arguments before it."""
    points: list[Path] = []

    def mount(point: Path, *arguments: str) -> Path:
        point.mkdir(exist_ok=True)
        done = subprocess.run(["mount", *arguments, str(point)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"can't mount here: {done.stderr}")
        points.append(point)
        return point

    yield mount
    for point in reversed(points):
        subprocess.run(["umount", str(point)], check=True)


@pytest.fixture
def tmpfs(mounted: Callable[..., Path]) -> Callable[[Path, str], Path]:
    """Give a function that mounts a tmpfs with some options on a directory until the test ends."""
    return lambda point, options: mounted(point, "-t", "tmpfs", "-o", options, "none")
