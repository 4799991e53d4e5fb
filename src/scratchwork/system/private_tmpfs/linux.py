"""By unshare(2) and mount(2), through `ctypes`: Python 3.11 has no names for them."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform == "linux"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

PAGE = os.sysconf("SC_PAGE_SIZE")

_CLONE_NEWNS = 0x0002_0000
_CLONE_NEWUSER = 0x1000_0000
_MS_NOSUID = 0x2
_MS_NODEV = 0x4
_MS_REC = 0x4000
_MS_PRIVATE = 0x4_0000
_MNT_DETACH = 0x2

# What forbids user namespaces, and the value that says so.
_SWITCHES = (
    ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces is 0"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone is 0"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "kernel.apparmor_restrict_unprivileged_userns is 1",
    ),
)


def enter() -> None:
    """Put this process into a mount namespace of its own, in which it may mount.

    As root a mount namespace is all; otherwise a user namespace comes with it, in which our user and group are the only
    ones (user_namespaces(7)): files of others show as nobody's there, and set-user-id programs such as sudo don't work.
    The process must have one thread. Raises OSError, which says what forbids it.
    """
    try:
        _unshare(_CLONE_NEWNS)
    except PermissionError:
        _enter_user_namespace()
    # What is mounted here is not to show outside (mount_namespaces(7), shared subtrees).
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE, None)


def mount(point: str, size: int, inodes: int | None) -> None:
    """Mount a tmpfs of so many bytes, a multiple of `PAGE`, and so many inodes besides its own top, over a directory.

    Raises OSError.
    """
    if size < PAGE or size % PAGE:
        raise ValueError(f"a tmpfs has whole pages of {PAGE} bytes, and at least one, not {size} bytes")
    options = f"size={size},mode=0700,uid={os.getuid()},gid={os.getgid()}"
    if inodes is not None:
        options += f",nr_inodes={inodes + 1}"
    _mount("scratchwork", point, "tmpfs", _MS_NOSUID | _MS_NODEV, options)


def uncover(point: str) -> None:
    """Take away what was mounted over a directory; who has some of it open can go on using that. Raises OSError."""
    import ctypes

    if ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(point), _MNT_DETACH) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), point)


def refusal() -> str:
    """Return '' if a private tmpfs can be had here, else why not. Tried, in a child of ours that does nothing else."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _try(writing)
    os.close(writing)
    with open(reading, encoding="utf-8", errors="replace") as answer:
        told = answer.read()
    status = os.waitpid(child, 0)[1]
    return told if told or status == 0 else f"trying it ended with status {os.waitstatus_to_exitcode(status)}"


def _try(answer: int) -> NoReturn:
    status = 1
    try:
        enter()
        mount("/", PAGE, 1)
        status = 0
    except OSError as error:
        os.write(answer, (error.strerror or str(error)).encode("utf-8", "replace"))
    finally:
        os._exit(status)


def _enter_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    try:
        _unshare(_CLONE_NEWUSER | _CLONE_NEWNS)
    except OSError as error:
        raise OSError(error.errno, f"user namespaces are not to be had here: {_reason(error)}") from error
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        try:
            _write(f"/proc/self/{name}", text)
        except OSError as error:
            raise OSError(error.errno, f"no user can be mapped into a user namespace here: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    """Say what forbids it: a switch of the kernel's that we know, or else the error."""
    for path, value, why in _SWITCHES:
        try:
            with open(path, encoding="ascii") as file:
                if file.read().strip() == value:
                    return f"{why} ({path})"
        except OSError:
            continue
    if error.errno == errno.EPERM:
        return "Operation not permitted (a container's or a security module's rule)"
    return error.strerror or str(error)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode("ascii"))
    finally:
        os.close(descriptor)


def _unshare(flags: int) -> None:
    import ctypes

    if ctypes.CDLL(None, use_errno=True).unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _mount(source: str, point: str, kind: str | None, flags: int, options: str | None) -> None:
    import ctypes

    def text(value: str | None) -> bytes | None:
        return None if value is None else os.fsencode(value)

    call = ctypes.CDLL(None, use_errno=True).mount
    call.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
    if call(text(source), text(point), text(kind), flags, text(options)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"a tmpfs can't be mounted: {os.strerror(number)}", point)
