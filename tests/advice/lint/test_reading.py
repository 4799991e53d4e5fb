"""What the bytes of a source file say, and what is said of those that say nothing."""

from __future__ import annotations

import codecs
import warnings

import pytest

from scratchwork.advice.lint.reading import decode, look_at

pytestmark = pytest.mark.usefixtures("sample_rules")
CALL = "x = 'é', tempfile.mktemp()"


@pytest.mark.parametrize(
    "data",
    [
        CALL.encode(),
        codecs.BOM_UTF8 + CALL.encode(),
        b"# coding: latin-1\n" + CALL.encode("latin-1"),
        b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\r\n" + CALL.encode("cp1252"),
        b"y = 1\r\n" + CALL.encode() + b"\r\n",
        b"y = 1\r" + CALL.encode() + b"\r",
    ],
)
def test_encodings_and_line_endings(data: bytes) -> None:
    (mistake,) = look_at(data)
    assert (mistake.code, mistake.column, mistake.end_column) == ("SCR301", 9, 26)
    source = decode(data)
    assert source.encode(source.text) == data
    assert "\r" not in source.normal


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"x = 1\ndef (:\n", 2, "can't be parsed: invalid syntax"),
        (b"x = 1\n'\xff'\n", 2, "can't be decoded as utf-8: invalid start byte; name its encoding"),
        (b"# coding: martian\n", 1, "can't be parsed: unknown encoding: martian"),
        (b"x = '\0'\n", 1, "can't be parsed: source code "),
        (b"x = " + b"(" * 10_000 + b")" * 10_000, 1, "can't be parsed: "),
        (b"x = " + b"-" * 100_000 + b"1", 1, "can't be parsed: "),
    ],
)
def test_what_can_not_be_looked_at(data: bytes, line: int, message: str) -> None:
    (mistake,) = look_at(data)
    assert mistake.code == "SCR001"
    assert mistake.message.startswith(message)
    assert mistake.line == line or "coding" in message or "parsed: " in message
    assert "\n" not in mistake.message


def test_what_the_compiler_warns_of_is_not_shown() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert look_at(b"x = '\\d' is 1\n") == []
