"""Files that can't be mended stay as they are, and say why."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from scratchwork.advice.lint.mending import NotMended, mend_file
from scratchwork.advice.lint.mistakes import Fix, Mistake

pytestmark = pytest.mark.usefixtures("sample_rules")
Write = Callable[..., Path]


def everything(found: Sequence[Mistake]) -> list[Mistake]:
    return list(found)


def test_what_is_mended_is_told(write: Write) -> None:
    path = write("a.py", "open(tempfile.mktemp())\n")
    mended = mend_file(str(path), everything, write=False)
    assert mended.after == path.read_text().replace("))", '), newline="")')
    assert [one.code for one in mended.left] == ["SCR301"]
    assert path.read_text() == mended.before, "nothing was to be written"
    assert mend_file(str(path), everything, write=True) == mended
    assert path.read_text() == mended.after
    status = path.stat()
    mend_file(str(path), everything, write=True)
    assert path.stat() == status, "nothing was left to write"


def test_owner_and_attributes_stay(write: Write) -> None:
    path = write("a.py", "open(x)\n")
    path.chmod(0o604)
    try:
        os.setxattr(path, "user.test", b"1")
        os.chown(path, 1, 1)
    except OSError as error:
        pytest.skip(f"can't be given here: {error}")
    mend_file(str(path), everything, write=True)
    status = path.stat()
    assert (status.st_mode & 0o777, status.st_uid, status.st_gid) == (0o604, 1, 1)
    assert os.getxattr(path, "user.test") == b"1"


def test_somebody_else_was_quicker(write: Write) -> None:
    path = write("a.py", "open(x)\n")

    def choose(found: Sequence[Mistake]) -> list[Mistake]:
        path.write_text("another = 1\n")
        return list(found)

    with pytest.raises(NotMended, match="somebody changed it meanwhile"):
        mend_file(str(path), choose, write=True)
    assert path.read_text() == "another = 1\n"
    assert os.listdir(path.parent) == ["a.py"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"# coding: latin-1\nf()\n", "its encoding, latin-1, lacks what the fix needs"),
        (b"def (\n", "it can't be parsed any more: invalid syntax"),
        (b"\n\n\xff", "it can't be parsed any more: "),
        (None, "No such file or directory"),
    ],
)
def test_what_can_not_be_mended(write: Write, data: bytes | None, why: str) -> None:
    path = write("a.py", data or b"")
    if data is None:
        path.unlink()

    def choose(_found: Sequence[Mistake]) -> list[Mistake]:
        return [Mistake("SCR401", "", 2, 0, 2, 3, Fix("add keyword", 2, 0, "k='\N{EURO SIGN}'"))]

    with pytest.raises(NotMended) as caught:
        mend_file(str(path), choose, write=True)
    assert str(caught.value).startswith(why)
    assert data is None or path.read_bytes() == data
