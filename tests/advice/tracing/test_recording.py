"""What is recorded in a traced process, and what is told of it afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
