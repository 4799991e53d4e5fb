from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import Literal

import pytest

from scratchwork import Retention, Root
from tests.helpers_programs import kill, python, running
from tests.roots.test_workspace import HOLD


def test_a_failure_is_kept_and_logged_in_one_line(root: Root, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(ValueError), root.workspace("job", keep="failure") as ws:
        (ws / "file").write_text("content")
        raise ValueError("two\nlines")
    assert (ws / "file").read_text() == "content"
    (found,) = root.workspaces()
    assert (found.state, found.why) == ("kept", "ValueError: two lines")
    (message,) = caplog.messages
    assert message.startswith(f"kept {ws}: ValueError: two lines (until ")
    assert root.sweep().retained == 1
    assert root.history()[-1].outcome == "kept"


def test_a_success_is_not_kept(root: Root) -> None:
    with root.workspace(keep="failure") as ws:
        pass
    assert not ws.path.exists()
    assert not [name for name in os.listdir(root.path) if "job" in name]


@pytest.mark.parametrize(("error", "state"), [(SystemExit(0), []), (SystemExit(), []), (SystemExit(3), ["kept"])])
def test_leaving_by_sys_exit_fails_when_the_status_says_so(root: Root, error: SystemExit, state: list[str]) -> None:
    with pytest.raises(SystemExit), root.workspace(keep="failure"):
        raise error
    assert [found.state for found in root.workspaces()] == state


@pytest.mark.parametrize("keep", ["failure", "always"])
def test_a_killed_one_is_kept_until_it_expires(temp: Path, keep: str) -> None:
    with running(HOLD, keep) as (process, (path,)):
        kill(process)
    root = Root("app", retention=Retention(age=0.0))
    assert Path(path, "file").exists(), "opening the root keeps it"
    (found,) = root.workspaces()
    assert found.state == "kept"
    assert found.why.startswith("killed")
    (gone,) = root.sweep().removed
    assert gone.why == "the time for which it was kept is over"
    assert not Path(path).exists()
    assert [ended.outcome for ended in root.history()] == ["kept", "reclaimed"]


def test_always_and_the_environment(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    with root.workspace(keep="always") as ws:
        pass
    assert ws.path.exists()
    monkeypatch.setenv("KEEP_TEMP", "1")
    with Root("app").workspace() as ws:
        pass
    assert ws.path.exists()
    monkeypatch.setenv("KEEP_TEMP", "0")
    with Root("app").workspace() as ws:
        pass
    assert not ws.path.exists()


def test_the_environment_is_read_when_the_root_is_opened(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_TEMP", "1")
    keeping = Root("app")
    with root.workspace("before") as before:
        pass
    monkeypatch.delenv("KEEP_TEMP")
    with keeping.workspace("after") as after:
        pass
    assert (before.path.exists(), after.path.exists()) == (False, True)


def test_an_exception_that_can_not_say_what_it_is_fails_like_any_other(root: Root) -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(MuteError), root.workspace(keep="failure") as ws:
        raise MuteError
    assert ws.path.exists()
    assert [found.why for found in root.workspaces()] == ["MuteError"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit(), SystemExit("message"), SystemExit(False)])
def test_other_ways_out(root: Root, error: BaseException) -> None:
    with pytest.raises(type(error)), root.workspace(keep="failure"):
        raise error
    fails = isinstance(error, KeyboardInterrupt) or (isinstance(error, SystemExit) and bool(error.code))
    assert [found.state for found in root.workspaces()] == ["kept"] * fails


def test_control_a_killed_one_that_was_not_to_be_kept_is_gone(temp: Path) -> None:
    with running(HOLD, "never") as (process, (path,)):
        kill(process)
    Root("app")
    assert not Path(path).exists()


def test_asked_for_while_it_runs_by_its_owner_and_by_somebody_else(root: Root) -> None:
    with root.workspace() as own:
        own.keep("look at this")
    with root.workspace() as other:
        (other / "file").touch()
        Root("app").keep(other.name, "for Ann")
    assert {found.why for found in root.workspaces()} == {"look at this", "for Ann"}


def test_one_asked_for_and_then_killed_is_kept(temp: Path) -> None:
    program = HOLD.replace("print(", "ws.keep('look'); print(")
    with running(program, "never") as (process, (path,)):
        kill(process)
    assert [found.why for found in Root("app").workspaces()] == ["look"]
    assert Path(path, "file").exists()


def test_an_unknown_policy(root: Root) -> None:
    policy: Literal["always"] = "sometimes"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="never, failure, always"):
        root.workspace(keep=policy)
    assert root.workspaces() == []


def test_an_uncaught_exception_at_exit_is_a_failure(temp: Path) -> None:
    program = "import scratchwork; scratchwork.install('app', keep='failure'); raise RuntimeError('no')"
    assert python(program, check=False).returncode == 1
    assert [found.why for found in Root("app").workspaces()] == ["RuntimeError: no"]


def kept(root: Root, count: int, size: int = 4096) -> list[str]:
    names = []
    for number in range(count):
        with root.workspace(str(number), keep="always") as ws:
            (ws / "file").write_bytes(b"x" * size)
        names.append(ws.name)
        record = root._store.records.read(ws.name)
        assert record is not None
        record.since = time.time() - 1000 + number  # one after the other, the first is the oldest
        root._store.records.write(ws.name, record)
    return names


def test_retention_by_number_drops_the_oldest(root: Root) -> None:
    names = kept(root, 5)
    limited = Root("app", retention=Retention(count=2), sweep_first=False)
    assert [gone.name for gone in limited.sweep().removed] == names[:3]
    assert [found.name for found in limited.workspaces()] == sorted(names[3:], key=lambda name: name)


def test_retention_by_size_drops_the_oldest(root: Root) -> None:
    names = kept(root, 4, 100_000)
    size = root.usage_of(names[0]).bytes
    limited = Root("app", retention=Retention(bytes=2 * size), sweep_first=False)
    assert [gone.name for gone in limited.sweep().removed] == names[:2]


def test_the_retention_is_the_roots_own(root: Root) -> None:
    Root("app", retention=Retention(age=5.0, count=7, bytes=9))
    assert Root("app").retention == Retention(age=5.0, count=7, bytes=9)
    with pytest.raises(ValueError, match="negative"):
        Retention(age=-1)


@pytest.mark.parametrize("rubbish", [b"", b"\xff\xfe", b"[]", b'{"label": 1}', b"[" * 50_000, b"null", b'{"keep":"x"}'])
def test_a_record_that_can_not_be_read_means_keep(temp: Path, rubbish: bytes) -> None:
    with running(HOLD, "never") as (process, (path,)):
        Path(path + ".json").write_bytes(rubbish)
        kill(process)
    assert Root("app").sweep().retained == 1
    assert Path(path, "file").exists()


def test_a_record_alone_is_garbage_but_not_one_of_a_living_workspace(root: Root) -> None:
    with root.workspace(keep="failure") as ws:
        root.sweep()
        assert os.path.exists(f"{ws}.json")
        Path(f"{ws.path}".replace("job", "gone") + ".json").write_text("{}")
        Path(f"{ws.path}".replace("job", "torn") + ".json.abc").write_text("{}")
        root.sweep()
        assert os.path.exists(f"{ws}.json")
    assert not [name for name in os.listdir(root.path) if ".json." in name or "gone" in name]


def test_a_kept_one_can_be_removed_when_nothing_can_be_written(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    (name,) = kept(root, 1)
    monkeypatch.setattr(root._store.records, "write", None)
    assert root.remove(name).files == 1
    assert root.workspaces() == []


assert sys.platform != "win32"
