"""What can be published, each in a few lines: it lays out both ends, and then publishes."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scratchwork.system.publishing import open_draft, publish, publish_descriptor

OLD = b"old " * 100
NEW = b"new " * 5_000


@dataclass
class Arena:
    """The folder of the source, that of the destination, and the open file that is the source of some."""

    here: Path
    there: Path
    fd: int = -1

    @property
    def source(self) -> Path:
        return self.here / "source"

    @property
    def destination(self) -> Path:
        return self.there / "result"


@dataclass
class Scenario:
    """`lay_out` makes both ends, `publish` does it; `tmpfile` says that nothing is left beside before it is linked."""

    lay_out: Callable[[Arena], None]
    publish: Callable[[Arena], Any]
    tmpfile: bool = False


def picture(path: Path) -> Any:
    """Return all that there is to see of a path: kind, mode, owner, attributes, content."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    mine: list[Any] = [status.st_mode, status.st_uid, status.st_gid]
    if stat.S_ISLNK(status.st_mode):
        return [*mine, os.readlink(path)]
    mine += [{name: os.getxattr(path, name) for name in os.listxattr(path)}]
    if stat.S_ISDIR(status.st_mode):
        return [*mine, {entry.name: picture(entry) for entry in path.iterdir()}]
    return [*mine, path.read_bytes() if stat.S_ISREG(status.st_mode) else None]


def content(path: Path) -> Any:
    """Return what a reader sees, without modes and owners."""
    if path.is_dir():
        return {entry.name: content(entry) for entry in path.iterdir()}
    return path.read_bytes() if path.is_file() else None


def make_file(path: Path, data: bytes, mode: int = 0o640) -> None:
    path.write_bytes(data)
    path.chmod(mode)


def make_tree(path: Path, data: bytes, mode: int = 0o750) -> None:
    (path / "sub").mkdir(parents=True)
    make_file(path / "file", data)
    make_file(path / "sub" / "script", data, 0o711)
    (path / "sub" / "link").symlink_to("../file")
    (path / "empty").mkdir()
    (path / "empty").chmod(0o700)
    path.chmod(mode)


def new_file(arena: Arena) -> None:
    make_file(arena.source, NEW)


def two_files(arena: Arena) -> None:
    new_file(arena)
    make_file(arena.destination, OLD, 0o604)
    with contextlib.suppress(OSError):  # no attributes of users' on that file system
        os.setxattr(arena.destination, "user.color", b"blue")
        os.setxattr(arena.source, "user.taste", b"sweet")


def one_file_twice(arena: Arena) -> None:
    new_file(arena)
    os.link(arena.source, arena.destination)


def behind_a_link(arena: Arena) -> None:
    new_file(arena)
    (arena.there / "deep").mkdir()
    make_file(arena.there / "deep" / "target", OLD)
    arena.destination.symlink_to("deep/target")


def new_tree(arena: Arena) -> None:
    make_tree(arena.source, NEW)


def two_trees(arena: Arena) -> None:
    new_tree(arena)
    make_tree(arena.destination, OLD, 0o705)


def open_file(arena: Arena) -> None:
    arena.fd = os.open(arena.here, os.O_TMPFILE | os.O_RDWR, 0o640)
    os.write(arena.fd, NEW)


def open_file_and_old(arena: Arena) -> None:
    open_file(arena)
    make_file(arena.destination, OLD, 0o604)


def unlinked_file_and_old(arena: Arena) -> None:
    arena.fd = os.open(arena.source, os.O_CREAT | os.O_RDWR, 0o640)
    os.write(arena.fd, NEW)
    arena.source.unlink()
    make_file(arena.destination, OLD, 0o604)


def old_file(arena: Arena) -> None:
    make_file(arena.destination, OLD, 0o604)


def by_path(**terms: Any) -> Callable[[Arena], Any]:
    return lambda arena: publish(arena.source, arena.destination, **terms)


def by_descriptor(**terms: Any) -> Callable[[Arena], Any]:
    return lambda arena: publish_descriptor(arena.fd, arena.destination, **terms)


def by_draft(**terms: Any) -> Callable[[Arena], Any]:
    def work(arena: Arena) -> None:
        draft = open_draft(arena.destination)
        try:
            os.write(draft.fd, NEW)
            draft.commit(**terms)
        finally:
            draft.close()

    return work


SAME_DEVICE = {
    "new file": Scenario(new_file, by_path(), tmpfile=True),
    "file replaced": Scenario(two_files, by_path(), tmpfile=True),
    "file replaced, not durable, with a mode": Scenario(two_files, by_path(durable=False, mode=0o444), tmpfile=True),
    "file replaced, inheriting": Scenario(two_files, by_path(inherit=True), tmpfile=True),
    "file, never overwriting": Scenario(new_file, by_path(overwrite=False), tmpfile=True),
    "one file twice": Scenario(one_file_twice, by_path(), tmpfile=True),
    "file behind a symlink": Scenario(behind_a_link, by_path(), tmpfile=True),
    "new directory": Scenario(new_tree, by_path()),
    "directory replaced": Scenario(two_trees, by_path()),
    "directory replaced, not durable, read-only": Scenario(two_trees, by_path(durable=False, mode=0o555)),
    "directory replaced, inheriting": Scenario(two_trees, by_path(inherit=True)),
    "directory, never overwriting": Scenario(new_tree, by_path(overwrite=False)),
    "new draft": Scenario(lambda _: None, by_draft(), tmpfile=True),
    "draft over a file": Scenario(old_file, by_draft(), tmpfile=True),
    "draft over a file, inheriting": Scenario(old_file, by_draft(inherit=True, mode=0o600), tmpfile=True),
    "draft, never overwriting": Scenario(lambda _: None, by_draft(overwrite=False, durable=False), tmpfile=True),
}

ANY_DEVICE = {
    "open file": Scenario(open_file, by_descriptor(), tmpfile=True),
    "open file over a file": Scenario(open_file_and_old, by_descriptor(), tmpfile=True),
    "open file over a file, inheriting": Scenario(open_file_and_old, by_descriptor(inherit=True), tmpfile=True),
    "open file, never overwriting": Scenario(open_file, by_descriptor(overwrite=False), tmpfile=True),
    "unlinked file over a file": Scenario(unlinked_file_and_old, by_descriptor(), tmpfile=True),
}

ACROSS_DEVICES = {
    **ANY_DEVICE,
    **{name: scenario for name, scenario in SAME_DEVICE.items() if "draft" not in name and "twice" not in name},
}


@contextlib.contextmanager
def laid_out(scenario: Scenario, here: Path, there: Path) -> Iterator[Arena]:
    """Give an arena in two fresh folders, which go with all that is in them."""
    import shutil
    import tempfile

    arena = Arena(Path(tempfile.mkdtemp(dir=here)), Path(tempfile.mkdtemp(dir=there)))
    try:
        scenario.lay_out(arena)
        yield arena
    finally:
        if arena.fd >= 0:
            os.close(arena.fd)
        shutil.rmtree(arena.here)
        shutil.rmtree(arena.there)
