"""What is wrong with a directory as scratch space, and with the machine around it: looked at, and tried."""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile

from scratchwork.advice import cleaners, matter
from scratchwork.advice.finding import Finding
from scratchwork.errors import UntrustedRoot
from scratchwork.roots.root import Root, roots_in
from scratchwork.roots.store import root_path
from scratchwork.system import leases, mounts, private_tmpfs, tempdirs, trials, user_quota
from scratchwork.system.folders import Folder
from scratchwork.system.memory import memory
from scratchwork.system.trees import Usage
from scratchwork.system.words import duration, plural, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scratchwork.advice.finding import Severity

    Findings = Iterator[Finding]

_NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "gluster", "lustre", "fuse.sshfs", "beegfs", "gpfs")
_LITTLE, _ALMOST_NOTHING = 0.05, 0.01  # of all there is
_LITTLE_BYTES, _ALMOST_NOTHING_BYTES = 2**30, 64 * 2**20
_LITTLE_FILES, _ALMOST_NOTHING_FILES = 10_000, 500
_MUCH = 0.05  # of the file system: as much junk as somebody should look at
_MUCH_BYTES = 2**30
_OLD = 12 * 3600.0  # seconds
_MOST_OWNERS = 5
_PROTECTED = ("protected_symlinks", "protected_hardlinks", "protected_regular", "protected_fifos")


def examine(path: str, *, seconds: float = 10.0) -> list[Finding]:
    """Return what is found of a directory, in the order in which it is best read.

    What lies there is counted for so many seconds at most. Whatever is made to try something is gone again. Raises
    FileNotFoundError and NotADirectoryError; what can't be looked at is a finding.
    """
    path = os.path.abspath(path)
    if not os.path.isdir(path):
        raise _no_directory(path)
    checks: dict[str, Callable[[str], Findings]] = {
        "type": _type,
        "space": _space,
        "inodes": _inodes,
        "memory": _memory,
        "user quota": _user_quota,
        "permissions": _permissions,
        "symlink": _symlink,
        "roots": _roots,
        "trials": _trials,
        "namespaces": _namespaces,
        "cleaner": _cleaners,
        "unleased": lambda path: _matter(path, seconds),
    }
    found = []
    for topic, check in checks.items():
        try:
            found += list(check(path))
        except OSError as error:
            found.append(Finding(topic, "warning", f"can't be looked at: {error.filename}: {error.strerror}"))
    return found


def _no_directory(path: str) -> OSError:
    number = errno.ENOTDIR if os.path.exists(path) else errno.ENOENT
    why = os.strerror(number)
    if os.path.islink(path):
        there = "is no directory" if number == errno.ENOTDIR else "does not exist"
        why = f"it is a symlink to {os.readlink(path)}, which {there}"
    return OSError(number, why, path)


def _type(path: str) -> Findings:
    mount = mounts.mount_of(path)
    if mount is None:
        yield Finding("type", "note", "this system does not tell of its mounts")
        return
    text = f"{mount.type} ({mount.source}), mounted at {mount.point}"
    if "ro" in mount.options:
        yield Finding("type", "problem", f"{text}, read-only", _ELSEWHERE)
    elif mount.type.startswith(_NETWORK):
        yield Finding("type", "warning", f"{text}: a network's, slow and with locks of its own", _ELSEWHERE)
    elif mount.type == "overlay":
        yield Finding("type", "note", f"{text}: a container's own layer, slow to write to", "mount a volume there")
    else:
        yield Finding("type", "ok", text)


_ELSEWHERE = "set TMPDIR to a directory on a local disk"
_MAKE_ROOM = "'scratch sweep' removes what is dead, 'scratch sweep --unleased' old junk"


