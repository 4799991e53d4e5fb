"""What of a folder is in use by any process that we can see. Linux only: there is no telling elsewhere.

What can't be seen: other users' descriptors, unless we are root; processes in another pid namespace that is no child of
ours; other machines, on a network file system.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import sys

assert sys.platform == "linux"

from scratchwork.system import mounts, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_LINKS = {"cwd": "the current directory", "root": "the root directory", "exe": "executed"}
_VARIABLES = (b"TMPDIR=", b"TEMP=", b"TMP=")
_LOCK = re.compile(r"[0-9a-f]+:[0-9a-f]+:(\d+)")
_ENDS = " ,;:'\"\n"  # what may follow a path inside some text


class InUse:
    """What was in use in a folder when it was looked at: entries by name, and files by device and inode."""

    def __init__(self, folder: str, ours: Collection[int] = ()) -> None:
        """Look at all processes, this one too. Raises OSError where that can't be done.

        `ours`: the descriptors of this process that don't count, since it has them only to look at the folder.
        """
        if not os.path.exists("/proc/self/fd"):
            raise OSError(errno.ENOTSUP, "what is in use can't be seen here, so nothing is removed", folder)
        self._befores = {os.path.join(os.path.abspath(folder), ""), os.path.join(os.path.realpath(folder), "")}
        self._names: dict[str, str] = {}
        self._identities: dict[tuple[int, int], str] = {}
        self._locked: set[int] = set()
        self._ours = {f"fd/{descriptor}" for descriptor in ours}
        self._look_at_processes(folder)
        self._look_at_kernel()

    def of_name(self, name: str) -> str:
        """Return by whom an entry of the folder is used, as far as paths tell; '' if by nobody."""
        return self._names.get(name, "")

    def of_file(self, status: os.stat_result) -> str:
        """Return by whom a file or directory is used, or that it is locked; '' if neither."""
        why = self._identities.get((status.st_dev, status.st_ino), "")
        # By the inode alone: /proc/locks has another number for the device on some file systems.
        return why or ("locked" if status.st_ino in self._locked else "")

    def _look_at_processes(self, folder: str) -> None:
        inside = _path_on_its_device(folder)
        namespaces: set[int] = set()
        for pid in processes.pids():
            self._look_at(f"/proc/{pid}", f"{pid} ({processes.command(pid)})", is_us=pid == os.getpid())
            try:
                namespace = os.stat(f"/proc/{pid}/ns/mnt").st_ino
            except OSError:
                continue
            if namespace not in namespaces:
                namespaces.add(namespace)
                self._look_at_mounts(f"/proc/{pid}/mountinfo", inside)
        self._look_at_mounts("/proc/self/mountinfo", inside)

    def _look_at(self, process: str, who: str, *, is_us: bool) -> None:
        for link, how in (*_LINKS.items(), *((f"fd/{name}", "open") for name in _listed(f"{process}/fd"))):
            if is_us and link in self._ours:
                continue
            try:
                target = os.readlink(f"{process}/{link}")
                if target.startswith("/"):
                    status = os.stat(f"{process}/{link}")
                    self._identities[status.st_dev, status.st_ino] = f"{how} {_by(link)} {who}"
                    self._note(target, f"{how} {_by(link)} {who}")
            except OSError:
                continue
        for line in _lines(f"{process}/maps"):
            _, _, _, device, inode, *path = line.split(None, 5)
            if path and path[0].startswith("/"):
                major, minor = (int(number, 16) for number in device.split(":"))
                self._identities[os.makedev(major, minor), int(inode)] = f"mapped by {who}"
                self._note(path[0].rstrip("\n"), f"mapped by {who}")
        if not is_us:  # our own says what we are to remove
            self._look_at_command_line(process, who)
        for word in _read(f"{process}/environ").split(b"\0"):
            if word.startswith(_VARIABLES):
                self._note_in(os.fsdecode(word), f"the temp folder of {who}")

    def _look_at_command_line(self, process: str, who: str) -> None:
        """Note the paths on a command line, also relative ones."""
        try:
            cwd = os.readlink(f"{process}/cwd")
        except OSError:
            cwd = ""
        for word in _read(f"{process}/cmdline").split(b"\0"):
            text = os.fsdecode(word)
            self._note_in(text, f"named on the command line of {who}")
            if cwd and text and not text.startswith("/"):
                path = os.path.normpath(os.path.join(cwd, text.rpartition("=")[2]))
                self._note(path, f"named on the command line of {who}")

    def _look_at_mounts(self, table: str, inside: tuple[str, str] | None) -> None:
        for line in _lines(table):
            fields = line.split(" ")
            self._note_in(mounts.unescape(line), "mounted, or something is mounted there")  # overlays name their layers
            root = mounts.unescape(fields[3])
            if inside is not None and fields[2] == inside[0] and root.startswith(inside[1] + "/"):
                self._names.setdefault(root[len(inside[1]) + 1 :].partition("/")[0], "mounted elsewhere")

    def _look_at_kernel(self) -> None:
        """Note what the kernel itself uses: locked files, and those behind loop devices and swap."""
        for line in _lines("/proc/locks"):
            if (found := _LOCK.search(line)) is not None:
                self._locked.add(int(found[1]))
        for device in _listed("/sys/block"):
            for line in _lines(f"/sys/block/{device}/loop/backing_file"):
                self._note(line.rstrip("\n"), f"behind the device {device}")
        for line in _lines("/proc/swaps"):
            self._note(mounts.unescape(line.split(" ")[0]), "swapped to")

    def _note(self, path: str, why: str) -> None:
        """Note the entry of the folder that a path leads to or into."""
        for before in self._befores:
            if path.startswith(before):
                name = path[len(before) :].partition("/")[0].removesuffix(" (deleted)")
                self._names.setdefault(name, why)

    def _note_in(self, text: str, why: str) -> None:
        """Note the entries of the folder whose paths are somewhere in a text."""
        for before in self._befores:
            for rest in text.split(before)[1:]:
                name = rest.partition("/")[0]
                self._names.setdefault(name, why)
                for end in _ENDS:
                    self._names.setdefault(name.partition(end)[0], why)


def is_bound(name: str, dir_fd: int | None) -> bool:
    """Tell whether some process still has the socket that a name in a directory stands for, in any namespace.

    Nobody notices: connect(2) with a type that is not the socket's fails, but unlike for a socket that nobody has,
    and datagram sockets are not told of it.
    """
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            probe.connect(f"/proc/self/fd/{descriptor}")  # the path itself may be too long for a socket's address
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return True


def _by(link: str) -> str:
    return "of" if link in {"cwd", "root"} else "by"


def _path_on_its_device(folder: str) -> tuple[str, str] | None:
    """Return the device of a folder as mountinfo names it, and the folder's path from the top of that file system."""
    mount = mounts.mount_of(folder)
    if mount is None:
        return None
    below = os.path.relpath(os.path.realpath(folder), mount.point)
    path = mount.root if below == "." else os.path.join(mount.root, below)
    return mount.device, path.rstrip("/")


def _listed(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _lines(path: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            yield from file
    except OSError:
        return
