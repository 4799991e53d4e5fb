"""Making `tempfile`, in this process and its children, work inside one leased workspace."""

from __future__ import annotations

import os
import sys

from scratchwork.roots.environment import environment
from scratchwork.roots.root import Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchwork.roots.placement import Placement
    from scratchwork.roots.quota import Enforcement, Quota
    from scratchwork.roots.records import Keep
    from scratchwork.roots.watching import OnExceeded
    from scratchwork.roots.workspace import Workspace

_installed: list[Workspace] = []
_before: dict[str, str | None] = {}
"""What was set before that, for when the workspace has ended."""
_MODULES = frozenset({"tempfile", "scratchwork.tempfile"})


def install(
    app: str,
    dir: str | os.PathLike[str] | None = None,  # noqa: A002 - tempfile's word
    *,
    keep: Keep = "never",
    replace_tempfile: bool = False,
    quota: Quota | int | str | None = None,
    enforce: Enforcement = "metered",
    on_exceeded: OnExceeded | None = None,
    reserve: int | str | None = None,
    placement: Placement | str | None = None,
) -> Workspace:
    """From here on `tempfile`, in this process and its children, works inside one leased workspace; return it.

    It is removed at exit, or by the next sweep if the process is killed; with `keep="failure"` an uncaught exception,
    or the death of the process, keeps it. Call it once, early, from the main thread: it sets TMPDIR, TEMP and TMP for
    children and `tempfile.tempdir` for this process. A second call returns the same workspace, if it has not ended.

    `replace_tempfile`: put the functions and classes of `scratchwork.tempfile` into the standard module, in this
    process, for all who use them as `tempfile.X`. Who did `from tempfile import X` before has the original's.

    `quota`, `enforce`, `on_exceeded`, `reserve`, `placement`: as `Root.workspace` has them. "metered" counts what
    `scratchwork.tempfile` writes, so also what the standard module writes with `replace_tempfile`.

    The workspace lives as long as this process or a child forked from it. A program started by `subprocess`, which
    closes descriptors, does not hold the lease unless it is given it (`pass_fds=[ws.fileno()]`): what outlives this
    process should be. Raises what `Root` and `Root.workspace` raise.
    """
    import tempfile

    if replace_tempfile:
        from scratchwork import tempfile as ours

        ours._put_into(tempfile)  # noqa: SLF001 - our own
    if _installed:
        if not _installed[0].has_ended:
            return _installed[0]
        _apply(_before)
    ws = Root(app, dir).workspace(
        app, keep=keep, quota=quota, enforce=enforce, on_exceeded=on_exceeded, reserve=reserve, placement=placement
    )
    ws._tenure.lasts_until_exit()  # noqa: SLF001 - our own
    added = environment(os.fspath(ws), os.environ)
    _before.update({name: os.environ.get(name) for name in added}, tempdir=tempfile.tempdir)
    _apply({**added, "tempdir": os.fspath(ws)})
    _installed[:] = [ws]
    return ws


def _apply(settings: Mapping[str, str | None]) -> None:
    """Set the environment's variables, and what both modules have as `tempdir`, to what they are to be."""
    for name, value in settings.items():
        if name == "tempdir":
            for module in _MODULES.intersection(sys.modules):
                sys.modules[module].tempdir = value  # type: ignore[attr-defined]
        elif value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
