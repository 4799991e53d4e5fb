"""`scratch run`: one program in one workspace, from its start to what is left of it."""

from __future__ import annotations

import os
import sys

from scratchwork.errors import ScratchError
from scratchwork.roots.environment import environment
from scratchwork.roots.labels import MOST_CHARACTERS
from scratchwork.roots.root import Root
from scratchwork.system.facts import Fact

if sys.platform == "win32":
    Supervisor = None
else:
    from scratchwork.jobs.supervision import Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.jobs.supervision import Orphans
    from scratchwork.roots.records import Keep
    from scratchwork.roots.workspace import Workspace

OWN_FAILURE = 125
CANNOT_EXECUTE = 126
NOT_FOUND = 127


class Job(Fact):
    """What to run, and how. `grace` in seconds; see `Supervisor` for `orphans`."""

    __slots__ = ("app", "arguments", "cwd", "directory", "grace", "json", "keep", "label", "orphans")

    def __init__(
        self,
        arguments: list[str],
        *,
        label: str = "",
        keep: Keep = "never",
        app: str = "default",
        directory: str | None = None,
        cwd: bool = False,
        orphans: Orphans = "end",
        grace: float = 5.0,
        json: bool = False,
    ) -> None:
        self.arguments = arguments
        self.label = label or _label_of(arguments[0])
        self.keep: Keep = keep
        self.app = app
        self.directory = directory
        self.cwd = cwd
        self.orphans: Orphans = orphans
        self.grace = grace
        self.json = json


def run(job: Job) -> int:
    """Run a job and return the status to exit with: the program's, 128+n for signal n, or 125, 126, 127.

    Messages go to stderr. The program gets the lease: if this process is killed the workspace lives as long
    as the program.
    """
    if Supervisor is None:
        return _complain("'run' works on Linux and macOS only; in a Python program use scratchwork.install()")
    if job.keep != "never" or os.environ.get("KEEP_TEMP"):
        _log_to_stderr()
    try:
        supervisor = Supervisor(orphans=job.orphans, grace=job.grace)
        root = Root(job.app, job.directory)
        ws = root.workspace(job.label, keep=job.keep)
    except (ScratchError, OSError) as error:
        return _complain(error)
    program = _program(job)
    if job.cwd:
        os.chdir(ws)
    os.set_inheritable(ws.fileno(), True)
    try:
        outcome = supervisor.run(program, job.arguments, {**os.environ, **environment(os.fspath(ws), os.environ)})
    except FileNotFoundError:
        return _end(ws, job, NOT_FOUND, "no such command", f"{job.arguments[0]}: no such command")
    except OSError as error:
        why = f"{job.arguments[0]}: {error.strerror}"
        return _end(ws, job, CANNOT_EXECUTE, "the command can't be executed", why)
    if outcome < 0:
        return _end(ws, job, 128 - outcome, f"killed by signal {-outcome}")
    return _end(ws, job, outcome, f"exited with status {outcome}" if outcome else "")


def _end(ws: Workspace, job: Job, status: int, failure: str, complaint: str = "") -> int:
    """End the workspace as the program's end asks for; the program's status stands whatever becomes of that."""
    if complaint:
        _complain(complaint)
    try:
        ws.end(failure)
    except OSError as error:  # CleanupIncomplete, CannotKeep, or what the operating system says
        _complain(error)
    if job.json:
        import json

        report = {"path": os.fspath(ws), "status": status, "kept": os.path.isdir(ws), "failure": failure}
        _tell(json.dumps(report))
    return status


def _program(job: Job) -> str:
    """Return what to start; a relative path means one from here, also if the job is to start elsewhere."""
    program = job.arguments[0]
    return os.path.abspath(program) if job.cwd and "/" in program else program


def _label_of(program: str) -> str:
    label = os.path.basename(program)
    return label if label.isprintable() and 0 < len(label) <= MOST_CHARACTERS else "job"


def _complain(what: object) -> int:
    _tell(f"scratch: {what}")
    return OWN_FAILURE


def _tell(line: str) -> None:
    """Write a line to stderr, if there is one that takes it; if not, the program's status still stands."""
    if sys.stderr is None:  # it was closed when we were started
        return
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except OSError:
        pass


def _log_to_stderr() -> None:
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("scratch: %(message)s"))
    logging.getLogger("scratchwork").addHandler(handler)
