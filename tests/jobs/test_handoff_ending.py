"""What was handed off is gone afterwards, however it went."""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scratchwork import Root, handoff
from tests.helpers_leftovers import everything, leaving_nothing
from tests.helpers_programs import kill, running


@pytest.fixture(autouse=True)
def before(tmp_path: Path, temp: Path) -> Iterator[set[str]]:  # pytest's own temp folder lies outside of ours
    with leaving_nothing(temp) as found:
        yield found


@pytest.fixture(params=[False, True], ids=["file", "memory"])
def memory(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_after_an_exception(memory: bool) -> None:
    with pytest.raises(ZeroDivisionError), handoff("text", ".txt", memory=memory) as path:
        raise ZeroDivisionError
    assert not os.path.lexists(path)


def test_after_the_program_has_failed(memory: bool) -> None:
    with pytest.raises(subprocess.CalledProcessError), handoff("text", ".txt", memory=memory) as path:
        subprocess.run(["grep", "--quiet", "nothing", path], check=True)
    assert not os.path.lexists(path)


def move(path: Path) -> None:
    path.rename(f"{path}.moved")
    Path(f"{path}.moved").unlink()


def replace(path: Path) -> None:
    Path(f"{path}.new").write_text("new")
    Path(f"{path}.new").replace(path)


def edit(path: Path) -> None:
    subprocess.run(["sed", "-i", "s/e/E/", path], check=True)


def put_a_directory_there(path: Path) -> None:
    path.unlink()
    (path / "directory" / "below").mkdir(parents=True)


def put_a_link_there(path: Path) -> None:
    path.unlink()
    path.symlink_to("/")


def shut(path: Path) -> None:
    path.chmod(0)


@pytest.mark.parametrize("work", [Path.unlink, move, replace, edit, put_a_directory_there, put_a_link_there, shut])
def test_whatever_the_program_made_of_it(work: Callable[[Path], object]) -> None:
    with handoff("text", ".txt") as path:
        work(path)
    assert not os.path.lexists(path)


_HAND_OFF = """
import sys
from scratchwork import handoff
with handoff("a secret", sys.argv[1], memory=sys.argv[2] == "True") as path:
    print(path, flush=True)
    input()
"""


@pytest.mark.parametrize("suffix", ["", ".txt"])
def test_after_kill_9_and_a_sweep(temp: Path, before: set[str], memory: bool, suffix: str) -> None:
    with running(_HAND_OFF, suffix, str(memory)) as (process, (path,)):
        assert Path(path).read_text() == "a secret"
        assert Root("default").sweep().removed == []
        assert Path(path).exists(), "a sweep leaves it alone while it is in use"
        kill(process)
    Root("default").sweep()
    assert not os.path.lexists(path)
    assert everything(temp) == before


def test_after_kill_9_in_the_middle_of_writing(temp: Path, before: set[str], memory: bool) -> None:
    program = """
import sys
from scratchwork import handoff
def chunks():
    for _ in range(30): yield "x" * 100_000
    print("half", flush=True)
    input()
with handoff(chunks(), ".txt", memory=sys.argv[1] == "True"): pass
"""
    with running(program, str(memory)) as (process, (_,)):
        assert everything(temp) > before
        kill(process)
    Root("default").sweep()
    assert everything(temp) == before


def test_at_the_exit_of_a_program_that_never_left_the_block(temp: Path, before: set[str], memory: bool) -> None:
    program = _HAND_OFF.replace("input()", "sys.exit()")
    with running(program, ".txt", str(memory)) as (process, (path,)):
        assert process.wait() == 0
    assert not os.path.lexists(path)
    never_left = (
        "from scratchwork import handoff; import sys\n"
        "h = handoff('text', '.txt', memory=sys.argv[1] == 'True'); print(h.__enter__())"
    )
    with running(never_left, str(memory)) as (process, (path,)):
        assert process.wait() == 0
    assert not os.path.lexists(path)
    assert everything(temp) == before


# Forks


def in_child(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_that_leaves_the_block_removes_nothing(memory: bool) -> None:
    handing = handoff("text", ".txt", memory=memory)
    with handing as path:
        assert in_child(lambda: handing.__exit__(None, None, None)) == 0
        assert path.read_text() == "text"


def test_control_without_the_comparison_of_processes_it_does(memory: bool) -> None:
    handing = handoff("text", ".txt", memory=memory)
    with handing as path:

        def leave_as_its_maker() -> None:
            handing._maker = os.getpid()
            handing.__exit__(None, None, None)

        assert in_child(leave_as_its_maker) == 0
        assert not os.path.lexists(path)


def test_a_forked_child_hands_off_by_itself(temp: Path, before: set[str], memory: bool) -> None:
    def hand_off() -> None:
        with handoff("of the child", ".txt", memory=memory) as path:
            assert path.read_text() == "of the child"
        assert not os.path.lexists(path)

    assert in_child(hand_off) == 0
    Root("default").sweep()  # it ended by os._exit, which leaves its standing workspace
    assert everything(temp) == before


# Bad input


def raising() -> Iterator[str]:
    yield "half" * 100_000
    raise KeyError("half-way")


def closed_file() -> Any:
    with open(os.devnull, "rb") as file:
        return file


class NoData:
    def __repr__(self) -> str:
        return "no data"


_NO_DATA = NoData()
_CIRCLE: list[Any] = []
_CIRCLE.append(_CIRCLE)


@pytest.mark.parametrize(
    ("data", "arguments", "error"),
    [
        (_NO_DATA, {}, TypeError),
        (3, {}, TypeError),
        (None, {}, TypeError),
        (True, {}, TypeError),
        ({"a": 1}, {}, TypeError),
        ({"a": 1}, {"suffix": ".txt"}, TypeError),
        (Path("/etc/hosts"), {}, TypeError),
        (str, {}, TypeError),
        ([1, 2], {}, TypeError),
        ([None], {}, TypeError),
        ([["a"]], {}, TypeError),
        (["text", b"bytes"], {}, TypeError),
        ([b"bytes", "text"], {}, TypeError),
        (["text", 3], {}, TypeError),
        ({"a": {1, 2}}, {"suffix": ".json"}, TypeError),
        ({"a": [0] * 100_000 + [b"bytes"]}, {"suffix": ".json"}, TypeError),
        ({(1, 2): 3}, {"suffix": ".json"}, TypeError),
        (_CIRCLE, {"suffix": ".json"}, ValueError),
        (math.nan, {"suffix": ".json"}, ValueError),
        ([math.inf], {"suffix": ".json"}, ValueError),
        (_NO_DATA, {"suffix": ".json"}, TypeError),
        (b"", {"suffix": "/etc/x"}, ValueError),
        (b"", {"suffix": "a/b"}, ValueError),
        (b"", {"suffix": ".."}, ValueError),
        (b"", {"suffix": "a\0b"}, ValueError),
        (b"", {"suffix": 3}, TypeError),
        (b"", {"suffix": "x" * 300}, OSError),
        ("text", {"encoding": "utf-9"}, LookupError),
        ("é" * 100_000, {"encoding": "ascii"}, UnicodeEncodeError),
        ("\udc80", {}, UnicodeEncodeError),
        ("text", {"newline": "x"}, ValueError),
        (b"", {"suffix": ".txt", "dir": "/none"}, FileNotFoundError),
        (b"", {"suffix": ".txt", "dir": "/dev/null"}, NotADirectoryError),
    ],
    ids=repr,
)
def test_bad_input_is_told_and_leaves_nothing(
    data: Any, arguments: dict[str, Any], error: type[Exception], memory: bool
) -> None:
    with pytest.raises(error), handoff(data, memory=memory, **arguments):
        raise AssertionError("it was handed off")


def test_what_the_iterable_raises_passes_through(memory: bool) -> None:
    with pytest.raises(KeyError, match="half-way"), handoff(raising(), ".txt", memory=memory):
        raise AssertionError("it was handed off")


def test_ctrl_c_in_the_iterable_leaves_nothing(memory: bool) -> None:
    def interrupted() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), handoff(interrupted(), ".txt", memory=memory):
        raise AssertionError("it was handed off")


def test_a_closed_file_and_a_view_with_gaps(memory: bool) -> None:
    with pytest.raises(ValueError, match="closed file"), handoff(closed_file(), memory=memory):
        raise AssertionError("it was handed off")
    with pytest.raises((BufferError, TypeError, ValueError)), handoff(memoryview(b"abcd")[::2], memory=memory):
        raise AssertionError("it was handed off")


def test_the_messages_say_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"an object of type dict can't be handed off.* a suffix of \.json"):
        handoff({"a": 1})
    with pytest.raises(TypeError, match="is a path already: give that on"):
        handoff(Path("/etc/hosts"))
    with pytest.raises(ValueError, match=r"suffix has no separator, '\.\.' or NUL"):
        handoff("", "a/b")


def test_a_full_disk_leaves_nothing(tmp_path: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    small = tmpfs(tmp_path / "small", "size=1m,mode=700")
    for data in (b"x" * 3_000_000, "x" * 3_000_000, ("x" * 1000 for _ in range(3000))):
        with pytest.raises(OSError, match="No space left"), handoff(data, ".txt", dir=small):
            raise AssertionError("it was handed off")
        assert os.listdir(small) == []


def test_one_object_serves_one_block(memory: bool) -> None:
    """A second block would find nothing left to hand off; that must not pass for an empty file."""
    handing = handoff("text", memory=memory)
    with handing as path:
        assert path.read_text() == "text"
    with pytest.raises(RuntimeError), handing as path:
        assert path.read_text() == "text"
