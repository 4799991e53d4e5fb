"""Every system call of a publishing fails once, in each of several ways, and once the process is killed there."""

from __future__ import annotations

import errno
import os
import re
import signal
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scratchwork.errors import CannotPublish
from scratchwork.system.publishing import drafts

from .publishing_calls import Calls, assert_no_more_descriptors, counted, descriptors
from .publishing_scenarios import (
    ACROSS_DEVICES,
    ANY_DEVICE,
    NEW,
    SAME_DEVICE,
    Arena,
    Scenario,
    content,
    laid_out,
    picture,
)

ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EXDEV)
_HIDDEN = re.compile(r"\.(result|source|target)\.[0-9a-z]{10}\.part")
_ONE_DEVICE = {**SAME_DEVICE, **ANY_DEVICE}
# after these steps the new is in place; what was to be done then is left undone
_AFTERWARDS = {"sync the folder", "remove the source", "remove the old directory", "set the mode"}


pytestmark = pytest.mark.once


@pytest.fixture(params=["memory to disk", "disk to memory"])
def two_places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    import shutil
    import tempfile

    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev:
        pytest.skip("one device only")
    memory = Path(tempfile.mkdtemp(prefix="publishing-", dir="/dev/shm"))
    yield (memory, tmp_path) if request.param == "memory to disk" else (tmp_path, memory)
    shutil.rmtree(memory)


@pytest.fixture
def without_tmpfile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "_TMPFILE", 0)


@pytest.mark.parametrize("name", _ONE_DEVICE)
def test_each_call_fails(place: Path, name: str) -> None:
    fail_each(_ONE_DEVICE[name], place, place)


@pytest.mark.parametrize("name", ACROSS_DEVICES)
def test_each_call_fails_across_devices(two_places: tuple[Path, Path], name: str) -> None:
    fail_each(ACROSS_DEVICES[name], *two_places)


@pytest.mark.parametrize("name", [name for name in SAME_DEVICE if "draft" in name])
def test_each_call_fails_where_each_file_has_a_name(place: Path, name: str, without_tmpfile: None) -> None:
    fail_each(SAME_DEVICE[name], place, place)


@pytest.mark.parametrize("name", _ONE_DEVICE)
def test_killed_at_each_call(place: Path, name: str) -> None:
    kill_at_each(_ONE_DEVICE[name], place, place)


@pytest.mark.parametrize("two_places", ["memory to disk"], indirect=True)
@pytest.mark.parametrize("name", ACROSS_DEVICES)
def test_killed_at_each_call_across_devices(two_places: tuple[Path, Path], name: str) -> None:
    kill_at_each(ACROSS_DEVICES[name], *two_places)


@pytest.mark.parametrize("name", [name for name in SAME_DEVICE if "draft" in name])
def test_killed_at_each_call_where_each_file_has_a_name(place: Path, name: str, without_tmpfile: None) -> None:
    scenario = SAME_DEVICE[name]
    kill_at_each(Scenario(scenario.lay_out, scenario.publish), place, place)


def test_what_failed_may_be_tried_again(place: Path) -> None:
    scenario = SAME_DEVICE["file replaced, inheriting"]
    with laid_out(scenario, place, place) as arena:
        for at in range(50):
            try:
                publish_counted(scenario, arena, Calls(at, errno.EIO))
            except CannotPublish:
                assert at < 40
            else:
                break
        assert arena.destination.read_bytes() == NEW
        assert_only_result(arena)


def fail_each(scenario: Scenario, here: Path, there: Path) -> None:
    names, published = rehearse(scenario, here, there)
    for number in ERRORS:
        for at, name in enumerate(names):
            with laid_out(scenario, here, there) as arena:
                told = f"{name} ({at} of {len(names)}): {os.strerror(number)}"
                try:
                    fail_one(scenario, arena, Calls(at, number), published)
                except BaseException as error:
                    error.add_note(told)
                    raise


