"""A command that runs in a workspace: what it gets, what becomes of its output, how it is told that it failed."""

from __future__ import annotations

import os
import pickle
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scratchwork import CommandFailed, QuotaExceeded, Root, ScratchError, Workspace, WorkspaceGone
from scratchwork.roots import commands
from scratchwork.roots.tenure import Tenure
from tests.helpers_leftovers import open_descriptors
from tests.helpers_processes import until

_LARGE = b"a line that nobody reads\n" * 400_000


@pytest.fixture
def ws(root: Root) -> Iterator[Workspace]:
    with root.workspace("commands") as workspace:
        yield workspace


def sh(script: str, *arguments: str) -> list[str]:
    return ["sh", "-c", script, "sh", *arguments]


# What it gets


def test_it_starts_in_the_workspace(ws: Workspace) -> None:
    (ws / "sub").mkdir()
    for cwd, place in ((None, ws.path), ("sub", ws / "sub"), (ws / "sub", ws / "sub"), ("/", Path("/"))):
        done = ws.run(["pwd", "-P"], stdout=subprocess.PIPE, encoding="utf-8", cwd=cwd)
        assert done.stdout == f"{place.resolve()}\n"
        assert (done.returncode, done.args) == (0, ["pwd", "-P"])


def environment_of(ws: Workspace, **options: Any) -> dict[str, str]:
    done = ws.run(["env", "-0"], stdout=subprocess.PIPE, encoding="utf-8", **options)
    return dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)


