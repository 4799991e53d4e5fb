"""That a traced program does not notice, whatever it does and whichever Python runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scratchwork.advice.tracing import running

from .conftest import Traced


def test_descriptors_are_the_same(traced: Traced) -> None:
    body = "print(os.open('/', os.O_RDONLY), os.open('/', os.O_RDONLY), tempfile.mkstemp()[0])"
    assert traced.run(body) == "3 4 5\n"
    assert traced.total().made == 1


def test_a_program_that_closes_all_descriptors(traced: Traced) -> None:
    traced.run("""
        tempfile.mkstemp()
        os.closerange(3, 4096)
        mine = [os.open(os.path.join(tempfile.gettempdir(), 'mine'), os.O_WRONLY | os.O_CREAT)]
        while mine[-1] < 999: mine.append(os.dup(mine[0]))
        tempfile.mkdtemp()
        assert os.fstat(mine[0]).st_size == 0
    """)
    trace = traced.read()
    assert trace.total().left == 3
    assert trace.is_complete


def test_the_control_without_a_look_at_the_descriptor_the_programs_own_file_gets_the_record(traced: Traced) -> None:
    traced.run("""
        sys.modules['_scratchwork_tracing.tracing.recorder'].Recorder._descriptor = lambda self: self._fd
        os.closerange(3, 4096)
        mine = [os.open(os.path.join(tempfile.gettempdir(), 'mine'), os.O_WRONLY | os.O_CREAT)]
        while mine[-1] < 999: mine.append(os.dup(mine[0]))
        tempfile.mkdtemp()
        assert os.fstat(mine[0]).st_size > 0
    """)


def test_few_descriptors(traced: Traced) -> None:
    traced.run("""
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
        import subprocess
        subprocess.run([sys.executable, '-c', 'import tempfile; tempfile.mkdtemp()'], check=True)
    """)
    assert traced.total().left == 1


@pytest.mark.parametrize("first", ["", "exists"])
def test_the_programs_own_sitecustomize(traced: Traced, tmp_path: Path, first: str) -> None:
    own = tmp_path / "own"
    own.mkdir()
    if first:
        (own / "sitecustomize.py").write_text("import sys, tempfile\nsys.own = tempfile.mkdtemp()\n")
    out = traced.run(
        "print(getattr(sys, 'own', ''), [p for p in sys.path if 'inside' in p])",
        env={"PYTHONPATH": f"{running._INSIDE}{os.pathsep}{own}"},
    )
    assert out.split()[-1] == "[]"
    assert traced.total().made == (1 if first else 0)


def test_a_sitecustomize_that_fails_fails_as_without_us(traced: Traced, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("1 / 0\n")
    path = f"{running._INSIDE}{os.pathsep}{tmp_path}"
    done = [
        traced.start("tempfile.mkstemp()", env={"PYTHONPATH": one}, stderr=subprocess.PIPE).communicate()[1]
        for one in (path, str(tmp_path))
    ]
    assert "ZeroDivisionError" in done[0]
    assert done[0] == done[1]
    assert traced.total().made == 1


def test_a_deleted_current_folder(traced: Traced, tmp_path: Path) -> None:
    traced.run("""
        folder = tempfile.mkdtemp()
        os.chdir(folder); os.rmdir(folder)
        try: open('relative', 'w')
        except FileNotFoundError: pass
        tempfile.mkstemp()
    """)
    assert (traced.total().made, traced.total().left) == (2, 1)


def test_it_imports_next_to_nothing(traced: Traced) -> None:
    listed = "print(*sorted(set(sys.modules) - {'sitecustomize'}))"
    plain = {name: value for name, value in traced.environment.items() if name not in {"SCRATCH_TRACE", "PYTHONPATH"}}
    command = [sys.executable, "-c", f"import sys; {listed}"]
    without = set(subprocess.run(command, env=plain, capture_output=True, text=True, check=True).stdout.split())
    traced_too = subprocess.run(command, env=traced.environment, capture_output=True, text=True, check=True).stdout
    more = {name for name in set(traced_too.split()) - without if not name.startswith("_scratchwork_tracing")}
    assert more <= {"__future__", "itertools", "atexit"}


def test_a_full_disk_for_the_record(traced: Traced, tmpfs: Callable[[Path, str], Path], tmp_path: Path) -> None:
    small = tmpfs(tmp_path / "small", "size=64k")
    traced.place = small
    running.prepare(str(small))
    (small / "filler").write_bytes(b"x" * 40 * 1024)
    out = traced.run(
        "for n in range(1000): os.mkdir(os.path.join(sys.argv[1], str(n)))\nprint('done')",
        str(traced.temp),
        env={"SCRATCH_TRACE": str(small)},
    )
    assert out == "done\n"
    assert len(list(traced.temp.iterdir())) == 1000
    trace = traced.read()
    assert not trace.is_complete
    assert 0 < trace.total().made < 1000


def test_a_program_that_would_be_killed_for_long_files(traced: Traced) -> None:
    traced.run("""
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        for _ in range(100): tempfile.mkdtemp()
    """)
    trace = traced.read()
    assert not trace.is_complete
    assert 0 < trace.total().made < 100


@pytest.mark.parametrize("first", ["pass", "os.closerange(3, 4096)"])
def test_when_the_tracer_has_gone_nothing_is_recorded_any_more(traced: Traced, first: str) -> None:
    out = traced.run(f"""
        import gc, shutil, subprocess
        recorder = sys.modules['_scratchwork_tracing.tracing.recorder']
        own = next(one for one in gc.get_objects() if type(one) is recorder.Recorder)
        shutil.rmtree(os.environ['SCRATCH_TRACE'])
        {first}
        tempfile.mkstemp()
        print(own.spaces)
        subprocess.run([sys.executable, '-c', 'import tempfile; tempfile.mkstemp()'], check=True)
    """)
    assert out == "()\n"
    assert not traced.place.exists()


def test_a_record_grows_to_its_limit(traced: Traced) -> None:
    traced.run("""
        sys.modules['_scratchwork_tracing.tracing.recorder']._MOST_BYTES = 2000
        for _ in range(100): tempfile.mkdtemp()
    """)
    trace = traced.read()
    assert not trace.is_complete
    assert 0 < trace.total().made < 100


@pytest.mark.parametrize(
    "content", [None, b"\n\xff\n\nM\t1\t\x1e\nS\t1\tx\t\x1e\nP\t\x1e\nM\t1\t9\tfile\t/nowhere\t\x1e\nM\t1"]
)
def test_a_torn_or_odd_record(traced: Traced, content: bytes | None) -> None:
    traced.run("tempfile.mkstemp()")
    record = traced.place / "record"
    whole = record.read_bytes()
    record.write_bytes(whole + content if content else whole[:-1])
    assert traced.total().made == (2 if content else 0)


# Other Pythons


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.12", "3.13", "3.14"])
def test_an_other_python_is_followed(traced: Traced, pythons: Callable[[str], str], version: str) -> None:
    traced.run("def make(): tempfile.mkstemp()\nmake()", python=pythons(version))
    trace = traced.read()
    assert [(group.made, group.left, group.stack[0][2]) for group in trace.groups] == [(1, 1, "make")]
    assert [(process.version, process.followed) for process in trace.processes] == [(version, True)]


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7"])
def test_an_old_python_runs_and_is_named(traced: Traced, pythons: Callable[[str], str], version: str) -> None:
    traced.run("tempfile.mkstemp()", python=pythons(version))
    trace = traced.read()
    assert [(process.version, process.followed) for process in trace.processes] == [(version, False)]
    assert trace.is_complete


def test_one_that_is_killed_by_a_signal(traced: Traced) -> None:
    assert traced.start("os.kill(os.getpid(), 15)").wait(30) == -signal.SIGTERM
