from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchwork.system import words


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_500, "1.5 kB"),
        (999_499, "999.5 kB"),
        (999_500, "1.0 MB"),
        (12_345_678, "12.3 MB"),
        (5 * 10**9, "5.0 GB"),
        (5 * 10**12, "5.0 TB"),
        (5 * 10**15, "5.0 PB"),
        (5 * 10**18, "5000.0 PB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-5, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (86399, "23h"),
        (86400 * 400, "400d"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (12345, "12,345 files")])
def test_plurals(count: int, text: str) -> None:
    assert words.plural(count, "file") == text


@given(st.text())
def test_what_is_printable_is_as_long_and_does_nothing(text: str) -> None:
    printable = words.printable(text)
    assert len(printable) == len(text)
    assert printable.isprintable()
    assert not text.isprintable() or printable == text