def test_its_temporary_files_go_there(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "ours")
    monkeypatch.setenv("JDK_JAVA_OPTIONS", "-Xmx1g")
    found = environment_of(ws)
    assert {found[name] for name in ("TMPDIR", "TEMP", "TMP", "SCRATCH_WORKSPACE")} == {str(ws)}
    assert found["JDK_JAVA_OPTIONS"] == f"-Xmx1g -Djava.io.tmpdir={ws}"
    assert found["OURS"] == "ours"
    made = ws.run(["mktemp"], stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()
    assert Path(made).parent == ws.path


def test_an_environment_of_its_own(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "ours")
    given = {"PATH": os.environ["PATH"], "TMPDIR": "/elsewhere", "THEIRS": "theirs"}
    found = environment_of(ws, env=given)
    assert found.keys() == {"PATH", "THEIRS", "TMPDIR", "TEMP", "TMP", "SCRATCH_WORKSPACE", "JDK_JAVA_OPTIONS"}
    assert (found["THEIRS"], found["TMPDIR"]) == ("theirs", str(ws))
    assert given["TMPDIR"] == "/elsewhere"


def test_paths_are_words_too_and_no_shell_reads_them(ws: Workspace) -> None:
    (ws / "a b;c").write_bytes(b"content")
    done = ws.run([Path("/bin/cat"), ws / "a b;c"], stdout=subprocess.PIPE)
    assert done.stdout == b"content"
    assert ws.run(["echo", "$HOME", "*"], stdout=subprocess.PIPE).stdout == b"$HOME *\n"


def test_it_reads_nothing_unless_it_is_given_something(ws: Workspace) -> None:
    assert ws.run(["cat"], stdout=subprocess.PIPE).stdout == b""
    assert ws.run(["cat"], input=b"", stdout=subprocess.PIPE).stdout == b""
    assert ws.run(["cat"], input=b"\0\xff", stdout=subprocess.PIPE).stdout == b"\0\xff"
    assert ws.run(["cat"], input="é\n", stdout=subprocess.PIPE).stdout == "é\n".encode()
    assert ws.run(["cat"], input="é\n", stdout=subprocess.PIPE, encoding="latin-1").stdout == "é\n"
    (ws / "in").write_bytes(b"a file")
    with open(ws / "in", "rb") as file:
        assert ws.run(["cat"], stdin=file, stdout=subprocess.PIPE).stdout == b"a file"


def test_a_large_input_comes_back_whole(ws: Workspace) -> None:
    assert ws.run(["cat"], input=_LARGE, stdout=subprocess.PIPE).stdout == _LARGE
    done = ws.run(["cat"], input=_LARGE, stdout="copy")
    assert done.stdout == ws / "copy"
    assert (ws / "copy").read_bytes() == _LARGE


@pytest.mark.parametrize("command", [["true"], sh("exec <&-; exit 0"), ["head", "-c", "1"]], ids=shlex.join)
@pytest.mark.parametrize("stdout", [None, subprocess.DEVNULL, subprocess.PIPE, "out"], ids=repr)
def test_what_it_does_not_read_is_dropped(ws: Workspace, command: list[str], stdout: Any) -> None:
    assert ws.run(command, input=_LARGE, stdout=stdout).returncode == 0


def test_one_that_fails_without_reading_is_told_as_failed(ws: Workspace) -> None:
    with pytest.raises(CommandFailed) as caught:
        ws.run(sh("exec <&-; exit 3"), input=_LARGE, stdout=subprocess.PIPE)
    assert caught.value.returncode == 3


# Output


def test_into_files_of_the_workspace(ws: Workspace) -> None:
    (ws / "logs").mkdir()
    (ws / "out").write_text("something longer that was there before")
    done = ws.run(sh("echo out; echo err >&2"), stdout="out", stderr=Path("logs/err"))
    assert (done.stdout, done.stderr) == (ws / "out", ws / "logs" / "err")
    assert isinstance(done.stdout, Path)
    assert (ws / "out").read_text() == "out\n"
    assert (ws / "logs" / "err").read_text() == "err\n"
    assert (ws / "logs" / "err").stat().st_mode & 0o777 == 0o600


def test_both_into_one_file_by_its_name(ws: Workspace) -> None:
    """Each is written where the other one stopped, not over it."""
    done = ws.run(sh("echo one; echo two >&2; echo three"), stdout="log", stderr="log")
    assert done.stdout == done.stderr == ws / "log"
    assert (ws / "log").read_text() == "one\ntwo\nthree\n"


def test_what_subprocess_knows(ws: Workspace) -> None:
    both = sh("echo out; echo err >&2")
    done = ws.run(both, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")
    done = ws.run(both, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.stdout, done.stderr) == (b"out\nerr\n", None)
    done = ws.run(both, stdout="both", stderr=subprocess.STDOUT)
    assert (ws / "both").read_bytes() == b"out\nerr\n"
    assert (done.stdout, done.stderr) == (ws / "both", None)
    done = ws.run(both, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert (done.stdout, done.stderr) == (None, None)
    with open(ws / "file", "wb") as file:
        done = ws.run(both, stdout=file, stderr=file.fileno())
    assert (ws / "file").read_bytes() == b"out\nerr\n"
    assert (done.stdout, done.stderr) == (None, None)


def test_by_default_it_goes_where_ours_goes(ws: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    done = ws.run(sh("echo out; echo err >&2"))
    assert (done.stdout, done.stderr) == (None, None)
    assert capfd.readouterr() == ("out\n", "err\n")


def test_with_an_encoding_pipes_give_text(ws: Workspace) -> None:
    done = ws.run(sh(r"printf '\351\n'"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="latin-1")
    assert (done.stdout, done.stderr) == ("é\n", "")
    done = ws.run(sh(r"printf '\351\n'"), stdout="out", stderr=subprocess.PIPE, encoding="latin-1")
    assert (done.stdout, done.stderr) == (ws / "out", "")
    assert (ws / "out").read_bytes() == b"\xe9\n"


# How it ends


def test_the_facts_of_a_failure(root: Root) -> None:
    with root.workspace("failing") as ws:
        with pytest.raises(CommandFailed) as caught:
            ws.run(sh("echo out; echo first >&2; echo 'no such host' >&2; exit 3"), stdout="out", stderr="err")
        error = caught.value
        assert isinstance(error, subprocess.CalledProcessError)
        assert isinstance(error, ScratchError)
        assert error.returncode == 3
        assert error.cmd == sh("echo out; echo first >&2; echo 'no such host' >&2; exit 3")
        assert (error.stdout, error.output, error.stderr) == (ws / "out", ws / "out", ws / "err")
        assert error.workspace == str(ws)
        assert str(error).startswith(f"{ws}: ")
        assert str(error).endswith("exited with status 3; it said last: no such host; the workspace is kept")
    assert (ws / "out").read_text() == "out\n"
    (found,) = root.workspaces()
    assert (found.state, found.why) == ("kept", "'sh' exited with status 3")
    assert str(error).endswith("it said last: no such host; the workspace is kept"), "also when it has ended"


def test_it_is_kept_although_the_block_fails_or_is_left_well(root: Root) -> None:
    with pytest.raises(CommandFailed), root.workspace("passes through", keep="never") as ws:
        ws.run(["false"])
    assert ws.path.exists()
    with root.workspace("is caught", keep="failure") as ws:
        with pytest.raises(CommandFailed) as caught:
            ws.run(["false"])
        assert str(caught.value) == f"{ws}: 'false' exited with status 1; the workspace is kept"
    assert ws.path.exists()
    assert [found.why for found in root.workspaces()] == ["'false' exited with status 1"] * 2


def test_control_without_the_mark_it_is_gone(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tenure, "mark_kept", lambda *_: None)
    with pytest.raises(CommandFailed), root.workspace() as ws:
        ws.run(["false"])
    assert not ws.path.exists()


def test_unchecked_it_is_a_result_and_nothing_is_kept(root: Root) -> None:
    with root.workspace() as ws:
        assert ws.run(sh("exit 3"), check=False).returncode == 3
        assert ws.run(sh("kill -KILL $$"), check=False).returncode == -signal.SIGKILL
    assert not ws.path.exists()
    assert root.workspaces() == []


def test_killed_by_a_signal(ws: Workspace) -> None:
    with pytest.raises(CommandFailed, match="was killed by signal 9; the workspace is kept") as caught:
        ws.run(sh("kill -KILL $$"))
    assert caught.value.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("script", "encoding", "words"),
    [
        ("printf 'one\ntwo\n\n  \n' >&2", None, "two"),
        (r"printf 'bad \377 bytes' >&2", None, "bad � bytes"),
        (r"printf '\351t\351\n' >&2", "latin-1", "été"),
        (r"printf 'red \033[31m\n' >&2", None, "red ?[31m"),
        ("yes | head -c 100000 | tr -d '\n' >&2", None, "y" * 200),
    ],
)
def test_it_tells_the_last_line_that_it_said(ws: Workspace, script: str, encoding: str | None, words: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        ws.run(sh(f"{script}; exit 1"), stderr=subprocess.PIPE, encoding=encoding)
    assert str(caught.value).endswith(f"; it said last: {words}; the workspace is kept")
    if encoding is None:
        with pytest.raises(CommandFailed) as caught:
            ws.run(sh(f"{script}; exit 1"), stderr="err")
        assert str(caught.value).endswith(f"; it said last: {words}; the workspace is kept")


def test_the_error_survives_a_pool_of_processes(ws: Workspace) -> None:
    with pytest.raises(CommandFailed) as caught:
        ws.run(sh("exit 3"), stdout="out", stderr=subprocess.PIPE)
    error = pickle.loads(pickle.dumps(caught.value))
    assert str(error) == str(caught.value)
    assert (error.returncode, error.stdout, error.stderr, error.workspace) == (3, ws / "out", b"", str(ws))


# Quotas


def test_a_python_program_that_uses_our_tempfile_counts(root: Root) -> None:
    program = (
        "from scratchwork import tempfile, QuotaExceeded\n"
        "with tempfile.TemporaryFile() as file:\n"
        "    try: file.write(b'x' * 101)\n"
        "    except QuotaExceeded as error: print('refused', error.limit)\n"
        "    file.write(b'x' * 100)\n"
    )
    with root.workspace(quota=100) as ws:
        done = ws.run([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert done.stdout == b"refused 100\n"
        ws.open("file", "wb", 0).close()


def test_what_it_wrote_counts_once_there_is_little_left(root: Root) -> None:
    with root.workspace(quota=100) as ws:
        ws.run(["head", "-c", "60", "/dev/zero"], stdout="zeros")
        with ws.open("ours", "wb", 0) as file, pytest.raises(QuotaExceeded):
            file.write(b"x" * 101)


# Bad input


@pytest.mark.parametrize(
    ("command", "options", "error"),
    [
        (["no such command"], {}, FileNotFoundError),
        (["./none"], {}, FileNotFoundError),
        ([""], {}, (FileNotFoundError, PermissionError)),
        (["./shut"], {}, PermissionError),
        (["./directory"], {}, PermissionError),
        (["./garbage"], {}, OSError),
        ("ls -l", {}, TypeError),
        (b"ls", {}, TypeError),
        (Path("/bin/ls"), {}, TypeError),
        ([], {}, ValueError),
        ([1], {}, TypeError),
        (["echo", None], {}, TypeError),
        (["echo", "a\0b"], {}, ValueError),
        (["true"], {"cwd": "none"}, FileNotFoundError),
        (["true"], {"cwd": "shut"}, NotADirectoryError),
        (["true"], {"stdout": "../out"}, ValueError),
        (["true"], {"stderr": "/tmp/out"}, ValueError),
        (["true"], {"stdout": "."}, ValueError),
        (["true"], {"stdout": "none/out"}, FileNotFoundError),
        (["true"], {"stdout": "directory"}, IsADirectoryError),
        (["true"], {"input": b"", "stdin": subprocess.DEVNULL}, ValueError),
        (["true"], {"input": 3}, TypeError),
        (["true"], {"input": b"bytes", "encoding": "utf-8"}, TypeError),
        (["cat"], {"input": "é", "encoding": "ascii"}, UnicodeEncodeError),
        (["true"], {"stdout": subprocess.PIPE, "encoding": "utf-9"}, LookupError),
        (["true"], {"env": {"A=B": "c"}}, ValueError),
    ],
    ids=repr,
)
def test_bad_input_is_told_and_leaves_nothing(
    root: Root, command: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    with root.workspace() as ws:
        (ws / "shut").write_text("#!/bin/sh\n")
        (ws / "garbage").write_bytes(b"\0\1\2")
        (ws / "garbage").chmod(0o700)
        (ws / "directory").mkdir()
        before, descriptors = sorted(os.listdir(ws)), open_descriptors()
        with pytest.raises(error):
            ws.run(command, **options)
        assert sorted(os.listdir(ws)) == before
        assert open_descriptors() == descriptors
    assert not ws.path.exists(), "it is kept for a failure of the command, not of the call"


def test_the_messages_say_what_to_do(ws: Workspace) -> None:
    with pytest.raises(TypeError, match="a command is a list of words, not 'ls -l': it is given to no shell"):
        ws.run("ls -l")
    with pytest.raises(FileNotFoundError, match="no such command"):
        ws.run(["no such command"])


def test_an_ended_workspace_runs_nothing(root: Root) -> None:
    ws = root.workspace()
    ws.cleanup()
    with pytest.raises(WorkspaceGone, match="it has ended"):
        ws.run(["true"])


# Threads


def test_many_threads_at_once(ws: Workspace) -> None:
    wrong: list[object] = []
    barrier = threading.Barrier(16)
    before = open_descriptors()

    def work(number: int) -> None:
        barrier.wait()
        try:
            for count in range(5):
                text = f"{number}-{count}"
                done = ws.run(
                    sh('tee "$1"; exit "$2"', text, str(count)), input=text, stdout=subprocess.PIPE, check=False
                )
                if (done.returncode, done.stdout, (ws / text).read_text()) != (count, text.encode(), text):
                    wrong.append(done)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(os.listdir(ws)) == 80
    until(lambda: open_descriptors() == before, "as many descriptors as before")


def test_a_large_input_comes_back_whole_however_often_is_looked(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left to write of it is not forgotten when the reading is interrupted."""
    monkeypatch.setattr(commands, "_LOOK", 0.001)
    data = os.urandom(10_000_000)
    script = "until [ -e go ]; do sleep 0.01; done; exec cat"
    go = threading.Timer(0.1, (ws / "go").touch)
    go.start()
    assert ws.run(["sh", "-c", script], input=data, stdout=subprocess.PIPE).stdout == data
    go.join()
