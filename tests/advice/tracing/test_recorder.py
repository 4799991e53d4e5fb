"""What is recorded in a traced process, and that the process does not notice."""

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

KB = 1000


# What is made, and what becomes of it


def test_what_is_left_and_what_is_not(traced: Traced) -> None:
    traced.run("""
        def left():
            fd, path = tempfile.mkstemp()
            os.write(fd, b'x' * 100_000)
        def removed():
            with tempfile.NamedTemporaryFile() as file:
                file.write(b'x' * 200_000)
        def tree():
            with tempfile.TemporaryDirectory() as folder:
                os.makedirs(os.path.join(folder, 'a', 'b'))
                open(os.path.join(folder, 'a', 'b', 'c'), 'w').write('x' * 50_000)
        def nameless():
            with tempfile.TemporaryFile() as file:
                file.write(b'x' * 100_000)
        left(); left(); removed(); tree(); nameless()
    """)
    groups = traced.by_function()
    left, removed = groups["left"], groups["removed"]
    assert (left.made, left.left) == (2, 2)
    assert left.bytes_left == left.bytes_made >= 200 * KB
    assert sorted(left.paths) == sorted(str(path) for path in traced.temp.iterdir())
    assert (removed.made, removed.left, removed.bytes_left) == (1, 0, 0)
    assert removed.bytes_made >= 200 * KB
    assert groups["nameless"].anonymous == groups["nameless"].made == 1
    total = traced.total()
    assert total.made == 8
    assert total.bytes_made - left.bytes_made - removed.bytes_made >= 50 * KB


def test_what_is_moved(traced: Traced, tmp_path: Path) -> None:
    traced.run(
        """
        import shutil
        def inside():
            path = tempfile.mkstemp()[1]
            os.rename(path, os.path.join(tempfile.gettempdir(), 'new'))
        def out():
            folder = tempfile.mkdtemp()
            open(os.path.join(folder, 'file'), 'w').write('x' * 50_000)
            os.rename(folder, sys.argv[1])
        def failing():
            path = tempfile.mkstemp()[1]
            try: os.rename(path, '/no such folder/x')
            except OSError: pass
        def replaced():
            one, two = tempfile.mkstemp()[1], tempfile.mkstemp()[1]
            os.replace(one, two)
        inside(); out(); failing(); replaced()
        """,
        str(tmp_path / "out"),
        env={"TMPDIR": str(traced.temp)},
    )
    groups = traced.by_function()
    assert groups["inside"].paths == [str(traced.temp / "new")]
    assert (groups["failing"].made, groups["failing"].left, groups["failing"].moved_out) == (1, 1, 0)
    replaced = [group for group in traced.read().groups if group.stack[0][2] == "replaced"]
    assert sum(group.made for group in replaced) == 2
    assert sum(group.left for group in replaced) == 1


def test_what_is_published_and_what_fails_to_go(traced: Traced, tmp_path: Path) -> None:
    # Everything in /tmp is temp space, where pytest has its folders: what lies outside of it is read as such.
    from scratchwork.advice.tracing.lines import line

    temp, out = traced.temp, tmp_path / "out"
    (out / "d").mkdir(parents=True)
    (out / "d" / "f").write_text("x" * 50_000)
    (temp / "stays").write_text("")
    (temp / "full").mkdir()
    (temp / "full" / "unseen").write_text("x" * 50_000)
    with open(traced.place / "record", "ab") as record:
        record.write(line("S", "1", "a.py", "1", "make"))
        made = (("directory", "d"), ("file", "d/f"), ("file", "stays"), ("directory", "full"))
        record.writelines(line("M", "1", "1", kind, str(temp / name)) for kind, name in made)
        record.write(line("O", str(temp / "d"), str(out / "d"), "4096", "-1"))
        record.write(line("O", str(temp / "stays"), str(out / "stays"), "0", "-1"))
        record.write(line("R", str(temp / "full"), "4096"))  # rmdir of what is not empty
    (group,) = traced.read().groups
    assert (group.made, group.left, group.moved_out, group.unseen) == (4, 2, 2, 1)
    assert sorted(group.paths) == [str(temp / "full"), str(temp / "stays")]
    assert group.bytes_left >= 50 * KB
    assert group.bytes_made >= 100 * KB


