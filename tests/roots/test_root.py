from __future__ import annotations

import errno
import gc
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scratchwork import (
    CannotMakeWorkspace,
    InvalidLabel,
    LocksUnsupported,
    Root,
    UntrustedRoot,
    Usage,
    Workspace,
    WorkspaceAlive,
    WorkspaceGone,
)
from scratchwork.roots import store
from scratchwork.roots.store import is_root_name
from scratchwork.system import locks
from tests.helpers_programs import kill, python, running
from tests.roots.test_workspace import HOLD

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount or to change owners")


def test_sweeping_dry_changes_nothing(temp: Path) -> None:
    with running(HOLD, "never") as (process, (path,)):
        kill(process)
    root = Root("app", sweep_first=False)
    swept = root.sweep(dry_run=True)
    assert [(ended.name, ended.files) for ended in swept.removed] == [(os.path.basename(path), 1)]
    assert Path(path, "file").exists()
    assert root.history() == []


def test_a_sweep_with_no_time_leaves_the_rest_and_says_so(temp: Path) -> None:
    with running(HOLD, "never") as (process, (path,)):
        kill(process)
    root = Root("app", sweep_first=False)
    assert not root.sweep(seconds=-1.0).complete
    assert Path(path).exists()


def test_a_sweep_that_fails_does_not_make_the_opening_fail(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "the disk is on fire")

    monkeypatch.setattr("scratchwork.roots.root.sweep", fail)
    with Root("app").workspace() as ws:
        assert ws.path.exists()


def test_what_scratchwork_did_not_make_is_left_alone_and_named(root: Root) -> None:
    Path(root.path, "precious").mkdir()
    Path(root.path, "note.json").touch()
    assert dict(root.sweep().skipped) == dict.fromkeys(["precious", "note.json"], "scratchwork did not make it")
    shutil.rmtree(Path(root.path, "precious"))


def test_many_sweepers_at_once_remove_each_workspace_once(temp: Path) -> None:
    program = HOLD.replace("print(", "more = [scratchwork.Root('app').workspace() for _ in range(300)]; print(")
    with running(program, "never") as (process, _):
        kill(process)
    root = Root("app", sweep_first=False)
    removed: list[str] = []

    def work() -> None:
        removed.extend(ended.name for ended in root.sweep().removed)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(removed) == len(set(removed)) == 301
    assert root.workspaces() == []


def test_usage_is_that_of_all(root: Root) -> None:
    with root.workspace() as one, root.workspace() as two:
        (one / "file").write_bytes(b"x" * 10_000)
        (two / "directory").mkdir()
        assert root.usage() == one.usage() + two.usage() != Usage()


def test_removing_by_hand(root: Root) -> None:
    with root.workspace(keep="always") as ws, pytest.raises(WorkspaceAlive):
        root.remove(ws.name)
    assert root.remove(ws.name).name == ws.name
    for name in (ws.name, "nonsense"):
        with pytest.raises(WorkspaceGone):
            root.remove(name)
    with pytest.raises(WorkspaceGone):
        root.keep(ws.name)


def test_untrusted_a_symlink_a_file_and_open_to_others(temp: Path) -> None:
    place = Path(store.root_path("app", None))
    (temp / "elsewhere").mkdir(mode=0o700)
    place.symlink_to(temp / "elsewhere")
    with pytest.raises(UntrustedRoot, match="symlink"):
        Root("app")
    place.unlink()
    place.touch()
    with pytest.raises(UntrustedRoot, match="no directory"):
        Root("app")
    place.unlink()
    for mode in (0o770, 0o707, 0o755):
        place.mkdir()
        place.chmod(mode)
        with pytest.raises(UntrustedRoot, match="chmod 700"):
            Root("app")
        place.rmdir()


@needs_root
def test_untrusted_somebody_elses(temp: Path) -> None:
    place = Path(store.root_path("app", None))
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)
    with pytest.raises(UntrustedRoot, match="belongs to user 12345") as caught:
        Root("app")
    assert isinstance(caught.value, PermissionError)
    assert str(place) in str(caught.value)