def rehearse(scenario: Scenario, here: Path, there: Path) -> tuple[list[str], Any]:
    """Return the calls that it makes, and what it looks like when it is published."""
    calls = Calls()
    with laid_out(scenario, here, there) as arena:
        with counted(calls):
            scenario.publish(arena)
        assert len(calls.names) > 5
        assert_only_result(arena)
        return calls.names, picture(arena.there)


def fail_one(scenario: Scenario, arena: Arena, calls: Calls, published: Any) -> None:
    before = picture(arena.here), picture(arena.there), open_source(arena)
    free = descriptors()
    error = error_of(lambda: publish_counted(scenario, arena, calls))
    if error is None or error.in_place:
        assert content(arena.destination) == new_content(arena, published)
    if error is None:
        assert_only_result(arena)
    else:
        assert type(error) is CannotPublish
        assert error.filename == str(arena.destination)
        assert error.errno in (calls.number, errno.EACCES)  # EACCES: the source can't be removed
        assert not getattr(error, "__notes__", [])
        if error.in_place:
            assert error.step in _AFTERWARDS
        else:
            assert (picture(arena.here), picture(arena.there), open_source(arena)) == before
    error = None  # its traceback holds folders open
    assert_no_more_descriptors(free)


def error_of(work: Callable[[], None]) -> CannotPublish | None:
    try:
        work()
    except CannotPublish as error:
        return error
    return None


def kill_at_each(scenario: Scenario, here: Path, there: Path) -> None:
    names, published = rehearse(scenario, here, there)
    linked = next((at for at, name in enumerate(names) if name == "link"), len(names))
    for at, name in enumerate(names):
        with laid_out(scenario, here, there) as arena:
            old = content(arena.destination)
            new = new_content(arena, published)
            source = content(arena.source)
            killed(lambda: publish_counted(scenario, arena, Calls(at)))  # noqa: B023 - it is over when this returns
            told = f"killed at {name} ({at} of {len(names)})"
            seen = content(arena.destination)
            assert seen in (old, new), told
            if seen != new:
                assert content(arena.source) == source, told
            left = leftovers(arena)
            if scenario.tmpfile:
                assert not left or at > linked, told
                assert all(path.read_bytes() == NEW for path in left), told
            assert len(left) <= 2, told


def publish_counted(scenario: Scenario, arena: Arena, calls: Calls) -> None:
    with counted(calls):
        scenario.publish(arena)


def killed(work: Callable[[], None]) -> None:
    """Run something in a forked child that must end by being killed."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def open_source(arena: Arena) -> tuple[Any, ...]:
    """Return mode, content and offset of the source that is only open."""
    if arena.fd < 0:
        return ()
    status = os.fstat(arena.fd)
    return status.st_mode, os.pread(arena.fd, status.st_size, 0), os.lseek(arena.fd, 0, os.SEEK_CUR)


def new_content(arena: Arena, published: Any) -> Any:
    """Return what readers see when it is published: the last of each picture is the content."""
    found = published[-1]["result"]
    return NEW if isinstance(found[-1], str) else bare(found)


def bare(seen: Any) -> Any:
    if isinstance(seen[-1], dict):
        return {name: bare(entry) for name, entry in seen[-1].items()}
    return NEW if isinstance(seen[-1], str) else seen[-1]


def leftovers(arena: Arena) -> list[Path]:
    """Return what is hidden beside the ends; fail if there is anything else."""
    found = [
        entry
        for folder in (arena.here, arena.there, arena.there / "deep")
        if folder.is_dir()
        for entry in folder.iterdir()
    ]
    rest = [entry for entry in found if entry.name not in {"source", "result", "deep", "target"}]
    assert all(_HIDDEN.fullmatch(entry.name) for entry in rest)
    return rest


def assert_only_result(arena: Arena) -> None:
    assert not arena.source.exists()
    assert arena.destination.exists()
    assert leftovers(arena) == []
