"""`scratch trace` and `python -m scratchwork.trace`, as a person or a script sees them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from scratchwork import trace
from scratchwork.cli.trace import command
from tests.helpers_processes import Finished, Scratch, Terminal, is_gone

REPOSITORY = Path(__file__).parents[2]
PROGRAM = """\
import os, sys, tempfile
def left(n):
    fd, path = tempfile.mkstemp(prefix="left-")
    os.write(fd, b"x" * n)
def gone():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x" * 50_000)
def main():
    left(100_000)
    left(100_000)
    gone()
    print("out")
    sys.exit(int(sys.argv[1]))
main()
"""


@pytest.fixture(autouse=True)
def _not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no traced program write what it covered: that would be recorded too."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def traced(scratch: Scratch, code: str, *options: str, **more: Any) -> dict[str, Any]:
    """Return the report on a program that is given as its code."""
    done = scratch("trace", "--json", *options, "--", sys.executable, "-c", code, **more)
    report: dict[str, Any] = json.loads(done.err.splitlines()[-1])
    assert report["status"] == done.status
    return report


# The report


def test_text(scratch: Scratch, program: Path) -> None:
    done = scratch("trace", "--", sys.executable, "program.py", "3", cwd=program.parent)
    assert (done.status, done.out) == (3, "out\n")
    lines = [" ".join(line.split()) for line in done.err.splitlines()]
    assert lines[0] == "LEFT SIZE MADE SIZE WHERE"
    assert re.fullmatch(r"1 \d+\.\d kB 1 \d+\.\d kB program\.py:3 left", lines[1])
    assert lines[2:4] == ["program.py:9 main", "program.py:14 <module>"] or lines[2] == "program.py:10 main"
    assert lines[4].startswith(f"left {scratch.temp}/left-")
    assert [re.sub(r"\d+\.\d kB", "N", line) for line in lines[-4:]] == [
        "0 0 B 1 N program.py:6 gone",
        "program.py:11 main",
        "program.py:14 <module>",
        "scratch: made in temp space: 3 (N); left: 2 (N); processes: 1",
    ]
    assert "\x1b" not in done.err
    assert scratch.made() == []


def test_depth_groups_what_looks_the_same(scratch: Scratch, program: Path) -> None:
    done = scratch("trace", "--depth", "1", "--top", "1", "--", sys.executable, str(program), "0", cwd=program.parent)
    lines = [" ".join(line.split()) for line in done.err.splitlines()]
    assert re.match(r"2 .* 2 .* program\.py:3 left", lines[1])
    assert lines[2].endswith(" and 1 more")
    assert lines[3] == "scratch: 1 more place not shown; '--top 2' would, and --json has all"


def test_json(scratch: Scratch, program: Path) -> None:
    arguments = [sys.executable, str(program), "0"]
    done = scratch("trace", "--json", "--", *arguments)
    assert done.err.count("\n") == 1
    report = json.loads(done.err)
    assert (report["command"], report["status"], report["complete"]) == (arguments, 0, True)
    assert (report["made"], report["left"], report["moved_out"], report["anonymous"]) == (3, 2, 0, 0)
    assert report["bytes_left"] >= 200_000
    assert report["bytes_made"] >= 250_000
    (process,) = report["processes"]
    assert process["followed"]
    assert sum(group["made"] for group in report["groups"]) == 3
    first = report["groups"][0]
    assert first["stack"][0] == {"file": str(program), "line": 3, "function": "left"}
    assert [frame["function"] for frame in first["stack"]] == ["left", "main", "<module>"]
    left = [path for group in report["groups"] for path in group["paths"]]
    assert sorted(left) == sorted(str(path) for path in scratch.temp.glob("left-*"))


def test_a_name_that_no_json_and_no_terminal_can_hold(scratch: Scratch) -> None:
    code = "import os; os.mkdir(os.environb[b'TMPDIR'] + b'/\\xff\\x1b[31m\\n')"
    (path,) = traced(scratch, code)["groups"][0]["paths"]
    assert os.path.isdir(path)
    os.rmdir(path)
    done = scratch("trace", "--", sys.executable, "-c", code)
    assert f"left {scratch.temp}/" in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ([sys.executable, "-c", "pass"], "made in temp space: nothing; left: nothing; processes: 1"),
        (["true"], "no Python was followed, so nothing is known; see 'scratch trace --help' for those that can't be"),
        (
            [sys.executable, "-I", "-c", "import tempfile; tempfile.mkdtemp()"],
            "no Python was followed, so nothing is known; see 'scratch trace --help' for those that can't be",
        ),
    ],
)
def test_nothing_to_tell(scratch: Scratch, command: list[str], message: str) -> None:
    assert scratch("trace", "--", *command) == Finished(0, "", f"scratch: {message}\n")


def test_into_files(scratch: Scratch, program: Path, tmp_path: Path) -> None:
    report, picture = tmp_path / "report", tmp_path / "flame.html"
    arguments = ["--output", str(report), "--flame", "flame.html", "--", sys.executable, str(program), "0"]
    assert scratch("trace", *arguments, cwd=tmp_path) == Finished(0, "out\n", "")
    assert "made in temp space: 3 " in report.read_text()
    assert "program.py:3" in picture.read_text()
    assert scratch("trace", "--json", *arguments, cwd=tmp_path).err == ""
    assert json.loads(report.read_text())["made"] == 3


def test_a_file_that_can_not_be_written_is_told_before_the_command_runs(scratch: Scratch, tmp_path: Path) -> None:
    for option in ("--output", "--flame"):
        for path in (str(tmp_path), "no such folder/file"):
            done = scratch("trace", option, path, "--", "echo", "ran", cwd=tmp_path)
            assert (done.status, done.out) == (125, "")
            assert done.err.count("\n") == 1


def test_a_file_that_can_not_be_written_at_the_end(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    done = scratch("trace", "--flame", "d/f.html", "--", "rmdir", "d", cwd=tmp_path)
    assert done.status == 125
    assert done.err.splitlines()[-1].startswith(f"scratch: {tmp_path}/d/f.html: can't publish")


def test_a_folder_that_is_temp_space_too(scratch: Scratch, tmp_path: Path) -> None:
    # All of /tmp is temp space, where tests have their folders.
    elsewhere = Path(tempfile.mkdtemp(prefix=".trace-", dir=REPOSITORY))
    if str(elsewhere).startswith(("/tmp/", "/var/tmp/", "/dev/shm/")):
        elsewhere.rmdir()
        pytest.skip("the checkout lies in temp space")
    code = f"import os; os.mkdir({str(elsewhere / 'a')!r}); os.rmdir({str(elsewhere / 'a')!r})"
    try:
        assert traced(scratch, code)["made"] == 0
        assert traced(scratch, code, "--space", str(elsewhere))["made"] == 1
        out = f"import os, tempfile; os.rename(tempfile.mkdtemp(), {str(elsewhere / 'b')!r})"
        report = traced(scratch, out)
        assert (report["made"], report["left"], report["moved_out"]) == (1, 0, 1)
    finally:
        shutil.rmtree(elsewhere)


# How it ends


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("import os, tempfile; tempfile.mkdtemp(); os._exit(7)", 7),
        ("import os, tempfile; tempfile.mkdtemp(); os.kill(os.getpid(), 9)", 137),
        ("import os, tempfile; tempfile.mkdtemp(); os.environ.clear(); os.execvp('true', ['true'])", 0),
    ],
)
def test_the_commands_status(scratch: Scratch, code: str, status: int) -> None:
    report = traced(scratch, code)
    assert (report["status"], report["left"]) == (status, 1)


def test_what_can_not_be_run(scratch: Scratch, tmp_path: Path) -> None:
    assert scratch("trace", "--", "no-such-command") == Finished(127, "", "scratch: no-such-command: no such command\n")
    (tmp_path / "file").write_text("")
    done = scratch("trace", "--", str(tmp_path / "file"))
    assert (done.status, done.err) == (126, f"scratch: {tmp_path}/file: Permission denied\n")
    for arguments in ([], ["--nope"], ["--", ""], ["--depth", "0", "--", "true"]):
        done = scratch("trace", *arguments)
        assert done.status == 125
        assert done.err.count("\n") == 1


def test_without_room_for_the_record(scratch: Scratch, tmp_path: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    full = tmpfs(tmp_path / "full", "size=16k,nr_inodes=3")
    done = scratch("trace", "--", "echo", "ran", env={"TMPDIR": str(full)})
    assert (done.status, done.out) == (125, "")
    assert done.err.startswith("scratch: ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("closing", ["2>/dev/full", "2>&-", "2>&- >&- <&-"])
def test_a_report_that_nobody_takes_does_not_change_the_status(scratch: Scratch, closing: str) -> None:
    command = scratch.command("trace", "--", sys.executable, "-c", "import tempfile; tempfile.mkdtemp(); exit(3)")
    assert scratch.start_program(["sh", "-c", f'exec "$@" {closing}', "sh", *command]).finish() == Finished(3, "", "")


def test_a_program_that_empties_its_temp_folder(scratch: Scratch) -> None:
    code = """
