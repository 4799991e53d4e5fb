"""What a command that `scratch run` starts finds, and how its end is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers_processes import RECORDER, Scratch, python

# glibc leaves the two signals that it uses itself, 32 and 33, ignored in what posix_spawn(3) starts.
_MEANT = ~(1 << 31 | 1 << 32)
_SHOW = "import json, os; print(json.dumps({**os.environ, 'pwd': os.getcwd()}))"


def test_temporary_files_go_into_the_workspace(scratch: Scratch) -> None:
    found = scratch("run", "--", *python(_SHOW)).json()
    workspace = found["SCRATCH_WORKSPACE"]
    assert os.path.dirname(workspace) == str(scratch.root)
    assert found["TMPDIR"] == found["TEMP"] == found["TMP"] == workspace
    assert found["JDK_JAVA_OPTIONS"] == f"-Djava.io.tmpdir={workspace}"
    assert found["pwd"] == os.getcwd()
    assert scratch.made() == []


def test_tempfile_in_the_command_heeds_it_and_what_it_leaves_is_removed(scratch: Scratch) -> None:
    leave = "import tempfile; print(tempfile.mkdtemp()); print(tempfile.mkstemp()[1])"
    done = scratch("run", "--", *python(leave))
    for path in done.out.split():
        assert path.startswith(f"{scratch.root}/")
        assert not os.path.exists(path)
    assert done.status == 0


def test_java_options_that_were_there_stay(scratch: Scratch) -> None:
    found = scratch("run", "--", *python(_SHOW), env={"JDK_JAVA_OPTIONS": "-Xmx1g"}).json()
    assert found["JDK_JAVA_OPTIONS"] == f"-Xmx1g -Djava.io.tmpdir={found['TMPDIR']}"


def test_a_java_temp_folder_that_somebody_chose_stays(scratch: Scratch) -> None:
    chosen = "-Djava.io.tmpdir=/somewhere"
    assert scratch("run", "--", *python(_SHOW), env={"JDK_JAVA_OPTIONS": chosen}).json()["JDK_JAVA_OPTIONS"] == chosen


def test_other_variables_pass_through(scratch: Scratch) -> None:
    assert scratch("run", "printenv", "OTHER", env={"OTHER": "b c"}).out == "b c\n"


def test_the_workspace_is_private_and_lies_where_dir_and_app_say(scratch: Scratch, tmp_path: Path) -> None:
    show = "import os; print(os.environ['TMPDIR'], oct(os.stat(os.environ['TMPDIR']).st_mode & 0o777))"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path, mode = scratch("run", "--app", "mine", "--dir", str(elsewhere), "--", *python(show)).out.split()
    assert os.path.dirname(path) == f"{elsewhere}/scratch-{os.geteuid()}-mine"
    assert mode == "0o700"


@pytest.mark.parametrize("status", [0, 1, 3, 125, 255])
def test_the_status_is_the_commands(scratch: Scratch, status: int) -> None:
    done = scratch("run", "--", "sh", "-c", f"exit {status}")
    assert done == type(done)(status, "", "")


@pytest.mark.parametrize("name", ["KILL", "TERM", "SEGV", "INT", "USR1"])
def test_a_command_that_a_signal_killed(scratch: Scratch, name: str) -> None:
    done = scratch("run", "--", "sh", "-c", f"ulimit -c 0; kill -{name} $$")
    assert done.status == 128 + signal.Signals[f"SIG{name}"]
    assert done.err == ""
    assert scratch.made() == []


def test_a_command_that_is_not_there(scratch: Scratch) -> None:
    for name in ("no-such-command", "./no-such-command"):
        done = scratch("run", "--", name)
        assert done.status == 127
        assert done.err == f"scratch: {name}: no such command\n"
    assert scratch.made() == []


def test_a_command_that_cannot_be_executed(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("hello")
    for path in (tmp_path / "data", tmp_path):
        done = scratch("run", "--", str(path))
        assert (done.status, done.err) == (126, f"scratch: {path}: Permission denied\n")
    assert scratch.made() == []


def test_a_script_without_an_interpreter_line_is_given_to_the_shell(scratch: Scratch, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('echo "$0" "$#" "$2"\nexit 4\n')
    script.chmod(0o755)
    done = scratch("run", "--", str(script), "a", "b c")
    assert (done.status, done.out) == (4, f"{script} 2 b c\n")


def test_cwd_starts_the_command_in_the_workspace(scratch: Scratch) -> None:
    found = scratch("run", "--cwd", "--", *python(_SHOW)).json()
    assert found["pwd"] == found["TMPDIR"]


@pytest.mark.parametrize("has_interpreter_line", [True, False])
def test_a_relative_command_is_found_from_here_also_with_cwd(
    scratch: Scratch, tmp_path: Path, has_interpreter_line: bool
) -> None:
    script = tmp_path / "here.sh"
    script.write_text(f"{'#!/bin/sh' if has_interpreter_line else ''}\npwd\n")
    script.chmod(0o755)
    done = scratch("run", "--cwd", "--", "./here.sh", cwd=tmp_path)
    assert done.err == ""
    assert os.path.dirname(done.out.strip()) == str(scratch.root)


def test_streams_and_arguments_pass_through(scratch: Scratch) -> None:
    copy = (
        "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data); sys.stderr.write(str(sys.argv[1:]))"
    )
    job = scratch.start("run", "--", *python(copy, "--keep", "", "a b", "*"))
    assert job.process.stdin is not None
    job.process.stdin.write(b"\0\xff" * 100_000)
    out, err = job.process.communicate()
    assert out == b"\0\xff" * 100_000
    assert err.decode() == "['--keep', '', 'a b', '*']"
    assert job.process.returncode == 0


def test_the_label_is_the_commands_name_unless_one_is_given(scratch: Scratch) -> None:
    show = 'basename "$TMPDIR"'
    assert scratch("run", "--", "/bin/sh", "-c", show).out.startswith("sh-")
    assert scratch("run", "--label", "night ly/x".replace("/", "_"), "--", "sh", "-c", show).out.startswith(
        "night_ly_x-"
    )


def test_a_command_whose_name_cannot_be_a_label_runs(scratch: Scratch, tmp_path: Path) -> None:
    odd = tmp_path / "o\ndd"
    odd.symlink_to("/bin/sh")
    assert scratch("run", "--", str(odd), "-c", 'basename "$TMPDIR"').out.startswith("job-")


@pytest.mark.parametrize("label", ["a/b", "a\nb", "x" * 201, "\x1b[31m"])
def test_a_bad_label_is_refused(scratch: Scratch, label: str) -> None:
    done = scratch("run", "--label", label, "--", "echo", "started")
    assert (done.status, done.out) == (125, "")
    assert done.err.startswith("scratch: a label ")
    assert done.err.count("\n") == 1
    assert "\x1b" not in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--app", "a/b"), "an application's name"),
        (("--dir", "/no/such/folder"), "choose a place that exists"),
        (("--keep", "sometimes"), "'sometimes' is not one of"),
        (("--grace", "-1"), "--grace"),
        (("--grace", "inf"), "--grace"),
        (("--grace", "nan"), "--grace"),
        (("--nonsense",), "--nonsense"),
        (("--label",), "--label"),
    ],
)
def test_failures_of_its_own_are_status_125(scratch: Scratch, arguments: tuple[str, ...], message: str) -> None:
    command = () if arguments == ("--label",) else ("--", "echo", "started")
    done = scratch("run", *arguments, *command)
    assert (done.status, done.out) == (125, "")
    assert message in done.err
    assert done.err.startswith("scratch: ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("run",), ("run", "--"), ("run", "--", "")])
def test_no_command_is_a_mistake(scratch: Scratch, arguments: tuple[str, ...]) -> None:
    done = scratch(*arguments)
    assert (done.status, done.err.count("\n")) == (125, 1)


@pytest.mark.parametrize(
    ("keep", "program", "why"),
    [
        ("never", "exit 3", None),
        ("failure", "exit 0", None),
        ("failure", "exit 3", "exited with status 3"),
        ("failure", "kill -TERM $$", "killed by signal 15"),
        ("always", "exit 0", "asked for"),
        ("always", "exit 3", "exited with status 3"),
    ],
)
def test_keep(scratch: Scratch, keep: str, program: str, why: str | None) -> None:
    done = scratch("run", "--keep", keep, "--label", "a label", "--", "sh", "-c", f'echo x > "$TMPDIR/file"; {program}')
    found = scratch.ls()
    if why is None:
        assert (found, done.err, scratch.made()) == ([], "", [])
        return
    (kept,) = found
    assert (kept["state"], kept["why"], kept["label"], kept["keep"]) == ("kept", why, "a label", keep)
    assert kept["until"] > kept["since"]
    assert kept["files"] == 1
    assert Path(kept["path"], "file").read_text() == "x\n"
    assert done.err.startswith("scratch: ")
    assert done.err.count("\n") == 1
    assert kept["path"] in done.err
    assert [one["outcome"] for one in scratch("history", "--json").json()] == ["kept"]


@pytest.mark.parametrize(("value", "is_kept"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_keep_temp_in_the_environment_keeps(scratch: Scratch, value: str, is_kept: bool) -> None:
    done = scratch("run", "--", "true", env={"KEEP_TEMP": value})
    assert len(scratch.made()) == is_kept
    assert done.err.count("\n") == is_kept


def test_a_command_that_cannot_start_is_a_failure_and_kept_as_one(scratch: Scratch) -> None:
    assert scratch("run", "--keep", "failure", "--", "no-such-command").status == 127
    assert [one["why"] for one in scratch.ls()] == ["no such command"]


@pytest.mark.parametrize(
    ("arguments", "program", "expected"),
    [
        ((), "exit 0", {"status": 0, "kept": False, "failure": ""}),
        ((), "exit 3", {"status": 3, "kept": False, "failure": "exited with status 3"}),
        (("--keep", "failure"), "kill -9 $$", {"status": 137, "kept": True, "failure": "killed by signal 9"}),
    ],
)
def test_json_is_the_last_line_on_stderr(
    scratch: Scratch, arguments: tuple[str, ...], program: str, expected: dict[str, object]
) -> None:
    done = scratch("run", "--json", *arguments, "--", "sh", "-c", f'echo "$TMPDIR"; {program}')
    report = json.loads(done.err.splitlines()[-1])
    assert report == {"path": done.out.strip(), **expected}


def test_json_of_a_command_that_is_not_there(scratch: Scratch) -> None:
    lines = scratch("run", "--json", "--", "no-such-command").err.splitlines()
    assert lines[0] == "scratch: no-such-command: no such command"
    assert json.loads(lines[1])["status"] == 127


@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&-", "2>&3"])
@pytest.mark.parametrize("arguments", [("--json",), ("--keep", "always")])
@pytest.mark.parametrize(("program", "status"), [("exit 3", 3), ("exit 0", 0)])
def test_a_stderr_that_takes_nothing_changes_nothing(
    scratch: Scratch, stderr: str, arguments: tuple[str, ...], program: str, status: int
) -> None:
    command = scratch.command("run", *arguments, "--", "sh", "-c", program)
    with_nobody_at_3 = "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 3); os.execv('/bin/sh', sys.argv[1:])"
    done = scratch.start_program(
        python(with_nobody_at_3, "sh", "-c", f'exec "$@" {stderr}', "sh", *command), close_fds=True
    ).finish()
    assert done.status == status
    assert len(scratch.made()) == ("--keep" in arguments)


@pytest.mark.parametrize("status", [0, 127])
def test_closed_standard_streams_do_no_harm(scratch: Scratch, status: int) -> None:
    command = scratch.command("run", "--", "true" if status == 0 else "no-such-command")
    done = scratch.start_program(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command]).finish()
    assert done.status == status
    assert scratch.made() == []


def test_a_full_disk_and_a_kept_workspace_do_not_hide_the_status(scratch: Scratch) -> None:
    """The root is removed under it: what is left to do can't be done, and the command's status stands."""
    done = scratch("run", "--keep", "always", "--", "sh", "-c", f"rm -rf '{scratch.root}'; exit 3")
    assert done.status == 3
    assert "Traceback" not in done.err


def test_what_the_command_removed_itself_is_fine(scratch: Scratch) -> None:
    done = scratch("run", "--", "sh", "-c", 'rm -rf "$TMPDIR"; exit 3')
    assert (done.status, done.err) == (3, "")


def test_the_dispositions_and_the_mask_of_the_command_are_the_original_ones(scratch: Scratch) -> None:
    show = ["sed", "-n", "s/^Sig\\(Blk\\|Ign\\)://p", "/proc/self/status"]
    inside = scratch("run", "--", *show).out
    outside = scratch.start_program(show).finish().out
    assert [int(text, 16) & _MEANT for text in inside.split()] == [int(text, 16) & _MEANT for text in outside.split()]
    block = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {10, 12, 15}); "
    block += "os.execvp(sys.argv[1], sys.argv[1:])"
    inside = scratch.start_program(python(block, *scratch.command("run", "--", *show))).finish().out
    assert int(inside.split()[0], 16) & ~int(outside.split()[0], 16) == 1 << 9 | 1 << 11 | 1 << 14


def test_sigpipe_kills_the_command_as_ever(scratch: Scratch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = scratch("run", "--", "sh", "-c", "echo x", stdout=writer)
    os.close(writer)
    assert done.status == 128 + signal.SIGPIPE


def test_sigchld_that_the_parent_ignored_hides_no_status(scratch: Scratch) -> None:
    ignore = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"
    )
    done = scratch.start_program(python(ignore, *scratch.command("run", "--", "sh", "-c", "exit 7"))).finish()
    assert done.status == 7


def test_under_nohup_the_command_does_not_hear_a_hangup(scratch: Scratch) -> None:
    show = ["sed", "-n", "s/^SigIgn://p", "/proc/self/status"]
    done = scratch.start_program(["nohup", *scratch.command("run", "--", *show)]).finish()
    assert int(done.out, 16) & 1
    assert not int(scratch("run", "--", *show).out, 16) & 1


def test_the_command_stays_in_the_process_group(scratch: Scratch) -> None:
    job = scratch.start("run", "--", *python(RECORDER))
    child = int(job.line().split()[1])
    assert os.getpgid(child) == os.getpgid(job.pid) == job.pid
    assert job.finish().status == 0


def test_descriptors_that_are_handed_on_reach_the_command_and_the_lease_too(scratch: Scratch) -> None:
    reader, writer = os.pipe()
    count = (
        "import os, sys; os.write(int(sys.argv[1]), b'here'); links = [os.path.join('/proc/self/fd', fd) for fd in "
        "os.listdir('/proc/self/fd')]; print(sum(os.path.islink(link) and os.readlink(link) == os.environ['TMPDIR'] "
        "for link in links))"
    )
    done = scratch("run", "--", *python(count, str(writer)), pass_fds=[writer])
    os.close(writer)
    assert os.read(reader, 100) == b"here"
    os.close(reader)
    assert done.out == "1\n"


def test_a_run_in_a_run_lies_inside_and_both_are_removed(scratch: Scratch) -> None:
    done = scratch("run", "--", *scratch.command("run", "--", "printenv", "TMPDIR"))
    outer, inner = done.out.strip().split("/scratch-")[1:]
    assert outer
    assert inner
    assert scratch.made() == []


def test_as_a_module(scratch: Scratch) -> None:
    done = scratch.start_program([sys.executable, "-m", "scratchwork", "run", "sh", "-c", "exit 9"]).finish()
    assert (done.status, done.err) == (9, "")


@pytest.mark.skipif(
    subprocess.run(["which", "java"], capture_output=True, check=False).returncode != 0, reason="no java"
)
def test_java_really_heeds_it(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "T.java").write_text(
        "class T { public static void main(String[] a) throws Exception {"
        ' System.out.println(java.nio.file.Files.createTempFile("a", "b")); } }'
    )
    done = scratch("run", "--", "java", "-Xshare:auto", str(tmp_path / "T.java"))
    assert f"{scratch.root}/" in done.out