@pytest.mark.parametrize("app", ["", "a/b", "x" * 33, "a b", "nul\0"])
def test_a_name_that_no_application_can_have(temp: Path, app: str) -> None:
    with pytest.raises(InvalidLabel, match="application's name"):
        Root(app)


def test_a_directory_that_is_not_there(temp: Path) -> None:
    with pytest.raises(CannotMakeWorkspace, match="choose a place that exists") as caught:
        Root("app", dir=temp / "nowhere")
    assert caught.value.errno == errno.ENOENT


def test_locks_that_do_not_hold_are_noticed(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "exclusive", lambda fd: True)
    with pytest.raises(LocksUnsupported, match="choose another directory"):
        Root("app")


def test_a_directory_that_can_not_be_locked_gets_lock_files(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = locks.exclusive

    def files_only(fd: int) -> bool:
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            raise OSError(errno.EBADF, "as NFS says")
        return real(fd)

    monkeypatch.setattr(locks, "exclusive", files_only)
    root = Root("app")
    with root.workspace() as ws:
        assert os.path.exists(f"{ws}.lock")
        assert root.sweep().alive == 1
    assert not os.path.exists(f"{ws}.lock")


def test_a_lock_file_alone_is_garbage_and_a_directory_alone_is_unknown(temp: Path) -> None:
    root = Root("app")
    Path(root.path, "root.conf").write_text("lease=file\n")
    root = Root("app")
    lock, orphan = Path(root.path, "a-1-1-0123456789.lock"), Path(root.path, "b-1-1-0123456789")
    lock.touch()
    orphan.mkdir()
    assert root.sweep().skipped == [(orphan.name, f"its lock file {orphan.name}.lock is missing")]
    assert not lock.exists()
    assert orphan.exists()


def test_no_descriptors_left(temp: Path) -> None:
    root = Root("app")
    gc.collect()  # nothing may be given back meanwhile
    before = os.listdir(root.path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))), hard))
    spare = []
    try:
        while True:
            try:
                spare.append(os.open("/", os.O_RDONLY))
            except OSError:
                break
        with pytest.raises(CannotMakeWorkspace, match="ulimit -n") as caught:
            root.workspace()
    finally:
        for descriptor in spare:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.errno == errno.EMFILE
    assert os.listdir(root.path) == before


@pytest.fixture
def small(temp: Path) -> Iterator[Path]:
    """A tmpfs of 256 KiB with few inodes."""
    place = temp / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=20,mode=700", "none", place], check=True)
    yield place
    gc.collect()  # what is still open there
    subprocess.run(["umount", place], check=True)


@needs_root
def test_no_inodes_left(small: Path) -> None:
    root = Root("app", dir=small)
    with pytest.raises(OSError, match="No space"):
        for number in range(100):
            (small / str(number)).touch()
    with pytest.raises(CannotMakeWorkspace, match=r"no inodes are left.*scratch sweep") as caught:
        root.workspace()
    assert caught.value.errno == errno.ENOSPC


@needs_root
def test_a_full_disk_loses_nothing_and_can_still_be_swept(small: Path) -> None:
    root = Root("app", dir=small)
    with root.workspace(keep="failure") as kept:
        with pytest.raises(OSError, match="No space"):
            (kept / "big").write_bytes(b"x" * 10**6)
        with pytest.raises(CannotMakeWorkspace, match="the disk is full"):
            root.workspace("second", keep="failure")
        with pytest.raises(OSError, match="can't mark it as kept"):
            kept.keep("now")
        assert kept.path.exists()
        program = "import scratchwork, sys; ws = scratchwork.Root('app', dir=sys.argv[1]).workspace(); "
        program += "print(ws, flush=True); input()"
        with running(program, str(small)) as (process, (path,)):
            kill(process)
        assert len(root.sweep().removed) == 1
        assert not Path(path).exists()
    assert not kept.path.exists()
    assert list(small.iterdir()) == [Path(root.path)]