import os, shutil, tempfile
left = tempfile.mkdtemp()
folder = os.path.dirname(left)
for name in os.listdir(folder):
    if name not in left: shutil.rmtree(os.path.join(folder, name))
tempfile.mkdtemp()
exit(3)
"""
    done = scratch("trace", "--", sys.executable, "-c", code)
    assert done.status == 3
    assert f"left {scratch.temp}/tmp" in done.err
    assert done.err.splitlines()[-1].startswith("scratch: this is not all")


def test_an_incomplete_record_is_told(scratch: Scratch, tmp_path: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    small = tmpfs(tmp_path / "small", "size=128k")
    code = """
import os
for n in range(2000):
    try: os.mkdir(os.path.join(os.environ['TMPDIR'], str(n)))
    except OSError: pass
for n in range(100):
    with open(os.path.join(os.environ['TMPDIR'], 'file' + str(n)), 'wb', 0) as file:
        try: file.write(b'x' * 4096)
        except OSError: pass
for n in range(2000):
    os.rmdir(os.path.join(os.environ['TMPDIR'], str(n)))
"""
    done = scratch("trace", "--", sys.executable, "-c", code, env={"TMPDIR": str(small)})
    assert done.status == 0
    assert done.err.splitlines()[-1].startswith("scratch: this is not all: part was not recorded")
    assert "no space" not in done.err.lower()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_command_and_the_report_is_made(scratch: Scratch, number: signal.Signals) -> None:
    code = "import signal, tempfile; tempfile.mkdtemp(); print('ready', flush=True); signal.pause()"
    job = scratch.start("trace", "--", sys.executable, "-c", code)
    assert job.line() == "ready"
    job.send(number)
    done = job.finish()
    assert done.status == 128 + number
    assert "made in temp space: 1 " in done.err


def test_who_does_not_want_to_wait_for_the_report(scratch: Scratch) -> None:
    code = "import os\nfor n in range(500): os.mkdir(os.path.join(os.environ['TMPDIR'], 'x' * 200 + str(n)))"
    job = scratch.start("trace", "--json", "--", sys.executable, "-c", code)
    assert job.process.stderr is not None
    assert os.read(job.process.stderr.fileno(), 1) == b"{"  # there is more than a pipe holds
    job.send(signal.SIGINT)
    assert job.finish().status == 130
    assert scratch.made() == []


def test_it_has_the_terminal_and_a_key_reaches_it_once(
    scratch: Scratch, on_terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text("""
