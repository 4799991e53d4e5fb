"""`scratch run` with a quota, in the two strengths that hold for any program, and with the other limits."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scratchwork import Quota, Root
from scratchwork.roots.watching import Watch
from scratchwork.system import private_tmpfs
from tests.helpers_processes import Finished, Scratch, is_gone, until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
needs_namespaces = pytest.mark.skipif(bool(private_tmpfs.refusal()), reason=private_tmpfs.refusal())

# Each writes without an end, or far more than it may, into its temp folder.
_DD = ("dd", "if=/dev/zero", "bs=64k")
_EIGHT = """
import os, sys, tempfile
for _ in range(7):
    if os.fork() == 0:
        break
with tempfile.TemporaryFile(dir=os.environ["TMPDIR"]) as file:  # else tempfile goes elsewhere once that is full
    while True:
        file.write(b"x" * 65536)
        file.flush()
"""
_SMALL_FILES = """
import itertools, os, tempfile
folder = tempfile.mkdtemp()
for number in itertools.count():
    open(f"{folder}/{number}", "w").close()
"""


def programs(tmp_path: Path) -> dict[str, list[str]]:
    """Return real programs that outgrow any small quota."""
    much = tmp_path / "much"
    much.mkdir()
    for number in range(40):
        (much / str(number)).write_bytes(os.urandom(1_000_000))
    lines = tmp_path / "lines"
    with lines.open("w") as file:
        for number in range(1_500_000):
            file.write(f"{number * 7919 % 1_500_000:020d}\n")
    return {
        "dd": ["sh", "-c", f'{" ".join(_DD)} of="$TMPDIR/big"'],
        "sort": ["sort", "-S", "1M", "-o", str(tmp_path / "sorted"), str(lines)],
        "tar": ["sh", "-c", f'tar -C {much} -cf "$TMPDIR/a.tar" .'],
        "eight processes": [sys.executable, "-c", _EIGHT],
    }


@pytest.fixture(scope="module")
def outgrowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    path = tmp_path_factory.mktemp("outgrowing")
    yield programs(path)
    shutil.rmtree(path)


def left(scratch: Scratch) -> list[str]:
    return [entry for entry in os.listdir(scratch.root) if entry not in {"root.conf", "ledger.jsonl"}]


# Watched


@pytest.mark.parametrize("name", ["dd", "sort", "tar", "eight processes"])
def test_watched_ends_what_outgrows_its_quota(scratch: Scratch, outgrowing: dict[str, list[str]], name: str) -> None:
    done = scratch("run", "--quota", "5 MB", "--", *outgrowing[name])
    assert done.status == 122
    message = done.err.splitlines()[-1]
    assert message.startswith(f"scratch: {scratch.root}/")
    assert "its quota of 5,000,000 bytes is exceeded" in message
    assert message.endswith(("; the command was ended", "; the command had ended before that was seen"))
    assert left(scratch) == []


def test_watched_finds_what_was_written_just_before_the_end(scratch: Scratch) -> None:
    script = 'head -c 3000000 /dev/zero > "$TMPDIR/big"'
    for _ in range(5):
        done = scratch("run", "--quota", "1 MB", "--", "sh", "-c", script)
        assert done.status == 122
        assert "its quota of 1,000,000 bytes is exceeded" in done.err


@pytest.mark.parametrize("name", ["sort", "tar"])
def test_watched_lets_be_what_stays_within(scratch: Scratch, outgrowing: dict[str, list[str]], name: str) -> None:
    assert scratch("run", "--quota", "1 GB", "--max-files", "10_000", "--", *outgrowing[name]).status == 0


def test_watched_counts_files(scratch: Scratch) -> None:
    done = scratch("run", "--max-files", "500", "--", sys.executable, "-c", _SMALL_FILES)
    assert done.status == 122
    assert "its quota of 500 files is exceeded" in done.err


def test_watched_counts_what_was_deleted_but_is_open(scratch: Scratch) -> None:
    program = "import os, tempfile; file = tempfile.TemporaryFile(); os.write(file.fileno(), bytes(9_000_000)); input()"
    done = scratch("run", "--quota", "5 MB", "--", sys.executable, "-c", program, stdin=subprocess.PIPE)
    assert done.status in {1, 122}  # its stdin ends at once, so it may be quicker
    job = scratch.start("run", "--quota", "5 MB", "--", sys.executable, "-c", program)
    assert job.process.wait() == 122


def test_a_limit_below_what_is_there_at_once(scratch: Scratch) -> None:
    done = scratch("run", "--quota", "0", "--", "sh", "-c", "echo x > $TMPDIR/a; exec sleep 60")
    assert done.status == 122


def test_all_that_the_command_started_is_ended(scratch: Scratch) -> None:
    """Also what shuts its ears, and what ran away from its parents; the grace time ends when it goes on to write."""
    script = (
        'trap "" TERM; (trap "" TERM; setsid sh -c \'echo $$ >&3; exec cat /dev/zero > "$TMPDIR/b"\' &) ; '
        "echo $$ >&3; while :; do sleep 1; done"
    )
    job = scratch.start("run", "--quota", "5 MB", "--grace", "600", "--", "sh", "-c", f"exec 3>&1; {script}")
    pids = [int(job.line()), int(job.line())]
    assert job.finish().status == 122
    until(lambda: all(is_gone(pid) for pid in pids), "their end")
    assert left(scratch) == []


# Says its pid, and outgrows its quota only when its parent has gone and it is an orphan that is waited for.
_LATE = """
import os, signal, sys
signal.alarm(120)
parent = os.getpid()
if os.fork() == 0:
    if sys.argv[1] == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while os.getppid() == parent:
        pass
    print(os.getpid(), flush=True)
    file = open(os.environ["TMPDIR"] + "/big", "wb", 0)
    file.write(bytes(9_000_000))
    while True:
        signal.pause()
