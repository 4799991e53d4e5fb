"""Making `tempfile`, in this process and its children, work inside one leased workspace."""

from __future__ import annotations

import os

from scratchwork.roots.environment import environment
from scratchwork.roots.root import Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.roots.records import Keep
    from scratchwork.roots.workspace import Workspace

_installed: list[Workspace] = []


def install(
    app: str,
    dir: str | os.PathLike[str] | None = None,  # noqa: A002 - tempfile's word
    *,
    keep: Keep = "never",
) -> Workspace:
    """From here on `tempfile`, in this process and its children, works inside one leased workspace; return it.

    It is removed at exit, or by the next sweep if the process is killed; with `keep="failure"` an uncaught exception,
    or the death of the process, keeps it. Call it once, early, from the main thread: it sets TMPDIR, TEMP and TMP for
    children and `tempfile.tempdir` for this process. A second call returns the same workspace.

    The workspace lives as long as this process or a child forked from it. A program started by `subprocess`, which
    closes descriptors, does not hold the lease unless it is given it (`pass_fds=[ws.fileno()]`): what outlives this
    process should be. Raises what `Root` and `Root.workspace` raise.
    """
    if _installed:
        return _installed[0]
    ws = Root(app, dir).workspace(app, keep=keep)
    ws._tenure.lasts_until_exit()  # noqa: SLF001 - our own
    os.environ.update(environment(os.fspath(ws), os.environ))
    import tempfile

    tempfile.tempdir = os.fspath(ws)
    _installed.append(ws)
    return ws