import signal, sys, tempfile, time
tempfile.mkdtemp()
keys = []
signal.signal(signal.SIGINT, lambda *_: keys.append(1) or print("key", len(keys)))
print("asks", sys.stdin.isatty())
sys.exit(int(sys.stdin.readline()) + len(keys))
""")
    terminal = on_terminal(*scratch.command("trace", "--", sys.executable, str(tmp_path / "program.py")))
    terminal.read_until("asks True")
    terminal.press(b"\x03")
    terminal.read_until("key 1")
    terminal.press(b"3\n")
    assert "made in temp space: 1 " in terminal.rest()
    assert terminal.report() == "ended 4"


def test_what_it_leaves_running_goes_on_and_is_named(scratch: Scratch) -> None:
    code = """
import os, tempfile
fd, path = tempfile.mkstemp()
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    os.close(1), os.close(2)
    os.read(0, 1)
"""
    job = scratch.start("trace", "--json", "--", sys.executable, "-c", code)
    pid = int(job.line())
    assert job.process.stderr is not None
    (group,) = json.loads(job.process.stderr.readline())["groups"]
    assert group["held_by"] == [pid]
    assert not is_gone(pid)
    assert job.finish().status == 0


# Programs of several kinds


def test_pytest_under_it(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(tmp_path):\n    (tmp_path / 'a').write_text('x')\n")
    arguments = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    quick = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = scratch("trace", "--json", "--", *arguments, cwd=tmp_path, env=quick)
    assert "1 passed" in done.out
    report = json.loads(done.err.splitlines()[-1])
    group = next(group for group in report["groups"] if any(path.endswith("/a") for path in group["paths"]))
    assert "test_it.py" in {os.path.basename(frame["file"]) for frame in group["stack"]}


def test_a_child_with_a_cleared_environment_runs(scratch: Scratch) -> None:
    code = """
