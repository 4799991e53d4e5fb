"""NamedTemporaryFile beside the original's, bytes and text, and whether its name is there, after every step."""

from __future__ import annotations

import os
import sys
import tempfile as originals
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant

from scratchwork import tempfile

from .sides import BUFFERINGS, MODES, TEXT_MODES, BytesPair, Draw, Pair, TextPair, run, text_arguments

HAS_DELETE_ON_CLOSE = sys.version_info >= (3, 12)


class Named(Pair):
    """What holds for the name, of a file of bytes or of text."""

    delete = True
    delete_on_close = True

    def make_named(self, draw: Draw, **arguments: Any) -> None:
        before = self.ours and self.ours.name
        self.drop()
        assert not before or not os.path.exists(before)
        self.delete, self.delete_on_close = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
        arguments |= {"dir": self.place, "prefix": draw(st.sampled_from([None, "p-"])), "suffix": ".s"}
        # Python 3.11's original has no delete_on_close: there, what our name does is compared with the manual alone.
        newer: dict[str, Any] = {"delete_on_close": self.delete_on_close} if HAS_DELETE_ON_CLOSE else {}
        self.original = originals.NamedTemporaryFile(delete=self.delete, **arguments, **newer)
        self.ours = tempfile.NamedTemporaryFile(delete=self.delete, delete_on_close=self.delete_on_close, **arguments)

    def drop(self) -> None:
        """Let go of both, which removes what was to be deleted but not on close; the rest is for the test to remove."""
        names = [file.name for file in (self.ours, self.original) if file is not None and not self.delete]
        self.ours = self.original = None
        for name in names:
            os.unlink(name)

    def teardown(self) -> None:
        super().teardown()
        self.drop()

    @invariant()
    def is_there_while_open(self) -> None:
        for file in (self.ours, self.original):
            found, there = os.fstat(file.fileno()), os.lstat(file.name)
            assert (found.st_ino, found.st_nlink, found.st_mode) == (there.st_ino, 1, 0o100600)
        self.same(lambda file: (os.path.dirname(file.name), os.path.splitext(file.name)[1], len(file.name)))
        self.same(lambda file: file.mode)

    def closed(self, *, by_with: bool) -> None:
        goes = self.delete and (self.delete_on_close or by_with)
        assert os.path.exists(self.ours.name) is not goes
        if HAS_DELETE_ON_CLOSE:
            assert os.path.exists(self.original.name) is not goes


class NamedBytes(BytesPair, Named):
    def make(self, draw: Draw) -> None:
        self.make_named(draw, mode=draw(MODES), buffering=draw(BUFFERINGS))


class NamedText(TextPair, Named):
    def make(self, draw: Draw) -> None:
        self.told = []
        self.make_named(draw, mode=draw(TEXT_MODES), **text_arguments(draw))


@pytest.mark.parametrize("machine", [NamedBytes, NamedText])
def test_a_named_file_does_what_the_originals_does(temp: Path, machine: Callable[[str], Named]) -> None:
    run(lambda: machine(str(temp)), examples=60)
    assert os.listdir(temp) == []
