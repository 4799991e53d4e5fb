"""The root of programs that name none."""

from __future__ import annotations

from scratchwork.roots.root import Root
from scratchwork.roots.standing import Standing
from scratchwork.roots.store import root_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.roots.placement import Placement
    from scratchwork.roots.quota import Enforcement, Quota
    from scratchwork.roots.records import Keep
    from scratchwork.roots.watching import OnExceeded
    from scratchwork.roots.workspace import Workspace

APP = "default"
_open: dict[str, Root] = {}
_standing: dict[str, Standing] = {}


def workspace(
    label: str = "job",
    *,
    keep: Keep = "never",
    quota: Quota | int | str | None = None,
    enforce: Enforcement = "metered",
    on_exceeded: OnExceeded | None = None,
    reserve: int | str | None = None,
    placement: Placement | str | None = None,
) -> Workspace:
    """Make a workspace in the default root of the temp folder, as `Root.workspace` does.

    The root is opened, and swept, at the first call in a process, and again when the temp folder has changed. Safe in
    several threads.
    """
    path = root_path(APP, None)
    root = _open.get(path)
    if root is None:
        root = _open[path] = Root(APP)
    return root.workspace(
        label, keep=keep, quota=quota, enforce=enforce, on_exceeded=on_exceeded, reserve=reserve, placement=placement
    )


def standing() -> Standing:
    """Return the workspace, in the default root, for what a process needs for a moment, again and again."""
    path = root_path(APP, None)
    return _standing.setdefault(path, Standing(lambda: workspace("standing")))
