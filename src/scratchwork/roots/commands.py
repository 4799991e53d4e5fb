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
_LOOK = 0.05  # seconds between looks at whether a program has ended whose output we read
_DYING = 1.0  # seconds that those may take who were killed
_FOREVER = float("inf")
_LAST_BYTES = 4096  # of standard error, in which its last line is looked for
_MOST_CHARACTERS = 200  # of it in a message


class CommandFailed(ScratchError, subprocess.CalledProcessError):
    """A command that ran in a workspace exited with a status other than 0, or was killed by a signal.

    `workspace`: the path of the workspace; `is_kept`: whether it is kept when it ends, as it is unless it had ended
    already, or the note of it found no room. The rest is as `subprocess.CalledProcessError` has it; `stdout` and
    `stderr` are paths where the output went into files of the workspace.
    """

    is_kept = False

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
        shown = shlex.join(map(os.fsdecode, self.cmd))
        words = _last_words(self.stderr)
        said = f"; it said last: {words}" if words else ""
        kept = "; the workspace is kept" if self.is_kept else ""
        return f"{self.workspace}: {shown!r} {outcome(self.returncode)}{said}{kept}"


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
        _check(arguments, input, stdin, encoding)
        if tenure.is_over:
            raise WorkspaceGone(tenure.path, "it has ended")
        self._tenure = tenure
        self._words = [os.fspath(word) for word in arguments]
        self._check = check
        self._input = input.encode(encoding or "utf-8") if isinstance(input, str) else input
        self._stdin = stdin
        self._outputs = (stdout, stderr)
        self._paths = [self._path_of(output) for output in self._outputs]
        self._encoding = encoding
        self._env = env
        self._cwd = tenure.path if cwd is None else os.path.join(tenure.path, cwd)
        self._timeout = timeout
        self._grace = grace
        self._lock = threading.Lock()
        self._process: subprocess.Popen[Any] | None = None
        self._group: groups.Group | None = None
        self._is_given_up = False
        self._stopped_for: BaseException | None = None
        self._killer: threading.Timer | None = None
        self._feeder: threading.Thread | None = None

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
            failed.is_kept = self._keep(f"{self._words[0]!r} {outcome(finished.returncode)}", failed)
            raise failed
        return finished

    def stop(self, why: BaseException) -> None:
        """End it, with all that it started: SIGTERM, and SIGKILL after the grace time. Called again, SIGKILL now.

        `run` then raises `why`.
        """
        with self._lock:
            is_again, self._stopped_for = self._stopped_for is not None, why
            group = self._group
        if group is None:
            return  # not started yet: then it is ended as soon as it is
        group.tell(kill=is_again)
        if not is_again:
            self._killer = threading.Timer(self._grace, group.tell, (), {"kill": True})  # no more once it is closed
            self._killer.daemon = True
            self._killer.start()

    def _run(self) -> subprocess.CompletedProcess[Any]:
        try:
            process, group = self._start()
            if self._stopped_for is not None:
                group.tell(kill=True)
            stdout, stderr = self._communicate(process, group)
            self._end_rest(group, time.monotonic() + self._grace)
        except BaseException:
            self._end()
            raise
        finally:
            self._let_go()
        return subprocess.CompletedProcess(
            self._words, process.returncode, self._paths[0] or stdout, self._paths[1] or stderr
        )

    def _start(self) -> tuple[subprocess.Popen[Any], groups.Group]:
        """Start it in a thread: an exception that a signal raises, as ctrl-C does, would lose sight of it."""
        failed: list[BaseException] = []
        is_done = threading.Event()

        def start() -> None:
            try:
                process = self._spawn()
                with self._lock:
                    self._process, self._group = process, groups.Group(process)
                    is_given_up = self._is_given_up
                if is_given_up:
                    self._end()
                    self._let_go()
            except BaseException as error:  # noqa: BLE001 - for the thread that waits
                failed.append(error)
            finally:
                is_done.set()

        try:
            threading.Thread(target=start).start()
            is_done.wait()
        except BaseException:
            with self._lock:
                self._is_given_up = True
            is_done.wait(self._grace + _LOOK)  # it may not even have begun
            raise
        if self._process is None or self._group is None:
            raise failed[0]
        return self._process, self._group

    def _spawn(self) -> subprocess.Popen[Any]:
        """Start the process, with its output in the files that were asked for."""
        inherited = os.environ if self._env is None else self._env
        reads = subprocess.PIPE if self._input is not None else self._stdin
        targets: list[Any] = list(self._outputs)
        opened: dict[Path, int] = {}
        try:
            for number, path in enumerate(self._paths):
                if path is not None:
                    targets[number] = opened[path] if path in opened else opened.setdefault(path, _create(path))
            return subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL if reads is None else reads,
                stdout=targets[0],
                stderr=targets[1],
                cwd=self._cwd,
                env={**inherited, **environment(self._tenure.path, inherited)},
                encoding=self._encoding,
                **groups.options(self._tenure.lease.fileno()),
            )
        finally:
            for descriptor in opened.values():
                os.close(descriptor)

    def _communicate(self, process: subprocess.Popen[Any], group: groups.Group) -> tuple[Any, Any]:
        """Give it what it is to read, and return what it wrote into pipes, up to its end.

        What it leaves running may have its output open: that is ended, and what can't be is not waited for.
        """
        if process.stdin is not None:
            # Not by `communicate`, which forgets what is left of it when it is called again (3.11 to 3.13).
            stdin, process.stdin = process.stdin, None
            self._feeder = threading.Thread(target=_feed, args=(stdin, self._input), daemon=True)
            self._feeder.start()
        if process.stdout is process.stderr is None:
            return process.communicate(None, self._timeout)
        deadline = _FOREVER if self._timeout is None else time.monotonic() + self._timeout
        given_up_at = _FOREVER
        while True:
            now = time.monotonic()
            try:
                return process.communicate(None, max(0.0, min(_LOOK, deadline - now)))
            except subprocess.TimeoutExpired as error:
                output, errors = error.output, error.stderr
            if now >= deadline:
                raise subprocess.TimeoutExpired(process.args, self._timeout or 0.0, output, errors)
            if given_up_at == _FOREVER and group.has_led():
                given_up_at = now + self._grace
                group.tell(kill=False)
            elif now >= given_up_at:
                group.tell(kill=True)
                process.wait()
                return self._decoded(output), self._decoded(errors)

    def _decoded(self, output: bytes | None) -> Any:  # noqa: ANN401 - as `encoding` says
        if output is None or self._encoding is None:
            return output
        return output.decode(self._encoding, "replace")

    def _end(self) -> None:
        """End it, since nobody waits for it any more."""
        process, group = self._process, self._group
        if process is None or group is None:
            return
        deadline = time.monotonic() + self._grace
        group.tell(kill=False)
        try:
            process.wait(self._grace)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.returncode is None:
                group.tell(kill=True)
                process.wait()
            self._end_rest(group, deadline)

    @staticmethod
    def _end_rest(group: groups.Group, deadline: float) -> None:
        """End those that outlived the program."""
        if group.is_left():
            group.tell(kill=False)
        while group.is_left():
            now = time.monotonic()
            if now >= deadline:
                group.tell(kill=True)
            if now >= deadline + _DYING:
                return
            time.sleep(_AGAIN)

    def _let_go(self) -> None:
        if self._killer is not None:
            self._killer.cancel()
        if self._feeder is not None:
            self._feeder.join(_DYING)  # somebody may still have what it feeds, and not read
        if self._group is not None:
            self._group.close()
        if self._process is not None:
            for stream in (self._process.stdout, self._process.stderr):
                if stream is not None:
                    stream.close()

    def _path_of(self, output: Output) -> Path | None:
        """Return the path of the file in the workspace that an output goes to; None if it goes elsewhere."""
        return Path(within(self._tenure.path, output)) if isinstance(output, (str, os.PathLike)) else None

    def _keep(self, why: str, error: BaseException) -> bool:
        """See to it that the workspace is kept, so that somebody can look; return whether it is."""
        try:
            self._tenure.mark_kept(why)
        except (CannotKeep, WorkspaceGone) as problem:
            error.add_note(str(problem))
            return False
        return True


