"""Scratch space that never outlives its job.

Which one to use:

- `workspace("label")`: a directory for one job, gone when the block ends, and after kill -9 at the next sweep.
- `install("myapp")`: the same for a whole program; `tempfile` works inside it from then on.
- `Root("myapp")`: a place of one's own for workspaces, with its own retention, sweeps and history.
- `from scratchwork import tempfile`: the standard library's module, faster and with its faults mended.
- `Uploads(cap=...)`: a web application's uploads, in memory while small; `scratchwork.integrations` has the frameworks.
- `publish(source, destination)`, `atomic_write(path)`: readers see the old file, or the whole new one.
- the command `scratch run -- PROGRAM`: the same for any program in any language.

Guaranteed: a workspace that any process holds is never removed by another's sweep; one that nobody holds is removed, or
kept where it was to be, by the next process that opens its root; and nothing outside it is ever touched.
Not guaranteed: anything against another program of the same user that removes files itself, or against its owner,
who may end it while others use it. A program that neither holds the lease nor was started by one that still
does is not known to anybody.

(PYTEST_DONT_REWRITE: pytest would warn, since there is a plugin here, whoever imports this before he starts it.)
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.errors import (
        CannotEnforce,
        CannotKeep,
        CannotMakeWorkspace,
        CannotPublish,
        CannotWatch,
        CleanupIncomplete,
        DestinationExists,
        InvalidLabel,
        KeptInPart,
        LocksUnsupported,
        NoSuitablePlace,
        QuotaExceeded,
        ScratchError,
        SpoolFull,
        UntrustedRoot,
        UploadTooLarge,
        WorkspaceAlive,
        WorkspaceGone,
    )
    from scratchwork.files.atomic import atomic_write
    from scratchwork.files.budgets import MemoryBudget
    from scratchwork.jobs.handoff import handoff, temp_path
    from scratchwork.roots.attached import Attached
    from scratchwork.roots.commands import CommandFailed
    from scratchwork.roots.default import workspace
    from scratchwork.roots.installing import install
    from scratchwork.roots.ledger import Ended
    from scratchwork.roots.lending import Loan
    from scratchwork.roots.placement import Placement
    from scratchwork.roots.quota import Quota
    from scratchwork.roots.retention import Retention
    from scratchwork.roots.root import Found, Root
    from scratchwork.roots.sweeping import Swept
    from scratchwork.roots.uploads import Uploads
    from scratchwork.roots.workspace import Workspace
    from scratchwork.system.publishing import publish
    from scratchwork.system.trees import Usage

__version__ = "0.1.0"

_HOMES = {
    "Attached": "roots.attached",
    "CannotEnforce": "errors",
    "CannotKeep": "errors",
    "CannotMakeWorkspace": "errors",
    "CannotPublish": "errors",
    "CannotWatch": "errors",
    "CleanupIncomplete": "errors",
    "CommandFailed": "roots.commands",
    "DestinationExists": "errors",
    "Ended": "roots.ledger",
    "Found": "roots.root",
    "InvalidLabel": "errors",
    "KeptInPart": "errors",
    "Loan": "roots.lending",
    "LocksUnsupported": "errors",
    "MemoryBudget": "files.budgets",
    "NoSuitablePlace": "errors",
    "Placement": "roots.placement",
    "Quota": "roots.quota",
    "QuotaExceeded": "errors",
    "Retention": "roots.retention",
    "Root": "roots.root",
    "ScratchError": "errors",
    "SpoolFull": "errors",
    "Swept": "roots.sweeping",
    "UntrustedRoot": "errors",
    "UploadTooLarge": "errors",
    "Uploads": "roots.uploads",
    "Usage": "system.trees",
    "Workspace": "roots.workspace",
    "WorkspaceAlive": "errors",
    "WorkspaceGone": "errors",
    "atomic_write": "files.atomic",
    "handoff": "jobs.handoff",
    "install": "roots.installing",
    "publish": "system.publishing",
    "temp_path": "jobs.handoff",
    "workspace": "roots.default",
}

__all__ = [
    "Attached",
    "CannotEnforce",
    "CannotKeep",
    "CannotMakeWorkspace",
    "CannotPublish",
    "CannotWatch",
    "CleanupIncomplete",
    "CommandFailed",
    "DestinationExists",
    "Ended",
    "Found",
    "InvalidLabel",
    "KeptInPart",
    "Loan",
    "LocksUnsupported",
    "MemoryBudget",
    "NoSuitablePlace",
    "Placement",
    "Quota",
    "QuotaExceeded",
    "Retention",
    "Root",
    "ScratchError",
    "SpoolFull",
    "Swept",
    "UntrustedRoot",
    "UploadTooLarge",
    "Uploads",
    "Usage",
    "Workspace",
    "WorkspaceAlive",
    "WorkspaceGone",
    "atomic_write",
    "handoff",
    "install",
    "publish",
    "temp_path",
    "workspace",
]


def __getattr__(name: str) -> object:
    """Load a public name on first use, so that `import scratchwork` costs next to nothing (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