def _space(path: str) -> Findings:
    space = mounts.space(path)
    share = space.free_bytes / max(1, space.total_bytes)
    text = f"{size(space.free_bytes)} free of {size(space.total_bytes)} ({share:.0%})"
    severity: Severity = "ok"
    if space.free_bytes < min(_ALMOST_NOTHING_BYTES, space.total_bytes * _LITTLE) or share < _ALMOST_NOTHING:
        severity = "problem"
    elif share < _LITTLE and space.free_bytes < 10 * _LITTLE_BYTES:
        severity = "warning"
    yield Finding("space", severity, text, "" if severity == "ok" else _MAKE_ROOM)


def _inodes(path: str) -> Findings:
    if not hasattr(os, "statvfs"):
        return
    free, total = mounts.space(path).free_inodes, os.statvfs(path).f_files
    if free is None:
        yield Finding("inodes", "ok", "made as they are needed")
        return
    share = free / max(1, total)
    text = f"{free:,} free of {total:,} ({share:.0%})"
    severity: Severity = "ok"
    if free < min(_ALMOST_NOTHING_FILES, total * _LITTLE) or share < _ALMOST_NOTHING:
        severity = "problem"
    elif share < _LITTLE and free < 10 * _LITTLE_FILES:
        severity = "warning"
    yield Finding("inodes", severity, text, "" if severity == "ok" else _MAKE_ROOM)


def _memory(path: str) -> Findings:
    mount, space, behind = mounts.mount_of(path), mounts.space(path), memory()
    if mount is None or not mount.is_in_memory or behind is None:
        return
    used = space.total_bytes - space.free_bytes
    swap = 0 if "noswap" in mount.options else behind.total_swap
    in_swap = max(0, space.total_bytes - behind.total)
    text = (
        f"it is backed by memory: {size(used)} are taken up, and it may grow to {size(space.total_bytes)}, of which "
        f"{size(min(in_swap, swap))} would be in swap (memory: {size(behind.total)}, {size(behind.available)} of it "
        f"available; swap: {size(swap)})"
    )
    if space.total_bytes > behind.total + swap:
        advice = "jobs that fill it have processes killed: limit it (mount -o size=...), or set TMPDIR to a disk"
        yield Finding("memory", "warning", f"{text}; that is more than there is", advice)
    else:
        yield Finding("memory", "note", text, "for much data: 'scratch run --place disk'")


def _user_quota(path: str) -> Findings:
    quota = user_quota.user_quota(path)
    if quota is None or not (quota.limit or quota.limit_files):
        return
    parts = []
    if quota.limit:
        parts.append(f"{size(quota.used)} of {size(quota.limit)}")
    if quota.limit_files:
        parts.append(f"{quota.files:,} of {quota.limit_files:,} files")
    is_near = _is_near(quota.used, quota.limit) or _is_near(quota.files, quota.limit_files)
    yield Finding(
        "user quota", "warning" if is_near else "note", f"you have {' and '.join(parts)}", _MAKE_ROOM if is_near else ""
    )


def _is_near(used: int, limit: int) -> bool:
    return limit > 0 and used > limit * (1 - _LITTLE)


def _permissions(path: str) -> Findings:
    if sys.platform == "win32":
        return
    status = os.stat(path)
    mode = stat.S_IMODE(status.st_mode)
    text = f"mode {mode:04o}, of {_user(status.st_uid)}"
    is_shared = bool(mode & 0o022)
    if status.st_uid not in {0, os.geteuid()}:
        yield Finding("permissions", "problem", f"{text}, who can replace whatever lies there", _ELSEWHERE)
    elif is_shared and not mode & stat.S_ISVTX:
        whom = "everybody" if mode & 0o002 else "its group"
        advice = f"'chmod +t {path}', as for /tmp"
        yield Finding("permissions", "problem", f"{text}: {whom} may remove and replace what others made", advice)
    else:
        yield Finding("permissions", "ok", text + (", with the sticky bit" if mode & stat.S_ISVTX else ""))
    for parent in _parents(os.path.realpath(path)):
        status = os.stat(parent)
        if status.st_uid not in {0, os.geteuid()}:
            text = f"{parent} belongs to {_user(status.st_uid)}, who can replace all below"
            yield Finding("permissions", "warning", text, "use it only if you trust that user")
        elif status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
            text = f"others may replace all below {parent} (mode {stat.S_IMODE(status.st_mode):04o})"
            yield Finding("permissions", "problem", text, f"'chmod go-w {parent}'")
    unset = [name for name in _PROTECTED if _sysctl(f"fs/{name}") == "0"] if is_shared else []
    if unset:
        names = ", ".join(f"fs.{name}" for name in unset)
        advice = f"'sysctl -w {' '.join(f'fs.{name}=1' for name in unset)}'"
        yield Finding("permissions", "warning", f"others can lay traps there: {names} is 0", advice)


