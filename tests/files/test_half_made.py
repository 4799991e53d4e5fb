"""A constructor that fails half-way leaves nothing open and nothing in the temp folder."""

from __future__ import annotations

import gc
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scratchwork import tempfile
from scratchwork.files import anonymous, named

MAKERS: dict[str, Callable[..., Any]] = {
    "named": tempfile.NamedTemporaryFile,
    "anonymous": tempfile.TemporaryFile,
    "spooled": tempfile.SpooledTemporaryFile,
}


@pytest.fixture
def nothing_is_left(temp: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    gc.collect()
    before = os.listdir("/proc/self/fd")
    yield
    gc.collect()
    assert os.listdir("/proc/self/fd") == before
    assert os.listdir(temp) == []


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"mode": "w", "encoding": "no-such"}, LookupError),
        ({"mode": "w", "newline": "x"}, ValueError),
        ({"mode": "wb", "newline": ""}, ValueError),
        ({"buffering": 2**62}, MemoryError),
    ],
)
def test_bad_arguments(kind: str, options: dict[str, Any], error: type[Exception], nothing_is_left: None) -> None:
    with pytest.raises(error):
        MAKERS[kind](**options)


@pytest.mark.parametrize("mode", ["wr", "wbt", "q", ""])
def test_bad_modes(mode: str, nothing_is_left: None) -> None:
    for make in (tempfile.NamedTemporaryFile, tempfile.TemporaryFile):
        with pytest.raises(ValueError, match="mode"):
            make(mode)
        with pytest.raises(TypeError):
            make(2)  # type: ignore[call-overload]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError])
@pytest.mark.parametrize(
    ("make", "where", "what"),
    [
        (tempfile.NamedTemporaryFile, os, "fstat"),
        (tempfile.NamedTemporaryFile, named, "own"),
        (lambda: tempfile.NamedTemporaryFile("w", encoding="utf-8"), named, "own"),
        (tempfile.TemporaryFile, anonymous, "AnonymousRandom"),
        (tempfile.mkstemp, os, "fstat"),
        (tempfile.TemporaryDirectory, os, "lstat"),
        (tempfile.mkdtemp, os, "lstat"),
    ],
)
def test_an_error_in_between(
    make: Callable[[], object],
    where: Any,
    what: str,
    error: type[BaseException],
    nothing_is_left: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(where, what, fail)
        with pytest.raises(error):
            make()


def test_a_spool_that_can_not_roll_over_stays_in_memory(nothing_is_left: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.SpooledTemporaryFile(max_size=10) as spool:
        spool.write(b"12345")
        with monkeypatch.context() as patched:
            patched.setattr(tempfile, "tempdir", "/no/such/folder")
            with pytest.raises(FileNotFoundError):
                spool.rollover()
        assert spool.name is None
        spool.seek(0)
        assert spool.read() == b"12345"
        spool.rollover()
        spool.seek(0)
        assert spool.read() == b"12345"
    assert isinstance(spool, io.BufferedRandom)
