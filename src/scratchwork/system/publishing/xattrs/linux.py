"""By fgetxattr(2) and its like; an access ACL is the attribute system.posix_acl_access (acl(5))."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform == "linux"

SUPPORTED = True
_ACL = "system.posix_acl_access"
# linux/posix_acl_xattr.h: a version of four bytes, then entries of tag, permissions (two bytes each) and id.
_HEADER, _ENTRY = 4, 8
_USER_OBJ, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x04, 0x10, 0x20
_NONE_HERE = frozenset({errno.EOPNOTSUPP, errno.ENOSYS})
# What a file system, its server or a security module says to attributes that it can't or won't have.
_NOT_TO_BE_HAD = _NONE_HERE | {errno.EPERM, errno.EACCES, errno.EINVAL}


def read(fd: int) -> dict[str, bytes]:
    """Return all that we may see."""
    try:
        names = os.listxattr(fd)
    except OSError as error:
        if error.errno in _NONE_HERE:
            return {}
        raise
    return {name: os.getxattr(fd, name) for name in names}


def write(fd: int, wanted: dict[str, bytes], mode: int, *, strict: bool) -> None:
    """Set what is wanted, an ACL fitted to `mode`; `strict` removes all others, else what can't be had is skipped."""
    present = read(fd)
    if strict:
        for name in present.keys() - wanted.keys():
            os.removexattr(fd, name)
    for name, value in wanted.items():
        fitting = _fit(value, mode) if name == _ACL else value
        if present.get(name) != fitting:
            _set(fd, name, fitting, strict)


def _set(fd: int, name: str, value: bytes, strict: bool) -> None:  # noqa: FBT001 - private
    try:
        os.setxattr(fd, name, value)
    except OSError as error:
        if strict or error.errno not in _NOT_TO_BE_HAD:
            raise


def _fit(acl: bytes, mode: int) -> bytes:
    """Return an ACL with the permission bits that chmod(2) would put into it, so that it never grants more."""
    entries = range(_HEADER, len(acl), _ENTRY)
    tags = {at: int.from_bytes(acl[at : at + 2], "little") for at in entries}
    group = _MASK if _MASK in tags.values() else _GROUP_OBJ
    bits = {_USER_OBJ: mode >> 6 & 7, group: mode >> 3 & 7, _OTHER: mode & 7}
    fitted = bytearray(acl)
    for at, tag in tags.items():
        if tag in bits:
            fitted[at + 2 : at + 4] = bits[tag].to_bytes(2, "little")
    return bytes(fitted)