@needs_root
def test_a_read_only_file_system(small: Path) -> None:
    root = Root("app", dir=small)
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    with pytest.raises(CannotMakeWorkspace, match="can be written") as caught:
        root.workspace()
    assert caught.value.errno == errno.EROFS


@needs_root
def test_what_is_mounted_in_a_dead_workspace_survives(temp: Path) -> None:
    outside = temp / "outside"
    outside.mkdir()
    (outside / "canary").touch()
    with running(HOLD, "never") as (process, (path,)):
        inside = Path(path, "deep", "mount")
        inside.mkdir(parents=True)
        subprocess.run(["mount", "--bind", outside, inside], check=True)
        kill(process)
    try:
        root = Root("app")
        assert root.sweep().skipped == [(f"{Path(path).name}/deep/mount", "something is mounted there")]
        assert not Path(path, "file").exists()
    finally:
        subprocess.run(["umount", inside], check=True)
    assert (outside / "canary").exists()
    assert len(root.sweep().removed) == 1


def test_a_root_inside_a_workspace_joins_it(temp: Path) -> None:
    outer = Root("outer")
    inner = """
import os, sys, scratchwork
outer = scratchwork.Root("outer").workspace()
path = os.fspath(outer)
os.environ.update(TMPDIR=path, SCRATCH_WORKSPACE=path)
import subprocess
child = "import sys, scratchwork; ws = scratchwork.workspace(); print(sys.argv[1], ws, flush=True); input()"
subprocess.run([sys.executable, "-c", child, path])
"""
    with running(inner) as (process, (path, nested)):
        assert nested.startswith(path)
        kill(process)
        assert outer.sweep().alive == 1
        assert Path(nested).exists()
        assert process.stdin is not None
        process.stdin.close()
        while outer.sweep().alive:
            os.sched_yield()
    assert not Path(path).exists()


def test_install_redirects_tempfile_here_and_in_children(temp: Path) -> None:
    program = """
import scratchwork
ws = scratchwork.install("app")
assert scratchwork.install("app") is ws
import subprocess, sys, tempfile
print(ws, tempfile.mkdtemp(), tempfile.NamedTemporaryFile().name, flush=True)
subprocess.run([sys.executable, "-c", "import tempfile; print(tempfile.mkdtemp())"])
"""
    ws, *made = python(program).stdout.split()
    assert len(made) == 3
    assert all(path.startswith(ws + "/") for path in made)
    assert list(Path(ws).parent.glob("app-*")) == []


def test_importing_it_loads_next_to_nothing(temp: Path) -> None:
    program = "import sys; before = set(sys.modules); import scratchwork; print(*set(sys.modules) - before)"
    assert set(python(program).stdout.split()) - {"__future__"} == {"scratchwork"}
    program = "import sys; before = set(sys.modules); import scratchwork; scratchwork.workspace().cleanup(); "
    program += "print(*set(sys.modules) - before)"
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        program.replace("import scr", f"sys.path.insert(0, {SRC!r}); import scr"),
    ]
    loaded = set(subprocess.check_output(command, text=True).split())
    assert loaded.isdisjoint({"typing", "dataclasses", "enum", "json", "logging", "re", "tempfile", "pathlib", "click"})
    assert "scratchwork.roots.root" in loaded


SRC = str(Path(store.__file__).parents[2])


def test_every_public_name_is_there() -> None:
    import scratchwork

    for name in scratchwork.__all__:
        assert getattr(scratchwork, name) is not None
    assert set(scratchwork.__all__) <= set(dir(scratchwork))
    with pytest.raises(AttributeError, match="nonsense"):
        scratchwork.nonsense  # noqa: B018
    assert Workspace is scratchwork.Workspace


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("scratch-0-default", True),
        ("scratch-1000-my-app", True),
        ("scratch-1000-", False),
        ("scratch-me-app", False),
        ("scratch-doctor-ab12cd34", False),
        ("my-scratch-0-default", False),
        ("scratch", False),
    ],
)
def test_names_of_roots_of_any_user(name: str, is_one: bool) -> None:
    assert is_root_name(name) == is_one
