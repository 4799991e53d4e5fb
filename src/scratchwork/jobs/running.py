"""`scratch run`: one program in one workspace, from its start to what is left of it."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform != "win32"

from scratchwork.errors import CannotKeep, KeptInPart, QuotaExceeded, ScratchError
from scratchwork.jobs.supervision import Supervisor
from scratchwork.roots.environment import environment
from scratchwork.roots.quota import Quota
from scratchwork.roots.root import Root
from scratchwork.system.paths import within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.jobs.confinement import Confined
    from scratchwork.jobs.job import Job
    from scratchwork.roots.workspace import Workspace

OVER_QUOTA = 122
OWN_FAILURE = 125
CANNOT_EXECUTE = 126
NOT_FOUND = 127


def run(job: Job) -> int:
    """Run a job and return the status to exit with: the program's, 128+n for signal n, or 122, 125, 126, 127.

    Messages go to stderr. The program gets the lease: if this process is killed the workspace lives as long
    as the program.
    """
    if job.keep != "never" or job.publish or os.environ.get("KEEP_TEMP"):
        _log_to_stderr()
    try:
        # First of all, since what starts in a namespace of its own, or as a watcher, is to have the signals held, too.
        supervisor = Supervisor(orphans=job.orphans, grace=job.grace, file_size=job.file_size)
        ws = _make_workspace(job, supervisor)
    except (ScratchError, OSError, ValueError) as error:
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
        complaint = f"{job.arguments[0]}: {error.strerror}"
        return _end(ws, job, CANNOT_EXECUTE, "the command can't be executed", complaint)
    if (why := supervisor.stopped_for or ws.last_look()) is not None:
        status = OVER_QUOTA if isinstance(why, QuotaExceeded) else OWN_FAILURE
        how = "was ended" if supervisor.stopped_for else "had ended before that was seen"
        return _end(ws, job, status, str(why), f"{why}; the command {how}")
    status = outcome if outcome >= 0 else 128 - outcome
    failure = f"killed by signal {-outcome}" if outcome < 0 else f"exited with status {outcome}" if outcome else ""
    return _end(ws, job, status, failure)


def _make_workspace(job: Job, supervisor: Supervisor) -> Workspace | Confined:
    """Make what the job runs in, with its quota in force. Raises ScratchError, OSError and ValueError."""
    root = Root(job.app, job.directory)
    if job.enforce == "kernel":
        if job.quota is None or job.is_placed:
            raise ValueError(
                "--enforce kernel needs --quota, the size of the memory that it lives in, and no place on a disk "
                "(--place, --candidate, --reserve, --reserve-files)"
            )
        from scratchwork.jobs.confinement import Confined

        return Confined(root, job.label, job.keep, Quota(job.quota, job.max_files))
    placement = None
    if job.is_placed:
        from scratchwork.roots.placement import Placement

        placement = Placement(
            job.place, reserve=job.reserve, files=job.reserve_files, candidates=job.candidates or None
        )
    if not job.is_limited and (placement is None and root.quota is None):
        return root.workspace(job.label, keep=job.keep)
    return root.workspace(
        job.label,
        keep=job.keep,
        quota=Quota(job.quota, job.max_files),
        enforce="watched",
        on_exceeded=supervisor.stop,
        placement=placement,
    )


def _end(ws: Workspace | Confined, job: Job, status: int, failure: str, complaint: str = "") -> int:
    """Publish results and end the workspace as the program's end asks for.

    The program's status stands whatever becomes of that, but that a success without its results, or without what was to
    be kept of it, is none.
    """
    if complaint:
        _complain(complaint)
    try:
        if status == 0:
            for source, destination in job.publish:
                _publish(ws, source, destination)
    except OSError as error:
        status = _complain(error)
        failure = f"a result was not published: {error}"
        _keep(ws, failure)
    try:
        ws.end(failure)
    except (CannotKeep, KeptInPart) as error:
        own = _complain(error)
        status = status or own
        failure = f"{failure}; {error}" if failure else str(error)
    except OSError as error:  # CleanupIncomplete, or what the operating system says
        _complain(error)
    if job.json:
        import json

        report = {"path": os.fspath(ws), "status": status, "kept": _is_kept(ws), "failure": failure}
        if job.is_limited:
            report["quota"] = {"bytes": job.quota, "files": job.max_files, "enforced": job.enforce}
        _tell(json.dumps(report))
    return status


def _is_kept(ws: Workspace | Confined) -> bool:
    from scratchwork.roots.workspace import Workspace

    return os.path.isdir(ws) if isinstance(ws, Workspace) else ws.is_kept


def _publish(ws: Workspace | Confined, source: str, destination: str) -> None:
    """Publish a file or directory of the workspace. Raises CannotPublish."""
    from scratchwork.errors import CannotPublish
    from scratchwork.system.publishing import publish

    try:
        path = within(os.fspath(ws), source)
    except ValueError:
        why = OSError(errno.EINVAL, "it does not lie in the workspace")
        raise CannotPublish(destination, source, "check", why) from None
    publish(path, destination)


def _keep(ws: Workspace | Confined, why: str) -> None:
    """See to it that nothing is lost of what could not be published."""
    try:
        ws.keep(why)
    except OSError as error:
        _complain(error)


def _program(job: Job) -> str:
    """Return what to start; a relative path means one from here, also if the job is to start elsewhere."""
    program = job.arguments[0]
    return os.path.abspath(program) if job.cwd and "/" in program else program


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