def _symlink(path: str) -> Findings:
    for part in [path, *_parents(path)]:
        if os.path.islink(part):
            owner = os.lstat(part).st_uid
            text = f"{part} is a symlink to {os.readlink(part)}"
            if sys.platform != "win32" and owner not in {0, os.geteuid()}:
                text += f", of {_user(owner)}, who may change it at any time"
                yield Finding("symlink", "problem", text, f"say {os.path.realpath(path)} where that is meant")
            else:
                yield Finding("symlink", "note", text)


def _roots(path: str) -> Findings:
    alive = kept = dead = 0
    dead_usage, kept_usage = Usage(), Usage()
    default = root_path("default", path)
    for found in dict.fromkeys([*roots_in(path), *([default] if os.path.lexists(default) else [])]):
        try:
            root = Root.at(found)
        except UntrustedRoot as error:
            yield Finding("roots", "problem", f"{found} is not yours alone: {error.why}", error.advice)
            continue
        for one in root.workspaces():
            if one.state == "dead":
                dead += 1
                dead_usage += root.usage_of(one.name)
            elif one.state == "kept":
                kept += 1
                kept_usage += root.usage_of(one.name)
            else:
                alive += 1
    text = f"alive: {alive:,}; dead: {dead:,} ({size(dead_usage.bytes)}); kept: {kept:,} ({size(kept_usage.bytes)})"
    is_much = _is_much(path, dead_usage.bytes + kept_usage.bytes)
    advice = "'scratch sweep' removes what is dead, 'scratch rm PATH' what is kept" if dead or is_much else ""
    yield Finding("workspaces", "warning" if is_much else "note" if dead else "ok", f"yours there: {text}", advice)


def _trials(path: str) -> Findings:
    try:
        inner = tempfile.mkdtemp(prefix="scratch-doctor-", dir=path)
    except OSError as error:
        text = f"nothing can be made there: {error.strerror}"
        yield Finding("writable", "problem", text, "set TMPDIR to a directory that you may write to")
        return
    try:
        yield from _tried(inner)
    finally:
        os.rmdir(inner)


def _tried(inner: str) -> Findings:
    why = trials.can_write(inner)
    if why:
        yield Finding("writable", "problem", f"files can be made there, but not written: {why}", _MAKE_ROOM)
        return
    yield Finding("writable", "ok", "files can be made and written there")
    why = trials.can_execute(inner)
    if why:
        advice = "builds and installers fail there: 'scratch run --place executable', or set TMPDIR to another place"
        yield Finding("executable", "warning", why, advice)
    else:
        yield Finding("executable", "ok", "programs there can be executed")
    kind = leases.probe(Folder(inner))
    if kind == "directory":
        yield Finding("locks", "ok", "directories can be locked")
    elif kind == "file":
        yield Finding("locks", "note", "directories can't be locked, files can: a lock file beside each workspace")
    else:
        yield Finding("locks", "problem", "no lock holds there, so nobody can tell what is alive", _ELSEWHERE)
    for topic, try_it, what, instead in (
        ("anonymous", trials.can_make_anonymous, "files without a name", "they have one for an instant"),
        ("links", trials.can_link, "links", "publishing renames or copies"),
        ("symlinks", trials.can_symlink, "symlinks", "what unpacks archives there may fail"),
    ):
        why = try_it(inner)
        text = f"{what} can't be made ({why}): {instead}" if why else f"{what} can be made"
        yield Finding(topic, "note" if why else "ok", text)