def test_a_temp_folder_by_another_name(traced: Traced) -> None:
    other = traced.temp.with_name("link")
    other.symlink_to(traced.temp)
    traced.run(
        """
        def tree():
            with tempfile.TemporaryDirectory() as folder:
                open(os.path.join(folder, 'a'), 'w').write('x' * 50_000)
        def left():
            tempfile.mkstemp()
        def chosen():
            os.symlink(tempfile.gettempdir(), tempfile.gettempdir() + '2')
            tempfile.tempdir += '2'
            tree()
        tree(), left(), chosen()
        """,
        env={"TMPDIR": str(other)},
    )
    trees = [group for group in traced.read().groups if group.stack[0][2] == "tree"]
    assert [group.left for group in trees] == [0] * 4
    assert sum(group.bytes_made for group in trees) >= 100 * KB
    assert os.path.dirname(traced.by_function()["left"].paths[0]) == str(traced.temp)


def test_what_is_copied_away_is_counted_once(traced: Traced, tmpfs: Callable[[Path, str], Path]) -> None:
    other = tmpfs(traced.temp / "other", "size=4m")
    traced.run(
        """
        import shutil
        folder = tempfile.mkdtemp()
        os.makedirs(os.path.join(folder, 'd', 'e'))
        open(os.path.join(folder, 'd', 'e', 'f'), 'w').write('x' * 500_000)
        shutil.move(os.path.join(folder, 'd'), sys.argv[1])
        os.rmdir(folder)
        """,
        str(other),
    )
    total = traced.total()
    assert (total.made, total.left, total.unseen) == (7, 3, 0)
    assert 500 * KB <= total.bytes_left < 550 * KB
    assert 1000 * KB <= total.bytes_made < 1100 * KB


def test_what_other_programs_made_is_told_by_its_directory(traced: Traced) -> None:
    traced.run("""
        import subprocess
        def left():
            folder = tempfile.mkdtemp()
            subprocess.run(['sh', '-c', 'mkdir "$1/d"; head -c 50000 /dev/zero > "$1/d/f"', 'sh', folder], check=True)
            open(os.path.join(folder, 'd', 'own'), 'w').close()
        def removed():
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run(['sh', '-c', 'head -c 50000 /dev/zero > "$1/f"', 'sh', folder], check=True)
        left(); removed()
    """)
    groups = traced.read().groups
    left = next(group for group in groups if group.unseen)
    removed = next(group for group in groups if group.stack[0][2] == "removed")
    assert (left.made, left.left, left.unseen) == (1, 1, 2)
    assert left.bytes_left >= 50 * KB
    assert removed.made == 1
    assert removed.bytes_made >= 50 * KB


def test_a_file_with_two_names_is_counted_once(traced: Traced) -> None:
    traced.run("""
        path = tempfile.mkstemp()[1]
        open(path, 'w').write('x' * 1_000_000)
        os.link(path, path + '2')
    """)
    total = traced.total()
    assert total.left == 2
    assert 1000 * KB <= total.bytes_left < 1100 * KB


def test_what_the_program_chose_as_its_tempdir_is_temp_space(traced: Traced) -> None:
    # The usual folders are taken away, so that only what is said counts: all of /tmp is temp space else.
    traced.run(
        f"""
        recorder = sys.modules['_scratchwork_tracing.tracing.recorder']
        import gc
        own = next(one for one in gc.get_objects() if type(one) is recorder.Recorder)
        own.spaces = ('/nowhere/',)
        tempfile.mkstemp(dir={str(traced.temp)!r})
        tempfile.tempdir = {str(traced.temp)!r}
        tempfile.mkstemp()
        """
    )
    assert traced.total().made == 1


# Names and stacks


@pytest.mark.parametrize("name", [b"a\xffb", b"a\nb", b"a\tb\\n\x1e", "ünï \u2028".encode()])
def test_any_name(traced: Traced, name: bytes) -> None:
    path = os.path.join(os.fsencode(traced.temp), name)
    traced.run("open(bytes.fromhex(sys.argv[1]), 'w').close()", path.hex())
    assert traced.total().made == 1
    (group,) = traced.read().groups
    assert [os.fsencode(path) for path in group.paths] == [path]


def test_a_stack_of_more_than_64_kib(traced: Traced) -> None:
    traced.run("""
        name = '/' + 'x' * 400
        code = compile('def f(n):\\n  return f(n - 1) if n else tempfile.mkstemp()', name, 'exec')
        exec(code)
        f(300)
        f(20)
    """)
    assert [len(group.stack) for group in sorted(traced.read().groups, key=lambda one: len(one.stack))] == [22, 201]
    assert any(len(line) > 64 * 1024 for line in (traced.place / "record").read_bytes().split(b"\n"))
    assert "102 calls left out" in str(traced.read())