def _check(arguments: object, data: object, stdin: Any, encoding: str | None) -> None:  # noqa: ANN401 - as Popen has it
    """Raise TypeError and ValueError for what can't be run."""
    if isinstance(arguments, (str, bytes, os.PathLike)):
        raise TypeError(f"a command is a list of words, not {arguments!r}: it is given to no shell")
    if not arguments:
        raise ValueError("a command has at least one word: its name")
    if data is not None and stdin is not None:
        raise ValueError("what a command reads is either input or stdin, not both")
    if data is not None and not isinstance(data, str):
        memoryview(data)  # type: ignore[arg-type] # raises TypeError for what is no bytes
        if encoding is not None:
            raise TypeError("with an encoding, what a command reads is a str")
    descriptor = stdin if isinstance(stdin, int) or stdin is None else stdin.fileno()
    if descriptor is not None and descriptor >= 0 and os.isatty(descriptor):
        raise ValueError("a command can't read a terminal here, having a process group of its own: use `scratch run`")


def outcome(returncode: int) -> str:
    """Say how a command ended, from what `subprocess` calls its return code."""
    return f"was killed by signal {-returncode}" if returncode < 0 else f"exited with status {returncode}"


def _create(path: Path) -> int:
    """Open a file for a command's output, of mode 0600."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o600)


def _feed(stdin: IO[Any], data: bytes | None) -> None:
    """Give a command what it is to read, as far as it wants it."""
    try:
        with getattr(stdin, "buffer", stdin) as pipe:
            pipe.write(data)
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
