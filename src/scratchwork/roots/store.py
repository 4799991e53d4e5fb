"""A root as it lies on the disk: its folder, leases, records and ledger, and whether it can be trusted.

scratch-1000-myapp/                        0700, ours
    root.conf                              which kind of lease works here, and the retention
    root.quota                             the meter of the root's own quota, if it has one
    ledger.jsonl  ledger.1.jsonl           how workspaces ended
    nightly-1t9k2lm-4qk-a7m2p9xq8c/        a workspace
    nightly-1t9k2lm-4qk-a7m2p9xq8c.json    its record, if it needs one
    nightly-1t9k2lm-4qk-a7m2p9xq8c.quota   the meter of its quota, if it has one
    nightly-1t9k2lm-4qk-a7m2p9xq8c.lent    the locks of those who read what is lent of it, if anything is
    nightly-1t9k2lm-4qk-a7m2p9xq8c.lock    its lease, where a directory can't be locked
    nightly-1t9k2lm-4qk-a7m2p9xq8c.gone/   a workspace whose removal goes on in the background
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from scratchwork.errors import CannotMakeWorkspace, InvalidLabel, LocksUnsupported, UntrustedRoot
from scratchwork.files import metering
from scratchwork.files.metering import ROOT_FILE, WORKSPACE_VARIABLE
from scratchwork.roots import labels, lending
from scratchwork.roots.ledger import FILE, ROTATED, Ledger
from scratchwork.roots.records import Records
from scratchwork.roots.retention import Retention
from scratchwork.system import leases, names
from scratchwork.system.folders import Folder
from scratchwork.system.tempdirs import tempdir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.system.leases import Lease
    from scratchwork.system.leases.lease import LeaseKind

KEEP_VARIABLE = "KEEP_TEMP"
"""Set to anything but '' or '0' when a root is opened, it makes every workspace a kept one."""

BESIDE = (metering.SUFFIX, lending.SUFFIX)
"""What the names of files end with that lie beside a workspace, besides its record and its lease, and go with it."""

_SETTINGS = "root.conf"
_OWN_FILES = frozenset({_SETTINGS, FILE, ROTATED, ROOT_FILE})
_APP_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_MOST_APP_CHARACTERS = 32


class Store:
    """One root, open, until nothing refers to it any more."""

    __slots__ = ("folder", "keeps_all", "leases", "ledger", "outer", "path", "records", "retention")

    def __init__(self, path: str, *, create: bool = True, retention: Retention | None = None) -> None:
        """Open the root at `path`, making it if it is not there and `create`.

        Raises UntrustedRoot, LocksUnsupported, CannotMakeWorkspace, or FileNotFoundError without `create`.
        """
        self.path = path
        self.outer = _join_outer(path)
        self.folder = _open_trusted(path, create=create)
        kind, stored = _settle(self.folder, retention, writable=create)
        self.retention = retention or stored or Retention()
        self.leases = leases.choose(kind, self.folder)
        self.ledger = Ledger(self.folder)
        self.records = Records(self.folder, self.retention.age)
        self.keeps_all = os.environ.get(KEEP_VARIABLE, "0") not in {"", "0"}
        metering.join_root(path)

    def is_own_file(self, entry: str) -> bool:
        """Whether an entry of the folder is part of the root itself."""
        return entry in _OWN_FILES or entry.startswith(_SETTINGS)

    @staticmethod
    def workspace_of(entry: str) -> str | None:
        """Return the workspace that an entry of the folder tells of, as its record or something else; else None."""
        for suffix in BESIDE:
            if entry.endswith(suffix):
                return entry.removesuffix(suffix)
        return Records.workspace_of(entry)


def root_path(app: str, directory: str | os.PathLike[str] | None) -> str:
    """Return where the root of an application lies. Raises InvalidLabel for a name that can't be used."""
    if not (isinstance(app, str) and 0 < len(app) <= _MOST_APP_CHARACTERS and _APP_CHARACTERS.issuperset(app)):
        raise InvalidLabel(
            f"an application's name has 1 to {_MOST_APP_CHARACTERS} of the characters a-z A-Z 0-9 . _ -, "
            f"not {app!r:.60}"
        )
    parent = tempdir() if directory is None else os.path.abspath(directory)
    return os.path.join(parent, root_prefix() + app)


def root_prefix() -> str:
    """Return what the names of all roots of this user begin with."""
    if sys.platform == "win32":
        return "scratch-"  # the temp folder there is the user's own
    return f"scratch-{os.geteuid()}-"


