"""What works in a directory, found out by trying: each makes something there and removes it again."""

from __future__ import annotations

import errno
import os
import sys

from scratchwork.system import names

_SCRIPT = b"#!/bin/sh\nexit 0\n"
_MAKE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


def can_write(folder: str) -> str:
    """Return '' if a file can be made and written there, else why not."""
    path = _new(folder)
    try:
        descriptor = os.open(path, _MAKE, 0o600)
    except OSError as error:
        return _why(error)
    try:
        os.write(descriptor, _SCRIPT)
    except OSError as error:
        return _why(error)
    finally:
        os.close(descriptor)
        os.unlink(path)
    return ""


def can_execute(folder: str) -> str:
    """Return '' if a program that lies there can be executed, else why not."""
    path = _new(folder)
    try:
        descriptor = os.open(path, _MAKE, 0o700)
    except OSError as error:
        return _why(error)
    try:
        try:
            os.write(descriptor, _SCRIPT)
            if sys.platform != "win32":
                os.fchmod(descriptor, 0o700)  # an unusual umask
        finally:
            os.close(descriptor)  # nothing that is open for writing can be executed
        return _execute(path)
    except OSError as error:
        return _why(error)
    finally:
        os.unlink(path)


def can_make_anonymous(folder: str) -> str:
    """Return '' if a file without a name can be made there (open(2), O_TMPFILE), else why not."""
    if sys.platform != "linux":
        return "there are none on this system"
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        return _why(error)
    return ""


def can_link(folder: str) -> str:
    """Return '' if a file can have a second name there (link(2)), else why not."""
    first, second = _new(folder), _new(folder)
    try:
        os.close(os.open(first, _MAKE, 0o600))
    except OSError as error:
        return _why(error)
    try:
        os.link(first, second)
        os.unlink(second)
    except OSError as error:
        return _why(error)
    finally:
        os.unlink(first)
    return ""


def can_symlink(folder: str) -> str:
    """Return '' if a symlink can be made there, else why not."""
    path = _new(folder)
    try:
        os.symlink("nowhere", path)
        os.unlink(path)
    except OSError as error:
        return _why(error)
    return ""


def _execute(path: str) -> str:
    if sys.platform == "win32":
        return ""  # no directory forbids it there
    while True:
        try:
            child = os.posix_spawn(path, [path], os.environ)
        except OSError as error:
            if (
                error.errno == errno.ETXTBSY
            ):  # a thread of ours forked while the file was open, and that child closes it
                continue
            return "programs can't be executed there (noexec)" if error.errno == errno.EACCES else _why(error)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return "" if status == 0 else f"a program that lies there can't be executed (status {status})"


def _new(folder: str) -> str:
    return os.path.join(folder, f"scratch-trial-{names.draw()}")


def _why(error: OSError) -> str:
    return error.strerror or str(error)
