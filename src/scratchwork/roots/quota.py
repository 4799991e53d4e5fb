"""How much a workspace, or a root, may hold, and how that is put in force.

Three strengths: "metered" counts what our own file objects write, exactly; "watched" looks at what any program has
written; and the kernel's own, which `scratch run --enforce kernel` has (`jobs.confinement`).
"""

from __future__ import annotations

import os

from scratchwork.files import metering
from scratchwork.system.facts import Fact
from scratchwork.system.paths import within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from scratchwork.files.meters import Meter
    from scratchwork.roots.tenure import Tenure
    from scratchwork.roots.watching import OnExceeded
    from scratchwork.system.folders import Folder

    Enforcement = Literal["metered", "watched"]

    Amount = int | str

ENFORCEMENTS = ("metered", "watched")


class Quota(Fact):
    """How much a workspace, or all workspaces of a root together, may hold.

    `bytes`: an int, or text such as "2 GB" (powers of 1000) or "512MiB" (of 1024). `files`: how many files, directories
    and symlinks: whatever takes an inode. None: no limit. 0: nothing at all. Raises ValueError for what is negative,
    has an unknown unit, or is 2**63 or more, and TypeError.
    """

    __slots__ = ("bytes", "files")

    def __init__(self, bytes: Amount | None = None, files: Amount | None = None) -> None:  # noqa: A002 - Usage's word
        from scratchwork.system.amounts import bytes_of, count_of

        self.bytes = None if bytes is None else bytes_of(bytes)
        self.files = None if files is None else count_of(files)

    @property
    def is_none(self) -> bool:
        """Whether it limits nothing."""
        return self.bytes is None and self.files is None


def quota_of(quota: Quota | Amount | None) -> Quota | None:
    """Return a quota from what a caller gives: a Quota, or an amount of bytes. Raises as `Quota` does."""
    if quota is None or isinstance(quota, Quota):
        return quota
    return Quota(quota)


class Terms:
    """A quota, and how it is enforced. Raises ValueError for an unknown strength, and as `Quota` does."""

    __slots__ = ("_enforce", "_on_exceeded", "_quota")

    def __init__(self, quota: Quota | Amount | None, enforce: Enforcement, on_exceeded: OnExceeded | None) -> None:
        if enforce not in ENFORCEMENTS:
            raise ValueError(f"enforce is one of {', '.join(ENFORCEMENTS)}, not {enforce!r}")
        self._quota = quota_of(quota) or Quota()
        self._enforce = enforce
        self._on_exceeded = on_exceeded

    def put_in_force(self, tenure: Tenure) -> None:
        """Count and watch what goes into a workspace from now on. Raises OSError, and ValueError as `Watcher` does."""
        path = tenure.path
        meters = []
        if not self._quota.is_none:
            tenure.has_meter = True
            meters.append(make_meter(path, path + metering.SUFFIX, self._quota, is_watched=self._enforce == "watched"))
        root = metering.known(tenure.store.path)
        if root is not None:
            meters.append(root)
        if self._enforce == "watched" and meters:
            from scratchwork.roots.watching import Watcher

            tenure.watcher = Watcher(meters, self._on_exceeded, None if root is not None else tenure.store.path)


def set_root_quota(path: str, quota: Quota) -> None:
    """Set the quota of a root, for all processes at once; what is there already may be more. Raises OSError."""
    meter = metering.known(path)
    if meter is None and not quota.is_none:
        try:
            # As if it were full, so that the first who asks for something counts what is there.
            meter = make_meter(path, os.path.join(path, metering.ROOT_FILE), quota, used=_UNCOUNTED)
        except FileExistsError:
            metering.join(path)
            meter = metering.known(path)
    if meter is not None:
        meter.set_limits(*_limits(quota))


def stored(tree: str) -> Quota | None:
    """Return the quota of a tree that this process counts against; None if it has none."""
    meter = metering.known(tree)
    if meter is None:
        return None
    now = meter.read()
    most = _limits(Quota())[0]
    quota = Quota(*[None if limit == most else limit for limit in (now.limit, now.limit_files)])
    return None if quota.is_none else quota


class InForce(Fact):
    """A workspace's quota as anybody can see it: bytes and files (None: no limit), and how it is enforced."""

    __slots__ = ("bytes", "enforced", "files")

    def __init__(self, bytes: int | None, files: int | None, enforced: Enforcement) -> None:  # noqa: A002 - as in Quota
        self.bytes = bytes
        self.files = files
        self.enforced = enforced


def in_force(folder: Folder, name: str) -> InForce | None:
    """Return the quota of a workspace in a root's folder; None if it has none, or it can't be read."""
    from scratchwork.files.meters.numbers import FORMAT, UNLIMITED, numbers_of

    meter = metering.known(os.path.join(folder.path, name))
    try:
        # One that we count against is not opened a second time: see `files.meters.posix`.
        now = meter.read() if meter is not None else numbers_of(folder.read(name + metering.SUFFIX, FORMAT.size))
    except OSError:
        return None
    if now is None:
        return None
    return InForce(
        None if now.limit == UNLIMITED else now.limit,
        None if now.limit_files == UNLIMITED else now.limit_files,
        "watched" if now.is_watched else "metered",
    )


def make_meter(tree: str, path: str, quota: Quota, *, used: int = 0, is_watched: bool = False) -> Meter:
    """Make a meter with a quota as its limits. Raises OSError."""
    from scratchwork.files.meters import Numbers

    return metering.make(tree, path, Numbers(*_limits(quota), used, used, int(is_watched)))


def open_in(
    tree: str,
    name: str | os.PathLike[str],
    mode: str,
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
) -> Any:  # noqa: ANN401 - the mode tells
    """Open a file in a tree, so that its writes count. See `Workspace.open`."""
    path = within(tree, name)
    if "b" not in mode:
        import io

        encoding = io.text_encoding(encoding, 3)
    meters = metering.over_file(path)
    if meters is None:
        return open(path, mode, buffering, encoding, errors, newline)
    from scratchwork.files.metered import open_in as open_metered
    from scratchwork.files.opening import Kinds, open_with

    def open_it(_path: str, flags: int) -> int:
        return open_metered(path, flags, meters)

    file = open_with(Kinds(), open_it, mode, buffering, encoding, errors, newline, meters)
    buffered = getattr(file, "buffer", file)
    getattr(buffered, "raw", buffered).name = path
    return file


_UNCOUNTED = 2**62


def _limits(quota: Quota) -> tuple[int, int]:
    from scratchwork.system.amounts import MOST_BYTES

    return MOST_BYTES if quota.bytes is None else quota.bytes, MOST_BYTES if quota.files is None else quota.files