def is_root_name(name: str) -> bool:
    """Tell whether a name is that of a root, of whichever user."""
    if sys.platform == "win32":
        return name.startswith(root_prefix())
    word, _, rest = name.partition("-")
    user, _, app = rest.partition("-")
    return word == "scratch" and user.isdecimal() and app != ""


def _open_trusted(path: str, *, create: bool) -> Folder:
    made = False
    if create:
        try:
            os.mkdir(path, 0o700)
            made = True
        except FileExistsError:
            pass
        except OSError as error:
            raise CannotMakeWorkspace(path, error) from error
    try:
        folder = Folder(path)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise
        _refuse(path, os.lstat(path))
        raise CannotMakeWorkspace(path, error) from error
    status = folder.status()
    if sys.platform != "win32" and made and folder.fd is not None and status.st_mode & 0o777 != 0o700:
        os.fchmod(folder.fd, 0o700)  # an unusual umask
        status = folder.status()
    _refuse(path, status)
    if made:
        from scratchwork.roots import registry

        registry.register(path)
    return folder


def _refuse(path: str, status: os.stat_result) -> None:
    """Raise UntrustedRoot unless what `status` tells of is a directory of ours that nobody else can enter."""
    if stat.S_ISLNK(status.st_mode):
        raise UntrustedRoot(path, "it is a symlink", "remove it, or choose another directory (TMPDIR, --dir)")
    if not stat.S_ISDIR(status.st_mode):
        raise UntrustedRoot(path, "it is no directory", "remove it, or choose another directory (TMPDIR, --dir)")
    if sys.platform == "win32":
        return
    if status.st_uid != os.geteuid():
        raise UntrustedRoot(
            path, f"it belongs to user {status.st_uid}", "choose another directory (TMPDIR, --dir), or have it removed"
        )
    if status.st_mode & 0o077:
        raise UntrustedRoot(
            path,
            f"others may enter it (mode {stat.S_IMODE(status.st_mode):04o})",
            f"look at what is in it, then 'chmod 700 {path}'",
        )


def _settle(folder: Folder, retention: Retention | None, *, writable: bool) -> tuple[LeaseKind, Retention | None]:
    """Read the root's settings; where there are none, or other ones are asked for, find them out and write them."""
    kind, stored = _read_settings(folder)
    if kind is None:
        try:
            kind = leases.probe(folder)
        except OSError as error:
            raise CannotMakeWorkspace(folder.path, error) from error
        if kind is None:
            raise LocksUnsupported(folder.path)
    elif retention is None or retention == stored:
        return kind, stored
    if writable:
        try:
            folder.replace(_SETTINGS, f"{_SETTINGS}.{names.draw()}", _settings(kind, retention))
        except OSError as error:
            raise CannotMakeWorkspace(folder.path, error) from error
    return kind, retention


def _settings(kind: LeaseKind, retention: Retention | None) -> bytes:
    lines = [f"lease={kind}"]
    if retention is not None:
        lines += [f"{name}={value}" for name, value in retention.as_dict().items()]
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _read_settings(folder: Folder) -> tuple[LeaseKind | None, Retention | None]:
    """Return the settings; what can't be understood is as if it were not there."""
    try:
        text = folder.read(_SETTINGS, 4096).decode("ascii", "replace")
    except OSError:
        return None, None
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    kind: LeaseKind | None = None
    if found.get("lease") == "directory":
        kind = "directory"
    elif found.get("lease") == "file":
        kind = "file"
    try:
        retention = Retention(age=float(found["age"]), count=int(found["count"]), bytes=int(found["bytes"]))
    except (KeyError, ValueError):
        return kind, None
    return kind, retention


def _join_outer(path: str) -> list[Lease]:
    """Join the workspaces that this root lies in, if it lies in any, so that none can be swept from under us.

    All of them, the outermost too: those who held it may die before us.
    """
    outer = os.environ.get(WORKSPACE_VARIABLE, "")
    joined: list[Lease] = []
    if not outer or not path.startswith(outer + os.sep):
        return joined
    while outer != (parent := os.path.dirname(outer)):
        name = os.path.basename(outer)
        if labels.parse(name) is not None:
            try:
                lease = Store(parent, create=False).leases.join(name)
            except OSError:
                lease = None
            if lease is not None:
                joined.append(lease)
        outer = parent
    return joined
