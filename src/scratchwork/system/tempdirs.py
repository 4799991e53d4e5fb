"""Where temporary files go: by the rules of the standard library's `tempfile`, without importing it, and by ours."""

from __future__ import annotations

import os
import sys

_VARIABLES = ("TMPDIR", "TEMP", "TMP")
_FALLBACKS = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108 - the list that tempfile uses
BATCH_VARIABLES = (
    "SLURM_TMPDIR",  # Slurm, where the site sets it
    "PBS_JOBFS",  # PBS at some sites
    "_CONDOR_SCRATCH_DIR",  # HTCondor
    "RUNNER_TEMP",  # GitHub Actions
    "AGENT_TEMPDIRECTORY",  # Azure Pipelines
    "WORKSPACE_TMP",  # Jenkins
)
"""What batch systems set to the scratch space of a job, in the order in which they are heeded."""
_WINDOWS_FALLBACKS = (r"~\AppData\Local\Temp", r"%SYSTEMROOT%\Temp", r"c:\temp", r"c:\tmp", r"\temp", r"\tmp")


def candidates() -> list[str]:
    """Return the folders that `tempfile` tries, the best first: TMPDIR, TEMP, TMP, the usual ones, the current one."""
    return [*_named(_VARIABLES), *_fallbacks(), _current()]


def places() -> list[str]:
    """Return the folders that roots may lie in, the best first: TMPDIR, TEMP, TMP, `BATCH_VARIABLES`, usual ones."""
    return [*_named(_VARIABLES), *_named(BATCH_VARIABLES), *_fallbacks()]


def tempdir() -> str:
    """Return the absolute path of the folder in which roots lie if nothing else is said.

    That is `tempfile.tempdir` where the program has set it, else the first of `places`, or the current folder, that
    exists and may be written to: what `tempfile.gettempdir()` gives, but that the job's folder of a batch system comes
    before the usual ones. Raises FileNotFoundError if none may.
    """
    module = sys.modules.get("tempfile")
    chosen = getattr(module, "tempdir", None)
    if chosen:
        return os.path.abspath(os.fsdecode(chosen))
    for candidate in [*places(), _current()]:
        path = os.path.abspath(candidate)
        if os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK):
            return path
    raise FileNotFoundError(2, "no temp folder can be written to; set TMPDIR", os.curdir)


def _named(variables: tuple[str, ...]) -> list[str]:
    return [value for variable in variables if (value := os.environ.get(variable))]


def _fallbacks() -> list[str]:
    if sys.platform == "win32":
        return [os.path.expandvars(os.path.expanduser(path)) for path in _WINDOWS_FALLBACKS]
    return list(_FALLBACKS)


def _current() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return os.curdir