def _namespaces(path: str) -> Findings:
    del path
    why = private_tmpfs.refusal()
    if why:
        yield Finding("namespaces", "note", f"the kernel can't enforce quotas: {why}", "quotas can still be watched")
    else:
        yield Finding("namespaces", "ok", "the kernel can enforce quotas ('scratch run --enforce kernel')")


def _cleaners(path: str) -> Findings:
    real = os.path.realpath(path)
    root = root_path("default", real)
    found = cleaners.cleaners(real, root)
    for one in found:
        text = f"{one.name} removes what is {f'older than {one.age}' if one.age else 'old'} in {one.directory}"
        text += f" ({one.source})"
        if not one.is_running:
            yield Finding("cleaner", "note", f"{text}, but nothing starts it here")
        elif one.spares:
            yield Finding("cleaner", "ok", f"{text}; it is told to leave scratchwork's roots alone")
        elif one.heeds_leases:
            text += "; what is leased it leaves alone, as that is locked, but the data of other living jobs it ages"
            yield Finding("cleaner", "note", text, "run them with 'scratch run'")
        else:
            text += ", also from under living jobs"
            yield Finding("cleaner", "warning", text, f"tell it to leave {os.path.dirname(root)}/scratch-* alone")
    if not found:
        text = "none is known to clean it: what is left there stays"
        yield Finding("cleaner", "note", text, "let cron or a timer run 'scratch sweep'")


def _matter(path: str, seconds: float) -> Findings:
    real = os.path.realpath(path)
    found = matter.look(real, seconds=seconds)
    least = "" if found.complete else "at least "
    for owner, heap in found.roots.items():
        held = f"{least}{size(heap.usage.bytes)}" if heap.usage.files else "nothing that you may look at"
        yield Finding("workspaces", "note", f"of {_user(owner)}: {plural(heap.count, 'root')}, {held}")
    is_temp = _is_temp(path)
    owners = found.of_owners()
    for owner, heap in list(owners.items())[:_MOST_OWNERS]:
        is_ours = sys.platform == "win32" or owner == os.geteuid()
        whose = "yours" if is_ours else f"of {_user(owner)}"
        count = f"{heap.count:,} {'entry' if heap.count == 1 else 'entries'}"
        text = f"{whose}: {least}{count}, {size(heap.usage.bytes)}, {plural(heap.usage.files, 'file')}"
        advice = ""
        worst = found.worst(owner, _OLD)
        if is_ours and is_temp and worst is not None:
            age = duration(worst.age)
            text += f"; {worst.count:,} of them {worst.stem}, {size(worst.usage.bytes)}, untouched for {age}"
            advice = f"scratch sweep --unleased {real} --match '{worst.stem}'"
        is_much = is_temp and _is_much(path, heap.usage.bytes)
        yield Finding("unleased", "warning" if is_much else "note", text, advice)
    if not owners:
        yield Finding("unleased", "ok", "nothing lies there that nobody leased")
    elif len(owners) > _MOST_OWNERS:
        yield Finding("unleased", "note", f"and of {plural(len(owners) - _MOST_OWNERS, 'other user')}")


def _is_temp(path: str) -> bool:
    """Whether a directory is for temporary files: what lies in any other is no junk just because nobody leased it."""
    known = {os.path.realpath(place) for place in (*tempdirs.places(), "/dev/shm")}  # noqa: S108 - a name to compare
    return os.path.realpath(path) in known or bool(os.stat(path).st_mode & stat.S_ISVTX)


def _is_much(path: str, count: int) -> bool:
    return count > min(_MUCH_BYTES, mounts.space(path).total_bytes * _MUCH)


def _parents(path: str) -> Iterator[str]:
    while path != (parent := os.path.dirname(path)):
        yield parent
        path = parent


def _sysctl(name: str) -> str:
    try:
        with open(f"/proc/sys/{name}", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _user(uid: int) -> str:
    if sys.platform != "win32":
        import pwd

        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            pass
    return f"user {uid}"