"""


@pytest.mark.parametrize("kind", ["obedient", "stubborn"])
def test_an_orphan_that_is_waited_for_is_ended_too(scratch: Scratch, kind: str) -> None:
    options = ("--quota", "5 MB", "--grace", "0.2", "--orphans", "wait")
    job = scratch.start("run", *options, "--", sys.executable, "-c", _LATE, kind)
    orphan = int(job.line())
    done = job.finish()
    assert (done.status, is_gone(orphan)) == (122, True)
    assert done.err.endswith("; the command was ended\n")
    assert left(scratch) == []


def test_the_report_says_what_is_in_force(scratch: Scratch) -> None:
    done = scratch("run", "--quota", "5 MB", "--json", "--keep", "failure", "--", "sh", "-c", "echo x > $TMPDIR/a")
    assert json.loads(done.err)["quota"] == {"bytes": 5_000_000, "files": None, "enforced": "watched"}


def test_ls_shows_it(scratch: Scratch) -> None:
    for options in ([], ["--quota", "2 MB"], ["--quota", "1 GB", "--max-files", "5"]):
        scratch.start("run", *options, "--", "sh", "-c", "echo; exec cat").line()
    shown = [row["quota"] for row in scratch.ls()]
    assert shown == [
        None,
        {"bytes": 2_000_000, "files": None, "enforced": "watched"},
        {"bytes": 1_000_000_000, "files": 5, "enforced": "watched"},
    ]
    table = scratch("ls").out
    assert "2.0 MB (watched)" in table
    assert "1.0 GB, 5 files (watched)" in table


def test_ls_has_no_column_for_it_where_nobody_has_one(scratch: Scratch) -> None:
    scratch("run", "--keep", "always", "--", "true")
    assert "QUOTA" not in scratch("ls").out


def test_the_quota_of_the_root_is_watched_too(scratch: Scratch) -> None:
    Root("default", scratch.temp, quota="5 MB")
    done = scratch("run", "--", "sh", "-c", f'{" ".join(_DD)} of="$TMPDIR/big"')
    assert done.status == 122
    assert done.err.splitlines()[-1].startswith(f"scratch: {scratch.root}: its quota of 5,000,000 bytes")


def test_one_that_shrinks_while_the_job_runs(scratch: Scratch) -> None:
    job = scratch.start("run", "--quota", "1 GB", "--", "sh", "-c", "head -c 9000000 /dev/zero >$TMPDIR/a; echo; cat")
    job.line()
    Root("default", scratch.temp, quota="5 MB", sweep_first=False)  # opened later: not seen by this job
    [name] = scratch.made()
    from scratchwork.files.meters import UNLIMITED, Meter

    Meter(f"{scratch.root}/{name}", f"{scratch.root}/{name}.quota").set_limits(5_000_000, UNLIMITED)
    assert job.process.wait() == 122


def test_when_it_can_not_be_watched_the_command_is_ended(scratch: Scratch) -> None:
    job = scratch.start("run", "--quota", "1 GB", "--", "sh", "-c", "echo; exec cat")
    job.line()
    [name] = scratch.made()
    os.truncate(f"{scratch.root}/{name}.quota", 0)
    assert job.process.wait() == 125
    assert job.process.stderr is not None
    assert b"the meter of a quota is damaged" in job.process.stderr.read()


# The command as a user whom modes keep out; what it imports later may lie where that user can't look.
_AS_NOBODY = """
import _ctypes, datetime, fcntl, hashlib, json, logging, os, resource, signal, sys, threading
import scratchwork.jobs.running, scratchwork.jobs.starting, scratchwork.roots.watching, scratchwork.files.meters
from scratchwork.cli import main
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.exit(main())
"""


@pytest.fixture
def open_to_all() -> Iterator[str]:
    """A temp folder that another user gets to."""
    path = tempfile.mkdtemp(prefix="t-")
    os.chmod(path, 0o777)
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("shut", ["$TMPDIR/d", "$TMPDIR"])
@pytest.mark.parametrize("mode", ["0", "300", "400"])
def test_what_can_not_be_looked_into_does_not_go_on(scratch: Scratch, open_to_all: str, shut: str, mode: str) -> None:
    place = open_to_all
    script = f"mkdir $TMPDIR/d; echo x > $TMPDIR/d/x; echo $TMPDIR; chmod {mode} {shut}; exec sleep 600"
    command = [sys.executable, "-c", _AS_NOBODY, "run", "--quota", "1M", "--grace", "0", "--", "sh", "-c", script]
    job = scratch.start_program(command, env={"TMPDIR": place})
    path = shut.replace("$TMPDIR", job.line())
    done = job.finish()
    assert (done.status, done.err.count("\n")) == (125, 1)
    assert done.err.startswith(
        f"scratch: {path}: its mode keeps us out, so the quota of what it lies in can't be watched"
    )
    assert done.err.endswith("; the command was ended\n")
    [root] = os.listdir(place)
    assert sorted(os.listdir(f"{place}/{root}")) == ["ledger.jsonl", "root.conf"]


def test_control_without_the_watch_nobody_hears_of_it(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Root("app").workspace(quota=Quota(1000), enforce="watched", on_exceeded=print) as ws:
        (ws / "a").write_bytes(bytes(100_000))
    monkeypatch.setattr(Watch, "_is_walk_due", lambda *_: False)
    told: list[OSError] = []
    with Root("app").workspace(quota=Quota(1000), enforce="watched", on_exceeded=told.append) as ws:
        (ws / "a").write_bytes(bytes(100_000))
    assert told == []


# The kernel's


@needs_namespaces
@pytest.mark.parametrize("name", ["dd", "sort", "tar"])
def test_kernel_refuses_the_write(scratch: Scratch, outgrowing: dict[str, list[str]], name: str) -> None:
    done = scratch("run", "--enforce", "kernel", "--quota", "5 MB", "--", *outgrowing[name], env={"LC_ALL": "C"})
    assert done.status not in {0, 122, 125}
    assert "No space left on device" in done.err
    assert left(scratch) == []


@needs_namespaces
def test_kernel_refuses_eight_processes(scratch: Scratch, outgrowing: dict[str, list[str]]) -> None:
    done = scratch("run", "--enforce", "kernel", "--quota", "5 MB", "--", *outgrowing["eight processes"])
    assert done.status == 1
    assert "No space left on device" in done.err


@needs_namespaces
def test_kernel_to_the_page_and_to_the_inode(scratch: Scratch) -> None:
    script = "cd $TMPDIR; : > a; mkdir b; : > c; touch d; cat /dev/zero > a; stat -c %s a; ls"
    done = scratch("run", "--enforce", "kernel", "--quota", "1 MiB", "--max-files", "3", "--", "sh", "-c", script)
    assert done.out.split() == ["1048576", "a", "b", "c"]


@needs_namespaces
def test_kernel_leaves_nothing_after_kill_9_of_everything(scratch: Scratch) -> None:
    script = 'echo x > "$TMPDIR/a"; echo $$; exec cat'
    job = scratch.start("run", "--enforce", "kernel", "--quota", "1 MiB", "--", "sh", "-c", script)
    command = int(job.line())
    assert left(scratch) == []  # nothing is seen of it even while it runs
    job.send(signal.SIGKILL)
    os.kill(command, signal.SIGKILL)
    until(lambda: is_gone(command), "its end")
    assert left(scratch) == []


@needs_namespaces
def test_kernel_keeps_and_publishes(scratch: Scratch, tmp_path: Path) -> None:
    script = "cd $TMPDIR; echo result > out; mkdir d; echo deep > d/f; ln -s d l; mkfifo pipe; chmod 600 d/f"
    options = ("--enforce", "kernel", "--quota", "1 MiB", "--keep", "always", "--publish", f"out={tmp_path}/result")
    done = scratch("run", *options, "--json", "--", "sh", "-c", script)
    assert done.status == 0
    report = json.loads(done.err.splitlines()[-1])
    assert report["kept"]
    assert report["quota"] == {"bytes": 2**20, "files": None, "enforced": "kernel"}
    assert (tmp_path / "result").read_text() == "result\n"
    kept = Path(report["path"])
    assert sorted(os.listdir(kept)) == ["d", "l"]
    assert (kept / "l" / "f").read_text() == "deep\n"
    assert [row["state"] for row in scratch.ls()] == ["kept"]
    assert [row["outcome"] for row in scratch("history", "--json").json()] == ["kept"]


@needs_namespaces
@needs_root
@pytest.mark.parametrize("own", [0, 3])
def test_kernel_says_what_it_could_not_keep(scratch: Scratch, tmpfs: Callable[[Path, str], Path], own: int) -> None:
    """Where less room is than the workspace holds: what fits is kept, whole, and the rest is named."""
    small = tmpfs(scratch.temp / "small", "size=1m,mode=700")
    script = "cd $TMPDIR; mkdir d; echo 1 > a; head -c 4M /dev/zero > d/x; echo 2 > d/y; head -c 2M /dev/zero > z"
    options = ("--dir", str(small), "--quota", "9M", "--enforce", "kernel", "--keep", "always", "--json")
    done = scratch("run", *options, "--", "sh", "-c", f"{script}; exit {own}")
    assert done.status == (own or 125)
    report = json.loads(done.err.splitlines()[-1])
    kept = Path(report["path"])
    assert f"scratch: {kept}: No space left on device" in done.err
    lost = "what could not be kept, and is lost: 'z', 'd/x'"
    assert lost in done.err
    assert lost in report["failure"]
    assert (report["status"], report["kept"]) == (done.status, True)
    assert sorted(os.listdir(kept)) == ["a", "d"]
    assert [(kept / name).read_text() for name in ("a", "d/y")] == ["1\n", "2\n"]
    assert os.listdir(kept / "d") == ["y"]
    [row] = scratch("ls", "--dir", str(small), "--json").json()
    assert row["why"].endswith("; not all of it fitted")


@needs_namespaces
@needs_root
def test_kernel_says_that_it_could_keep_nothing(scratch: Scratch, tmpfs: Callable[[Path, str], Path]) -> None:
    small = tmpfs(scratch.temp / "small", "nr_inodes=5,mode=700")
    script = f"echo > $TMPDIR/x; cd {small}; touch 1 2 3 4 5 6; exit 0"
    options = ("--dir", str(small), "--quota", "9M", "--enforce", "kernel", "--keep", "always", "--json")
    done = scratch("run", *options, "--", "sh", "-c", script)
    assert done.status == 125
    assert "what could not be kept, and is lost: all of it" in done.err
    report = json.loads(done.err.splitlines()[-1])
    assert (report["kept"], "is lost" in report["failure"]) == (False, True)


@needs_namespaces
def test_kernel_keeps_failures_only_if_asked(scratch: Scratch) -> None:
    options = ("run", "--enforce", "kernel", "--quota", "1 MiB", "--keep", "failure", "--")
    assert scratch(*options, "sh", "-c", "echo x > $TMPDIR/a").status == 0
    assert left(scratch) == []
    assert scratch(*options, "sh", "-c", "echo x > $TMPDIR/a; exit 3").status == 3
    [row] = scratch.ls()
    assert (row["state"], row["why"], row["files"]) == ("kept", "exited with status 3", 1)


@needs_namespaces
def test_kernel_programs_can_attach_and_nest(scratch: Scratch) -> None:
    program = (
        "import os, scratchwork\n"
        "with scratchwork.Workspace.attach(os.environ['SCRATCH_WORKSPACE']): pass\n"
        "with scratchwork.workspace('inner') as ws: print(str(ws).startswith(os.environ['SCRATCH_WORKSPACE']))"
    )
    done = scratch("run", "--enforce", "kernel", "--quota", "9 MB", "--", sys.executable, "-c", program)
    assert done == Finished(0, "True\n", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--enforce kernel needs --quota"),
        (("--quota", "1 MB", "--reserve", "1 MB"), "--enforce kernel needs --quota"),
        (("--quota", "0"), "whole pages"),
        (("--quota", "1 EB"), "it lives in memory, of which"),
    ],
)
def test_kernel_refuses_what_it_can_not_do(scratch: Scratch, options: tuple[str, ...], message: str) -> None:
    done = scratch("run", "--enforce", "kernel", *options, "--", "touch", str(scratch.temp / "ran"))
    assert done.status == 125
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not (scratch.temp / "ran").exists()


def unprivileged(*command: str) -> list[str]:
    """Return a command that runs without any capability, and where it may not be had back."""
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", *command]


needs_setpriv = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root, to give up its capabilities"
)


@needs_namespaces
@needs_setpriv
def test_kernel_needs_no_root(scratch: Scratch) -> None:
    """As another user, who may read the interpreter wherever it lies, and nothing else."""
    nobody = 65534
    script = 'cat /dev/zero > "$TMPDIR/a"; stat -c %s "$TMPDIR/a"; id -u; grep CapEff /proc/self/status'
    command = scratch.command("run", "--enforce", "kernel", "--quota", "1 MiB", "--", "sh", "-c", script)
    reads = "-all,+dac_read_search"
    shared = tempfile.mkdtemp(prefix="t-")
    os.chmod(shared, 0o777)
    done = scratch.start_program(
        [
            *("setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups"),
            *(f"--inh-caps={reads}", f"--ambient-caps={reads}", f"--bounding-set={reads}"),
            *command,
        ],
        env={"TMPDIR": shared},
    ).finish()
    assert done.err == "cat: write error: No space left on device\n"
    assert done.out.split() == ["1048576", str(nobody), "CapEff:", "0" * 16]
    assert sorted(os.listdir(f"{shared}/scratch-{nobody}-default")) == ["ledger.jsonl", "root.conf"]
    shutil.rmtree(shared)


@needs_setpriv
def test_where_the_kernel_forbids_it_it_says_so_and_why(scratch: Scratch) -> None:
    """In a user namespace in which no other may be made."""
    inner = scratch.command("run", "--enforce", "kernel", "--quota", "1 MiB", "--", "touch", str(scratch.temp / "ran"))
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    own = ["unshare", "--user", "--map-root-user", "sh", "-c", forbid, "sh"]
    done = scratch.start_program([*own, *unprivileged(*inner)]).finish()
    assert done.status == 125
    assert "the kernel can't enforce a quota here: user namespaces are not to be had here: " in done.err
    assert "user.max_user_namespaces is 0" in done.err
    assert done.err.count("\n") == 1
    assert not (scratch.temp / "ran").exists()


# Other limits


def test_the_size_of_each_file(scratch: Scratch) -> None:
    script = "cd $TMPDIR; head -c 1000 /dev/zero > a; head -c 3000 /dev/zero > b; echo $?; stat -c %s a b; ulimit -H -f"
    done = scratch("run", "--file-size", "2KiB", "--", "bash", "-c", script)
    assert done.out.split() == [str(128 + signal.SIGXFSZ), "1000", "2048", "2"]


def test_the_size_of_each_file_is_not_ours(scratch: Scratch) -> None:
    """The ledger, and what is kept, must go on to be written."""
    done = scratch("run", "--file-size", "0", "--keep", "always", "--", "true")
    assert done.status == 0
    assert [row["state"] for row in scratch.ls()] == ["kept"]
    assert len(scratch("history", "--json").json()) == 1


def test_results_are_published(scratch: Scratch, tmp_path: Path) -> None:
    options = ("--publish", "out=result", "--publish", f"d={tmp_path}/dir")
    done = scratch("run", "--cwd", *options, "--", "sh", "-c", "echo 1 > out; mkdir d; echo 2 > d/f", cwd=tmp_path)
    assert done == Finished(0, "", "")
    assert (tmp_path / "result").read_text() == "1\n"
    assert (tmp_path / "dir" / "f").read_text() == "2\n"
    assert left(scratch) == []


def test_of_a_failure_nothing_is_published(scratch: Scratch, tmp_path: Path) -> None:
    done = scratch("run", "--publish", f"out={tmp_path}/o", "--", "sh", "-c", "echo > $TMPDIR/out; exit 3")
    assert (done.status, (tmp_path / "o").exists()) == (3, False)


@pytest.mark.parametrize("source", ["missing", "../root.conf", "/etc/passwd", "."])
@pytest.mark.parametrize("enforce", ["watched", pytest.param("kernel", marks=needs_namespaces)])
def test_what_can_not_be_published_is_kept(scratch: Scratch, tmp_path: Path, source: str, enforce: str) -> None:
    options = ("--quota", "1 MB", "--enforce", enforce, "--publish", f"{source}={tmp_path}/o")
    done = scratch("run", *options, "--", "sh", "-c", "echo > $TMPDIR/out")
    assert done.status == 125
    assert f"scratch: {tmp_path}/o: can't publish" in done.err
    assert not (tmp_path / "o").exists()
    [row] = scratch.ls()
    assert (row["state"], row["files"]) == ("kept", 1)
