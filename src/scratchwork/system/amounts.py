"""Amounts as people write them: '2 GB', '512MiB', '12h'."""

from __future__ import annotations

import re

MOST_BYTES = 2**63 - 1

_UNITS = ("", "k", "m", "g", "t", "p", "e")
_BYTES = {
    # As GNU's tools have it: 2GB is 2 * 1000**3, 2G and 2GiB are 2 * 1024**3.
    **{unit: 1024**power for power, unit in enumerate(_UNITS)},
    **{unit + "b": 1000**power for power, unit in enumerate(_UNITS)},
    **{unit + "ib": 1024**power for power, unit in enumerate(_UNITS) if unit},
    "byte": 1,
    "bytes": 1,
}
_SECONDS = {
    "": 1,
    "s": 1,
    "sec": 1,
    "second": 1,
    "seconds": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "minutes": 60,
    "h": 3600,
    "hour": 3600,
    "hours": 3600,
    "d": 86400,
    "day": 86400,
    "days": 86400,
    "w": 7 * 86400,
    "week": 7 * 86400,
    "weeks": 7 * 86400,
}
_AMOUNT = re.compile(r"\s*([+-]?)(\d+(?:_\d+)*)(?:\.(\d+))?\s*([a-zA-Z]*)\s*", re.ASCII)
_MOST_DIGITS = 40


def bytes_of(amount: int | str) -> int:
    """Return a number of bytes: an int, or text such as '2_000_000', '1.5 GB' (powers of 1000), '2GiB', '2G' (1024).

    Part of a byte is cut off. Raises ValueError for what is negative, has an unknown unit, or is 2**63 or more, and
    TypeError for what is no int and no str.
    """
    return _whole(amount, _BYTES, "a number of bytes, such as '2 GB' (powers of 1000) or '512MiB' (of 1024)")


def seconds_of(amount: int | str) -> int:
    """Return a number of seconds: an int, or text such as '90', '45m', '12h', '1.5 days'.

    Raises as `bytes_of` does.
    """
    return _whole(amount, _SECONDS, "a time span, such as '45m', '12h' or '3 days'")


def count_of(amount: int | str) -> int:
    """Return a number of things: an int, or text such as '100_000'. Raises as `bytes_of` does."""
    return _whole(amount, {"": 1}, "a whole number, such as 100_000")


def _whole(amount: int | str, units: dict[str, int], what: str) -> int:
    if isinstance(amount, bool) or not isinstance(amount, int | str):
        raise TypeError(f"{what} is an int or a str, not {amount!r}")
    if isinstance(amount, int):
        value = amount
        negative = amount < 0
    else:
        found = _AMOUNT.fullmatch(amount) if len(amount) <= _MOST_DIGITS else None
        unit = units.get(found[4].lower()) if found else None
        if found is None or unit is None or (found[3] and unit == 1):
            raise ValueError(f"{amount[:_MOST_DIGITS]!r} is not {what}")
        fraction = found[3] or ""
        value = int(found[2] + fraction) * unit // 10 ** len(fraction)
        negative = found[1] == "-"
    if negative:
        raise ValueError(f"{amount!r} is negative, and not {what}")
    if value > MOST_BYTES:
        raise ValueError(f"{amount!r} is too much: at most 2**63 - 1")
    return value
