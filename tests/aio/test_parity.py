"""The async form has all that the other has, with the same arguments."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import scratchwork
from scratchwork import aio, tempfile

# Values, errors, and what needs no waiting.
PLAIN = {
    "Ended",
    "Found",
    "MemoryBudget",
    "Placement",
    "Quota",
    "Retention",
    "Swept",
    "Upload",
    "Uploads",
    "Usage",
}
OF_TEMPFILE = {"TMP_MAX", "tempdir", "gettempprefix", "gettempprefixb", "mktemp"}
PAIRS = (
    (scratchwork.Root, aio.Root, {"path", "retention", "keeps_all", "enter", "quota"}),  # `await root.opened()`
    (scratchwork.Workspace, aio.Workspace, {"end", "last_look"}),  # for supervisors, which are not async
    (scratchwork.Attached, aio.Attached, set[str]()),
    (scratchwork.Loan, aio.Loan, set[str]()),
)


def test_every_public_name_is_there() -> None:
    errors = {name for name in scratchwork.__all__ if inspect.isclass(getattr(scratchwork, name))}
    errors = {name for name in errors if issubclass(getattr(scratchwork, name), Exception)}
    assert set(scratchwork.__all__) - errors - PLAIN <= set(aio.__all__)
    assert set(tempfile.__all__) - OF_TEMPFILE <= set(aio.__all__)


def test_all_names_can_be_had() -> None:
    for name in aio.__all__:
        assert getattr(aio, name) is not None
    with pytest.raises(AttributeError):
        aio.nothing  # noqa: B018


@pytest.mark.parametrize(("sync", "asynchronous", "left_out"), PAIRS)
def test_every_method_is_there(sync: type, asynchronous: type, left_out: set[str]) -> None:
    public = {name for name in dir(sync) if not name.startswith("_")}
    assert public - left_out <= {name for name in dir(asynchronous) if not name.startswith("_")}
    for name in public - left_out:
        if inspect.isfunction(member := getattr(sync, name)):
            assert _names(getattr(asynchronous, name)) == _names(member), name


@pytest.mark.parametrize(
    "name",
    ["workspace", "handoff", "temp_path", "publish", "atomic_write", "Root"],
)
def test_every_function_takes_the_same(name: str) -> None:
    assert _names(getattr(aio, name)) == _names(getattr(scratchwork, name))


@pytest.mark.parametrize(
    "name", ["TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "TemporaryDirectory", "mkstemp", "mkdtemp"]
)
def test_so_do_those_of_tempfile(name: str) -> None:
    sync = getattr(tempfile, name)
    assert _names(getattr(aio, name)) == _names(sync.__init__ if inspect.isclass(sync) else sync)


def _names(function: Any) -> list[str]:
    """Return the names of a function's arguments, and defaults, in their order."""
    return [
        f"{parameter.name}={parameter.default!r}"
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name not in {"self", "background"}
    ]
