"""Running a command in a workspace, from a program that has other things to do besides.

`scratch run` is made of something else, `jobs.supervision`, which takes over the signals and children of its process.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
import time
from pathlib import Path

from scratchwork.errors import CannotKeep, ScratchError, WorkspaceGone
from scratchwork.roots.environment import environment
from scratchwork.system import groups
from scratchwork.system.paths import within
from scratchwork.system.words import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO, Any

    from scratchwork.roots.tenure import Tenure

    Output = str | os.PathLike[str] | int | IO[Any] | None

_AGAIN = 0.01  # seconds between looks at a group that was told to end: they are not our children
_LAST_BYTES = 4096  # of standard error, in which its last line is looked for
_MOST_CHARACTERS = 200  # of it in a message


class CommandFailed(ScratchError, subprocess.CalledProcessError):
    """A command that ran in a workspace exited with a status other than 0, or was killed by a signal.

    `workspace`: the path of the workspace, which is kept. The rest is as `subprocess.CalledProcessError` has it;
    `stdout` and `stderr` are paths where the output went into files of the workspace.
    """

    def __init__(
        self,
        returncode: int,
        cmd: Sequence[str],
        stdout: bytes | str | Path | None,
        stderr: bytes | str | Path | None,
        workspace: str,
    ) -> None:
        super().__init__(returncode, cmd, stdout, stderr)  # type: ignore[arg-type] # paths, besides
        self.workspace = workspace

    def __str__(self) -> str:
        words = _last_words(self.stderr)
        said = f"; it said last: {words}" if words else ""
        return f"{self.workspace}: {shlex.join(self.cmd)!r} {outcome(self.returncode)}{said}; the workspace is kept"


class Command:
    """A command for a workspace, to be run once. `stop` is for any thread; `run` blocks."""

    def __init__(
        self,
        tenure: Tenure,
        arguments: Sequence[str | os.PathLike[str]],
        *,
        check: bool = True,
        input: bytes | str | None = None,  # noqa: A002 - subprocess's word
        stdin: int | IO[Any] | None = None,
        stdout: Output = None,
        stderr: Output = None,
        encoding: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
        grace: float = 5.0,
    ) -> None:
        if isinstance(arguments, (str, bytes, os.PathLike)):
            raise TypeError(f"a command is a list of words, not {arguments!r}: it is given to no shell")
        if input is not None and stdin is not None:
            raise ValueError("what a command reads is either input or stdin, not both")
        self._words = [os.fspath(word) for word in arguments]
        if not self._words:
            raise ValueError("a command has at least one word: its name")
        if tenure.is_over:
            raise WorkspaceGone(tenure.path, "it has ended")
        self._tenure = tenure
        self._check = check
        self._input = input.encode() if isinstance(input, str) and encoding is None else input
        self._stdin = stdin
        self._outputs = (stdout, stderr)
        self._encoding = encoding
        self._env = env
        self._cwd = tenure.path if cwd is None else os.path.join(tenure.path, cwd)
        self._timeout = timeout
        self._grace = grace
        self._process: subprocess.Popen[Any] | None = None
        self._stopped_for: BaseException | None = None
        self._killer: threading.Timer | None = None
        self._is_over = threading.Event()

    def run(self) -> subprocess.CompletedProcess[Any]:
        """Run it to its end, with all that it started. See `Workspace.run`."""
        watcher = self._tenure.watcher
        if watcher is not None:
            watcher.add_listener(self.stop)
        try:
            finished = self._run()
        except subprocess.TimeoutExpired as error:
            self._keep(f"{self._words[0]!r} did not end in {self._timeout:g} s", error)
            raise
        finally:
            if watcher is not None:
                watcher.remove_listener(self.stop)
        if self._stopped_for is not None:
            raise self._stopped_for
        if self._check and finished.returncode:
            failed = CommandFailed(
                finished.returncode, self._words, finished.stdout, finished.stderr, self._tenure.path
            )
            self._keep(f"{self._words[0]!r} {outcome(finished.returncode)}", failed)
            raise failed
        return finished

    def stop(self, why: BaseException) -> None:
        """End it, with all that it started: SIGTERM, and SIGKILL after the grace time. Called again, SIGKILL now.

        `run` then raises `why`.
        """
        is_again, self._stopped_for = self._stopped_for is not None, why
        process = self._process
        if process is None or process.returncode is not None:
            return  # not started yet: then it is ended as soon as it is
        groups.tell(process.pid, kill=is_again)
        if not is_again:
            self._killer = threading.Timer(self._grace, groups.tell, (process.pid,), {"kill": True})
            self._killer.daemon = True
            self._killer.start()

    def _run(self) -> subprocess.CompletedProcess[Any]:
        try:
            process, outputs = self._start()
            if self._stopped_for is not None:
                groups.tell(process.pid, kill=True)
            stdout, stderr = process.communicate(self._input, self._timeout)
            self._end_rest(time.monotonic() + self._grace)
        except BaseException:
            if self._process is not None:
                self._end()
            raise
        finally:
            self._let_go()
        return subprocess.CompletedProcess(self._words, process.returncode, outputs[0] or stdout, outputs[1] or stderr)

    def _start(self) -> tuple[subprocess.Popen[Any], list[Path | None]]:
        """Start it; return also the paths of the files that its output goes to."""
        paths = [self._path_of(output) for output in self._outputs]
        targets: list[Any] = list(self._outputs)
        opened: list[int] = []
        try:
            for number, path in enumerate(paths):
                if path is not None:
                    is_both = number == 1 and path == paths[0]
                    targets[number] = opened[0] if is_both else _create(path)
                    opened += [] if is_both else [targets[number]]
            process = self._spawn(*targets)
        finally:
            for descriptor in opened:
                os.close(descriptor)
        if subprocess.PIPE in targets:
            threading.Thread(target=self._end_rest_of_pipe, args=(process.pid,), daemon=True).start()
        return process, paths

    def _spawn(self, stdout: Any, stderr: Any) -> subprocess.Popen[Any]:  # noqa: ANN401 - as subprocess has them
        """Start the process in a thread: an exception that a signal raises, as ctrl-C does, would lose sight of it."""
        failed: list[BaseException] = []
        inherited = os.environ if self._env is None else self._env
        reads = subprocess.PIPE if self._input is not None else self._stdin

        def spawn() -> None:
            try:
                self._process = subprocess.Popen(
                    self._words,
                    stdin=subprocess.DEVNULL if reads is None else reads,
                    stdout=stdout,
                    stderr=stderr,
                    cwd=self._cwd,
                    env={**inherited, **environment(self._tenure.path, inherited)},
                    encoding=self._encoding,
                    **groups.options(self._tenure.lease.fileno()),
                )
            except BaseException as error:  # noqa: BLE001 - for the thread that waits
                failed.append(error)

        thread = threading.Thread(target=spawn)
        thread.start()
        try:
            thread.join()
        finally:
            thread.join()  # also if that was interrupted
        if self._process is None:
            raise failed[0]
        return self._process

    def _end(self) -> None:
        """End it, since nobody waits for it any more."""
        process = self._process
        assert process is not None
        deadline = time.monotonic() + self._grace
        groups.tell(process.pid, kill=False)
        try:
            process.wait(self._grace)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.returncode is None:
                groups.tell(process.pid, kill=True)
                process.wait()
            self._end_rest(deadline)

    def _end_rest(self, deadline: float) -> None:
        """End those of its group that outlived it."""
        assert self._process is not None
        leader = self._process.pid
        if groups.is_left(leader):
            groups.tell(leader, kill=False)
        while groups.is_left(leader):
            if time.monotonic() >= deadline:
                groups.tell(leader, kill=True)
                return
            time.sleep(_AGAIN)

    def _end_rest_of_pipe(self, leader: int) -> None:
        """End those of its group that outlive it and have its output open, to whose end we read."""
        groups.await_end(leader)
        if not self._is_over.is_set():
            groups.tell(leader, kill=False)
        if not self._is_over.wait(self._grace):
            groups.tell(leader, kill=True)

    def _let_go(self) -> None:
        self._is_over.set()
        if self._killer is not None:
            self._killer.cancel()
        if self._process is not None:
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream is not None:
                    _close(stream)

    def _path_of(self, output: Output) -> Path | None:
        """Return the path of the file in the workspace that an output goes to; None if it goes elsewhere."""
        return Path(within(self._tenure.path, output)) if isinstance(output, (str, os.PathLike)) else None

    def _keep(self, why: str, error: BaseException) -> None:
        try:
            self._tenure.mark_kept(why)
        except CannotKeep as problem:
            error.add_note(str(problem))


def outcome(returncode: int) -> str:
    """Say how a command ended, from what `subprocess` calls its return code."""
    return f"was killed by signal {-returncode}" if returncode < 0 else f"exited with status {returncode}"


def _create(path: Path) -> int:
    """Open a file for a command's output, of mode 0600."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o600)


def _close(stream: IO[Any]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        pass  # it did not want to read what was left for it


def _last_words(stderr: bytes | str | Path | None) -> str:
    """Return the last line that a command wrote to standard error; '' if that was not captured, or is not there."""
    if isinstance(stderr, os.PathLike):
        try:
            with open(stderr, "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _LAST_BYTES))
                stderr = file.read()
        except OSError:
            return ""
    text = stderr.decode("utf-8", "replace") if isinstance(stderr, bytes) else stderr or ""
    lines = text.split("\n")
    words = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return printable(words)[:_MOST_CHARACTERS]