import subprocess, sys, tempfile
tempfile.mkdtemp()
command = [sys.executable, '-c', 'import tempfile; tempfile.mkdtemp()']
subprocess.run(command, env={'TMPDIR': tempfile.gettempdir()}, check=True)
"""
    report = traced(scratch, code)
    assert (report["made"], len(report["processes"])) == (1, 1)
    assert len([path for path in scratch.temp.iterdir() if path.name.startswith("tmp")]) == 2


def test_one_trace_in_another(scratch: Scratch, program: Path) -> None:
    inner = [*scratch.command("trace", "--output", str(program) + ".txt", "--"), sys.executable, str(program), "0"]
    done = scratch("trace", "--json", "--", *inner)
    assert done.status == 0
    assert "made in temp space: 3 " in Path(f"{program}.txt").read_text()
    assert json.loads(done.err)["processes"]


# python -m scratchwork.trace


def test_as_a_module(scratch: Scratch, program: Path) -> None:
    start = [sys.executable, "-m", "scratchwork.trace"]
    done = scratch.start_program([*start, "--depth", "1", str(program), "5"], cwd=program.parent).finish()
    assert (done.status, done.out) == (5, "out\n")
    assert "program.py:3 left" in done.err
    done = scratch.start_program([*start, "--json", "-m", "program", "0"], cwd=program.parent).finish()
    assert json.loads(done.err)["made"] == 3
    assert scratch.start_program([*start, "--help"]).finish().out.startswith("Usage: scratch trace ")
    assert scratch.start_program(start).finish().status == 125


def test_its_command_line() -> None:
    assert trace.command_line(["-m", "x", "--json"]) == ["trace", "--", sys.executable, "-m", "x", "--json"]
    ours = ["--json", "--top", "3", "--depth=2"]
    assert trace.command_line([*ours, "a.py", "--top"]) == ["trace", *ours, "--", sys.executable, "a.py", "--top"]
    assert trace.command_line(["--", "a.py"]) == ["trace", "--", sys.executable, "a.py"]
    options = {name for param in command.params for name in param.opts if name.startswith("--")}
    assert options | {"--help", "-h"} == trace._WITH_VALUE | trace._ALONE


# The flame graph


class Page(HTMLParser):
    """What there is in a page: its tags with their attributes, and the text of its SVG's titles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_flame_graph(scratch: Scratch, tmp_path: Path) -> None:
    code = """
import os, tempfile
def make(n, keep):
    fd, path = tempfile.mkstemp()
    os.write(fd, b'x' * n)
    if not keep: os.unlink(path)
exec(compile('make(300_000, True)', '</title><script>evil()</script>&', 'exec'))
make(100_000, True)
make(600_000, False)
"""
    (tmp_path / "a.py").write_text(code)
    scratch("trace", "--flame", "f.html", "--", sys.executable, "a.py", cwd=tmp_path)
    text = (tmp_path / "f.html").read_text()
    page = Page(text)
    assert not re.search(r"""(src|href)=|url\(|@import|https?:""", text)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert [tag for tag, _ in page.tags].count("svg") == 2
    boxes = [attributes for tag, attributes in page.tags if tag == "g"]
    assert [box["data-label"] for box in boxes].count("all") == 2
    widths = {"left": 0.0, "made": 0.0}
    kinds = iter(widths)
    kind = ""
    for box in boxes:
        kind = next(kinds) if box["data-label"] == "all" else kind
        if str(box["data-label"]).startswith("make "):
            widths[kind] += float(box["data-w"] or 0)
    assert widths == pytest.approx({"left": 1200, "made": 1200}, abs=1)
    assert any(re.fullmatch(r".*/a\.py:5\nmake", tip.rpartition("\n")[0]) for tip in page.text) or "make" in text
    assert any("</title><script>evil()</script>&:1" in tip for tip in page.text)


def test_a_flame_graph_of_nothing(scratch: Scratch, tmp_path: Path) -> None:
    scratch("trace", "--flame", "f.html", "--", "true", cwd=tmp_path)
    assert "<svg" not in (tmp_path / "f.html").read_text()