def test_near_the_limit_of_recursion_the_program_goes_on(traced: Traced) -> None:
    out = traced.run("""
        made = []
        def f(n):
            if n == 0:
                try: os.close(os.open(os.path.join(folder, str(len(made))), os.O_CREAT)); made.append(1)
                except RecursionError: pass
            else: f(n - 1)
        folder = tempfile.mkdtemp()
        for n in range(sys.getrecursionlimit() - 30, sys.getrecursionlimit()):
            try: f(n)
            except RecursionError: break
        print(len(os.listdir(folder)), len(made))
    """)
    there, made = map(int, out.split())
    assert there == made
    trace = traced.read()
    assert trace.total().made + trace.total().unseen == 1 + made
    assert trace.total().unseen == 0 or not trace.is_complete


def test_endlessly_many_stacks(traced: Traced) -> None:
    traced.run("""
        sys.modules['_scratchwork_tracing.tracing.recorder']._MOST_STACKS = 3
        for n in range(10):
            for _ in range(2):
                exec(compile('\\n' * n + 'tempfile.mkstemp()', 'f', 'exec'))
    """)
    assert sorted(group.made for group in traced.read().groups) == [2] * 10


def test_a_source_file_whose_name_is_no_name_here(traced: Traced) -> None:
    name = "\ud800\\n\t☃"
    traced.run(
        "exec(compile('tempfile.mkstemp()', sys.argv[1].encode().decode('unicode_escape'), 'exec'))",
        ascii(name)[1:-1],
    )
    (group,) = traced.read().groups
    assert group.stack[0] == ("\\ud800\\n\t\\u2603", 1, "<module>")
    assert group.left == 1


# However it ends


@pytest.mark.parametrize("end", ["os._exit(0)", "os.abort()", "os.kill(os.getpid(), 9)", "raise SystemExit"])
def test_nothing_that_was_seen_is_lost(traced: Traced, end: str) -> None:
    traced.start(f"tempfile.mkstemp()\n{end}").wait(30)
    assert traced.total().left == 1


def test_killed_in_the_middle(traced: Traced) -> None:
    body = "while True:\n    print(tempfile.mkdtemp(), flush=True)"
    with traced.start(body, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(100)]
        process.kill()
        said += process.stdout.read().split("\n")[:-1]
    paths = {path for group in traced.read().groups for path in group.paths}
    assert paths >= set(said)
    assert paths == {str(path) for path in traced.temp.iterdir()}


def test_the_control_with_a_buffer_a_kill_loses_what_was_seen(traced: Traced) -> None:
    traced.start("""
        recorder = sys.modules['_scratchwork_tracing.tracing.recorder']
        buffered = []
        recorder.write = lambda descriptor, data: buffered.append(data) or len(data)
        tempfile.mkstemp()
        os.kill(os.getpid(), 9)
    """).wait(30)
    assert traced.total().left == 0


# Several threads and processes


def test_threads(traced: Traced) -> None:
    traced.run("""
        import threading
        def make():
            for _ in range(100): tempfile.mkdtemp()
        threads = [threading.Thread(target=make) for _ in range(8)]
        [thread.start() for thread in threads]; [thread.join() for thread in threads]
    """)
    trace = traced.read()
    assert [(group.made, group.left) for group in trace.groups] == [(800, 800)]
    assert trace.is_complete


PROCESSES = """
import os, subprocess, sys, tempfile
def make(_=None):
    tempfile.mkstemp()
if __name__ == "__main__":
    if sys.argv[1] == "fork":
        if os.fork() == 0:
            make(), os._exit(0)
        os.wait()
    elif sys.argv[1] == "subprocess":
        subprocess.run([sys.executable, __file__, "fork"], check=True)
    elif sys.argv[1] == "shell":
        subprocess.run("exec '%s' '%s' fork" % (sys.executable, __file__), shell=True, check=True)
    elif sys.argv[1] == "futures":
        import concurrent.futures
        with concurrent.futures.ProcessPoolExecutor(1) as pool:
            list(pool.map(make, [1]))
    else:
        import multiprocessing
        process = multiprocessing.get_context(sys.argv[1]).Process(target=make)
        process.start(), process.join()
"""


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver", "subprocess", "shell", "futures"])
def test_child_processes(traced: Traced, tmp_path: Path, how: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROCESSES)
    subprocess.run([sys.executable, program, how], env=traced.environment, check=True, timeout=60)
    trace = traced.read()
    (group,) = (group for group in trace.groups if group.stack[0][2] == "make")
    assert (group.made, group.left) == (1, 1)
    assert len({process.pid for process in trace.processes}) >= 2


# The program does not notice


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
