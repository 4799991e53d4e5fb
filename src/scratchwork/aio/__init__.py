r"""scratchwork for async code, on asyncio and trio: the same names, to be awaited. Needs anyio: `scratchwork[aio]`.

    from scratchwork import aio

    async with aio.workspace("nightly") as ws:
        await (ws / "raw.csv").write_text("id,name\n")
        await ws.run(["sort", "-o", "sorted.csv", "raw.csv"])
        await aio.publish(ws / "sorted.csv", "sorted.csv")

What opens something (`workspace`, `TemporaryFile`, `ws.open`, `ws.lend`, ...) is for `async with`, or for `await`, and
then to be ended by hand. Paths are `anyio.Path`, files `anyio.AsyncFile`. `wrapped` is the object that code which is
not async has.

Guaranteed: nothing that touches a file system runs in the event loop's thread, but for a spool that is in memory. A
cancellation, of whatever kind, leaves nothing behind: what has begun runs to its end in its thread and is waited for,
or is undone. Ending a workspace takes its name away; its content is removed in the background, which nobody waits for.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.aio.files import File, Spool
    from scratchwork.aio.handing import atomic_write, handoff, publish, temp_path
    from scratchwork.aio.opening import Opening
    from scratchwork.aio.roots import Root, install, workspace
    from scratchwork.aio.tempfiles import (
        Directory,
        NamedTemporaryFile,
        SpooledTemporaryFile,
        TemporaryDirectory,
        TemporaryFile,
        gettempdir,
        gettempdirb,
        mkdtemp,
        mkstemp,
    )
    from scratchwork.aio.workspaces import Attached, Loan, Workspace

_HOMES = {
    "Attached": "workspaces",
    "Directory": "tempfiles",
    "File": "files",
    "Loan": "workspaces",
    "NamedTemporaryFile": "tempfiles",
    "Opening": "opening",
    "Root": "roots",
    "Spool": "files",
    "SpooledTemporaryFile": "tempfiles",
    "TemporaryDirectory": "tempfiles",
    "TemporaryFile": "tempfiles",
    "Workspace": "workspaces",
    "atomic_write": "handing",
    "gettempdir": "tempfiles",
    "gettempdirb": "tempfiles",
    "handoff": "handing",
    "install": "roots",
    "mkdtemp": "tempfiles",
    "mkstemp": "tempfiles",
    "publish": "handing",
    "temp_path": "handing",
    "workspace": "roots",
}

__all__ = [
    "Attached",
    "Directory",
    "File",
    "Loan",
    "NamedTemporaryFile",
    "Opening",
    "Root",
    "Spool",
    "SpooledTemporaryFile",
    "TemporaryDirectory",
    "TemporaryFile",
    "Workspace",
    "atomic_write",
    "gettempdir",
    "gettempdirb",
    "handoff",
    "install",
    "mkdtemp",
    "mkstemp",
    "publish",
    "temp_path",
    "workspace",
]


def __getattr__(name: str) -> object:
    """Load a public name on first use; the first one says so if anyio is missing."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        import_module("anyio")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "scratchwork.aio needs anyio: pip install 'scratchwork[aio]'", name=error.name
        ) from error
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
