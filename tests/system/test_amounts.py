"""Amounts as people write them."""

from __future__ import annotations

import pytest

from scratchwork.system.amounts import MOST_BYTES, bytes_of, count_of, seconds_of


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2 GB", 2_000_000_000),
        ("2GiB", 2**31),
        ("2G", 2**31),
        ("2_000_000", 2_000_000),
        ("2000000", 2_000_000),
        ("0", 0),
        ("1.5 MB", 1_500_000),
        ("0.5KiB", 512),
        (" 7 kb ", 7000),
        ("+3b", 3),
        ("1.9999 kB", 1999),
        ("12 bytes", 12),
        (0, 0),
        (5, 5),
        (MOST_BYTES, MOST_BYTES),
    ],
)
def test_bytes(text: int | str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize(
    "text",
    ["-1", -1, "2 parsecs", "", "GB", "1.5", "1,5 GB", "0x10", "nan", "inf", "1e9", "٣", "2 G B", "8 EiB", 2**63, "_1"],
)
def test_no_bytes(text: int | str) -> None:
    with pytest.raises(ValueError, match=r"number of bytes|negative|too much"):
        bytes_of(text)


def test_text_of_any_length_is_refused_shortly() -> None:
    with pytest.raises(ValueError) as caught:
        bytes_of("9" * 10_000_000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("amount", [True, 1.5, None, b"1"])
def test_no_amount_at_all(amount: object) -> None:
    with pytest.raises(TypeError, match="an int or a str"):
        bytes_of(amount)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "seconds"), [("12h", 43200), ("45m", 2700), ("1.5 days", 129600), ("90", 90)])
def test_spans(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


def test_counts_have_no_unit() -> None:
    assert count_of("100_000") == 100_000
    with pytest.raises(ValueError, match="whole number"):
        count_of("7 GB")
