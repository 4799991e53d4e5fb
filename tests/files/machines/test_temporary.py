"""TemporaryFile beside the original's, bytes and text."""

from __future__ import annotations

import os
import tempfile as originals
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from scratchwork import tempfile

from .sides import BUFFERINGS, MODES, TEXT_MODES, BytesPair, Draw, Pair, TextPair, run, text_arguments


class Temporary(Pair):
    """What holds for a file without a name, of bytes or of text."""

    def make_temporary(self, **arguments: Any) -> None:
        self.original = originals.TemporaryFile(dir=self.place, **arguments)
        self.ours = tempfile.TemporaryFile(dir=self.place, **arguments)

    @invariant()
    def has_no_name(self) -> None:
        assert os.listdir(self.place) == []
        self.same(lambda file: (file.mode, os.fstat(file.fileno()).st_mode))
        assert isinstance(self.ours, type(self.original))
        assert self.ours.name == self.ours.fileno()


class TemporaryBytes(BytesPair, Temporary):
    def make(self, draw: Draw) -> None:
        self.make_temporary(mode=draw(MODES), buffering=draw(BUFFERINGS))


class TemporaryUnbuffered(BytesPair, Temporary):
    def make(self, draw: Draw) -> None:
        self.make_temporary(mode=draw(MODES), buffering=0)


class TemporaryText(TextPair, Temporary):
    def make(self, draw: Draw) -> None:
        self.told = []
        self.make_temporary(mode=draw(TEXT_MODES), **text_arguments(draw))

    @rule(newline=st.sampled_from([None, "", "\n"]))
    def reconfigure(self, newline: str | None) -> None:
        self.same(lambda file: file.reconfigure(newline=newline))


@pytest.mark.parametrize("machine", [TemporaryBytes, TemporaryUnbuffered, TemporaryText])
def test_a_temporary_file_does_what_the_originals_does(temp: Path, machine: Callable[[str], Temporary]) -> None:
    run(lambda: machine(str(temp)), examples=50)
    assert os.listdir(temp) == []
