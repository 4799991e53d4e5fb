"""Sweeping junk that nobody leased: what goes, and each thing that spares something, with its control."""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scratchwork import Root
from scratchwork.roots import registry, unleased
from scratchwork.roots.unleased import Unleased, _Sweep, sweep_unleased
from scratchwork.system import inuse, locks
from scratchwork.system.clocks import Present
from scratchwork.system.inuse import InUse

DAY = 86400.0
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
needs_unshare = pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare")


def tomorrow() -> Present:
    """What is made now is a day old by then."""
    return Present(time.time() + DAY, uptime=100 * DAY, boot=0.0)


def sweep(folder: Path, *patterns: str, older_than: float = DAY / 2, dry_run: bool = False) -> Unleased:
    return sweep_unleased(str(folder), patterns or ("pip-*",), older_than, dry_run=dry_run, present=tomorrow())


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def tree(folder: Path, name: str = "pip-a") -> Path:
    (folder / name / "sub").mkdir(parents=True)
    (folder / name / "sub" / "file").write_bytes(b"x" * mmap.PAGESIZE)
    return folder / name


@contextlib.contextmanager
def running(program: str, *arguments: object, **options: object) -> Iterator[subprocess.Popen[str]]:
    """Run Python code, given as a line of its own, until the block ends."""
    code = f"import os, sys\n{program}\nprint('ready', flush=True); sys.stdin.read()"
    command = [sys.executable, "-I", "-S", "-c", code, *map(str, arguments)]
    process = _start(command, options)
    try:
        yield process
    finally:
        process.communicate()


def _start(command: list[str], options: dict[str, object]) -> subprocess.Popen[str]:
    everything: dict[str, object] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, **options}
    process: subprocess.Popen[str] = subprocess.Popen(command, **everything)  # type: ignore[call-overload]
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


# What goes


def test_what_is_ours_matches_and_is_old_goes(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "pip-file").write_text("x")
    os.mkfifo(tmp_path / "pip-fifo")
    (tmp_path / "pip-link").symlink_to(tmp_path / "other")
    (tmp_path / "pip-dangling").symlink_to("/nowhere")
    tree(tmp_path, "other")
    tree(tmp_path, "PIP-upper")
    found = sweep(tmp_path)
    assert names(tmp_path) == ["PIP-upper", "other"]
    assert (tmp_path / "other" / "sub" / "file").exists()
    assert [os.path.basename(junk.path) for junk in found.junk] == [
        "pip-a",
        "pip-dangling",
        "pip-fifo",
        "pip-file",
        "pip-link",
    ]
    assert (found.spared, found.failed) == ([], [])
    assert found.junk[0].files == 1
    assert found.junk[0].bytes >= mmap.PAGESIZE
    assert DAY - 60 < found.junk[0].age < DAY + 60


def test_a_dry_run_removes_nothing_and_tells_the_same(tmp_path: Path) -> None:
    tree(tmp_path)
    with (tree(tmp_path, "pip-open") / "sub" / "file").open():
        told = sweep(tmp_path, dry_run=True)
        assert names(tmp_path) == ["pip-a", "pip-open"]
    with running("file = open(sys.argv[1])", tmp_path / "pip-open" / "sub" / "file"):
        told = sweep(tmp_path, dry_run=True)
        done = sweep(tmp_path)
    assert [junk.path for junk in told.junk] == [junk.path for junk in done.junk] == [str(tmp_path / "pip-a")]
    assert told.spared == done.spared
    assert names(tmp_path) == ["pip-open"]


def test_several_patterns(tmp_path: Path) -> None:
    for name in ("pip-a", "tmpabc", "tmpabcd", "x"):
        (tmp_path / name).touch()
    sweep(tmp_path, "pip-*", "tmp???")
    assert names(tmp_path) == ["tmpabcd", "x"]


def test_a_socket_that_nobody_has_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("pip-socket")
    sweep(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("pattern", ["*", "**", "?*", "*?*", "[!.]*", "../*", "a/b"])
def test_never_without_a_pattern_that_says_something(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").touch()
    with pytest.raises(ValueError, match="matches anything, or leads elsewhere"):
        sweep(tmp_path / "a", "pip-*", pattern)
    with pytest.raises(ValueError, match="without a pattern"):
        sweep_unleased(str(tmp_path), [], 0, dry_run=False)
    assert (tmp_path / "a" / "b").exists()


@pytest.mark.parametrize("pattern", ["a*", "[a-z]*", "*.tmp", "?", "q", "tmp*"])
def test_a_pattern_that_says_something(tmp_path: Path, pattern: str) -> None:
    assert sweep(tmp_path, pattern).junk == []


@pytest.mark.parametrize("age", [-1.0, float("nan")])
def test_an_age_that_is_none(tmp_path: Path, age: float) -> None:
    with pytest.raises(ValueError, match="an age is not negative"):
        sweep(tmp_path, older_than=age)


def test_never_through_a_symlink(tmp_path: Path) -> None:
    tree(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(OSError, match=r"it is a symlink; say '.*/real'"):
        sweep(tmp_path / "link")
    (tmp_path / "pip-dir").symlink_to("real", target_is_directory=True)
    sweep(tmp_path)
    assert (tmp_path / "real" / "pip-a" / "sub" / "file").exists()


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError):
        sweep(tmp_path / "none")
    with pytest.raises(NotADirectoryError):
        sweep(tmp_path / "file")


def test_roots_are_swept_by_their_own_rules(temp: Path) -> None:
    root = Root("app")
    with root.workspace("pip-a", keep="always") as ws:
        (ws / "file").touch()
    with pytest.raises(ValueError, match="is a root of scratchwork"):
        sweep(Path(root.path))
    found = sweep(temp, "scratch-*")
    assert "is a root of scratchwork" in found.spared[0][1]
    assert len(root.workspaces()) == 1


@pytest.mark.parametrize("place", [".", "sub", "sub/deep"])
def test_a_root_anywhere_inside_spares_the_whole(temp: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """What is kept there is locked by nobody and as old as may be."""
    monkeypatch.setattr(registry, "registered", list)
    outer = tree(temp) / place
    outer.mkdir(exist_ok=True)
    keeping = (
        "import sys; from scratchwork import Root\nroot = Root('app', dir=sys.argv[1])\n"
        "with root.workspace(keep='always') as ws: (ws / 'file').touch()\nprint(root.path)"
    )
    done = subprocess.run([sys.executable, "-c", keeping, str(outer)], capture_output=True, text=True, check=True)
    root = done.stdout.strip()
    assert sweep(temp).spared[0][1].startswith(f"{os.path.relpath(root, temp / 'pip-a')} is a root of scratchwork")
    assert len(Root.at(root).workspaces()) == 1
    monkeypatch.setattr(unleased, "is_root_name", lambda _: False)
    assert len(sweep(temp).junk) == 1  # the control


def test_workspaces_inside_something_else_are_not_touched_while_they_live(temp: Path) -> None:
    outer = tree(temp)
    with Root("app", dir=outer).workspace() as ws:
        found = sweep(temp)
        assert os.path.isdir(ws)
    assert found.junk == []
    shutil.rmtree(outer)


# What is never junk


def _is_temp(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("TMPDIR", str(folder))


def _is_temp_by_a_link(folder: Path, patch: pytest.MonkeyPatch) -> None:
    (folder.parent / "link").symlink_to(folder)
    patch.setenv("TMP", str(folder.parent / "link"))


def _is_the_link_to_temp(folder: Path, patch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(folder)
    folder.symlink_to(folder.parent.parent)
    patch.setenv("TMPDIR", str(folder))


def _holds_temp(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("SLURM_TMPDIR", str(folder / "sub"))


def _is_chosen(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tempfile, "tempdir", str(folder / "sub"))


def _holds_home(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("HOME", str(folder / "sub"))


def _holds_state(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("XDG_STATE_HOME", str(folder / "sub"))


def _holds_a_known_root(folder: Path, patch: pytest.MonkeyPatch) -> None:
    root = Root("app", folder / "sub")
    patch.setattr(registry, "registered", lambda: [str(folder / "sub" / "renamed")])
    os.rename(root.path, folder / "sub" / "renamed")


PRECIOUS = {
    _is_temp: "it is, or leads to, the temp folder",
    _is_temp_by_a_link: "it is, or leads to, the temp folder",
    _is_the_link_to_temp: "it is, or leads to, the temp folder",
    _holds_temp: "it is, or leads to, the temp folder",
    _is_chosen: "it is, or leads to, the temp folder",
    _holds_home: "it is, or leads to, a home",
    _holds_state: "it is, or leads to, where programs keep their state",
    _holds_a_known_root: "it is, or leads to, a root of scratchwork",
}


@pytest.mark.parametrize("make", PRECIOUS, ids=lambda make: make.__name__)
def test_what_is_never_junk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[..., None]) -> None:
    make(tree(tmp_path / "base"), monkeypatch)
    assert [why for _, why in sweep(tmp_path / "base").spared] == [PRECIOUS[make]]
    monkeypatch.setattr(unleased, "precious", dict)
    assert len(sweep(tmp_path / "base").junk) == 1  # the control


# Age


def test_young_in_one_part_spares_the_whole(tmp_path: Path) -> None:
    folder = tree(tmp_path)
    (folder / "b").touch()
    later = time.time() + DAY
    os.utime(folder / "sub" / "file", (0, later))
    before = sorted(folder.rglob("*"))
    found = sweep(tmp_path)
    assert [why.rpartition(":")[0] for _, why in found.spared] == ["sub/file is not old enough"]
    assert sorted(folder.rglob("*")) == before


def test_read_lately_counts(tmp_path: Path) -> None:
    os.utime(tree(tmp_path) / "sub" / "file", (time.time() + DAY, 0))
    assert sweep(tmp_path).junk == []


def test_looking_into_a_directory_does_not_make_it_young(tmp_path: Path) -> None:
    os.utime(tree(tmp_path) / "sub", (time.time() + DAY, 0))
    assert len(sweep(tmp_path).junk) == 1


def test_control_without_the_age_all_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(tree(tmp_path) / "sub" / "file", (0, time.time() + DAY))
    monkeypatch.setattr(Present, "age", lambda *_: 10 * DAY)
    assert len(sweep(tmp_path).junk) == 1


def test_from_the_future(tmp_path: Path) -> None:
    os.utime(tree(tmp_path), (0, time.time() + 2 * DAY))
    assert "is from the future: a clock was set" in sweep(tmp_path).spared[0][1]


def test_a_clock_that_jumped_forward_makes_nothing_old(tmp_path: Path) -> None:
    """The machine started a minute ago, with its clock in the past; then it was set to the right time."""
    tree(tmp_path)
    started = time.time() - 60
    jumped = Present(started + 365 * DAY, uptime=120, boot=started)
    found = sweep_unleased(str(tmp_path), ["pip-*"], DAY / 2, dry_run=False, present=jumped)
    assert [why for _, why in found.spared] == ["it is not old enough: 2m"]


def test_control_without_the_jump_the_same_is_a_year_old(tmp_path: Path) -> None:
    tree(tmp_path)
    now = time.time() + 365 * DAY
    found = sweep_unleased(
        str(tmp_path), ["pip-*"], DAY / 2, dry_run=False, present=Present(now, uptime=120, boot=now - 120)
    )
    assert len(found.junk) == 1


def test_now_nothing_is_old(tmp_path: Path) -> None:
    tree(tmp_path)
    assert sweep_unleased(str(tmp_path), ["pip-*"], 3600, dry_run=False).junk == []


# Whose


@needs_root
@pytest.mark.parametrize("part", [".", "sub", "sub/file"])
def test_of_another_user_in_any_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    os.lchown(tree(tmp_path) / part, 65534, 65534)
    assert "belongs to user 65534" in sweep(tmp_path).spared[0][1]
    judge = _Sweep._judge

    def careless(self: _Sweep, status: os.stat_result, *rest: object) -> None:
        self._user = status.st_uid
        judge(self, status, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(_Sweep, "_judge", careless)
    assert len(sweep(tmp_path).junk) == 1  # the control


# In use


def _library() -> str:
    """Return the path of the C library that this process has mapped."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return next(line.split()[-1] for line in maps if "/libc." in line or "/ld-" in line)


USES: dict[str, tuple[str, str]] = {
    "open": ("file = open(sys.argv[1] + '/sub/file'); sys.argv[1] = ''", "open by"),
    "current directory": ("os.chdir(sys.argv[1] + '/sub')", "the current directory of"),
    "mapped": (
        "import _ctypes; handle = _ctypes.dlopen(sys.argv[1] + '/sub/library', 0)",
        "mapped by",
    ),
    "open by descriptor of a directory": ("folder = os.open(sys.argv[1] + '/sub', os.O_RDONLY)", "open by"),
    "bound": (
        "import socket; s = socket.socket(socket.AF_UNIX); os.chdir(sys.argv[1] + '/sub'); s.bind('s'); os.chdir('/')",
        "is a socket that a process has",
    ),
    "listening": (
        "from socket import *; s = socket(AF_UNIX, SOCK_SEQPACKET); s.bind(sys.argv[1] + '/sub/s'); s.listen()",
        "is a socket that a process has",
    ),
    "locked": ("import fcntl; f = os.open(sys.argv[1] + '/sub', 0); fcntl.flock(f, fcntl.LOCK_EX)", "open by"),
}


@pytest.fixture
def unseen_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's program is told on its command line what to use: that alone would spare it."""
    monkeypatch.setattr(InUse, "_look_at_command_line", lambda *_: None)


@pytest.mark.usefixtures("unseen_words")
@pytest.mark.parametrize("use", list(USES))
def test_in_use_by_a_process(tmp_path: Path, use: str) -> None:
    program, why = USES[use]
    folder = tree(tmp_path)
    shutil.copy(_library(), folder / "sub" / "library")
    with running(program, folder):
        found = sweep(tmp_path)
        assert [(path, why in text) for path, text in found.spared] == [(str(folder), True)], found.spared
        assert (folder / "sub" / "library").exists()
    assert len(sweep(tmp_path).junk) == 1


@pytest.mark.usefixtures("unseen_words")
@pytest.mark.parametrize("use", list(USES))
def test_control_in_use_and_nobody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: str) -> None:
    folder = tree(tmp_path)
    shutil.copy(_library(), folder / "sub" / "library")
    monkeypatch.setattr(InUse, "of_name", lambda *_: "")
    monkeypatch.setattr(InUse, "of_file", lambda *_: "")
    monkeypatch.setattr(inuse, "is_bound", lambda *_: False)
    monkeypatch.setattr(locks, "exclusive", lambda _: True)
    with running(USES[use][0], folder):
        assert len(sweep(tmp_path).junk) == 1


@pytest.mark.parametrize("use", ["open", "current directory", "open by descriptor of a directory"])
def test_in_use_by_the_very_process_that_sweeps(tmp_path: Path, use: str) -> None:
    """Whose command line names what it is to remove, which alone spares nothing."""
    folder = tree(tmp_path)
    program, why = USES[use]
    sweeping = (
        "import os, sys; from tests.roots.test_unleased import Path, sweep\n"
        "{0}\nfound = sweep(Path(sys.argv[2]), 'pip-a'); print([why for _, why in found.spared], len(found.junk))"
    )

    def swept(program: str) -> str:
        command = [sys.executable, "-c", sweeping.format(program), str(folder), str(tmp_path)]
        here = Path(__file__).parent.parent.parent
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=here).stdout

    assert why in swept(program)
    assert (folder / "sub" / "file").exists()
    assert swept("") == "[] 1\n"
    assert not folder.exists()


@pytest.mark.usefixtures("unseen_words")
def test_executed(tmp_path: Path) -> None:
    folder = tree(tmp_path)
    program = shutil.copy(shutil.which("cat") or "", folder / "sub")
    with subprocess.Popen([program], stdin=subprocess.PIPE) as process:
        found = sweep(tmp_path)
        assert f"executed by {process.pid} (cat)" in found.spared[0][1]
        process.communicate()
    assert len(sweep(tmp_path).junk) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["{0}/pip-a/sub/file"],
        ["--output={0}/pip-a"],
        ["sh -c 'cat {0}/pip-a; true'"],
        ["A={0}/pip-a:{0}/b"],
        ["pip-a/sub"],
        ["--cache=pip-a"],
    ],
)
def test_named_on_a_command_line(tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path)
    with running("", *(word.format(tmp_path) for word in words), cwd=tmp_path):
        assert "named on the command line of" in sweep(tmp_path).spared[0][1]
        monkeypatch.setattr(InUse, "_look_at_command_line", lambda *_: None)
        assert len(sweep(tmp_path).junk) == 1  # the control


def test_the_temp_folder_of_a_process(tmp_path: Path) -> None:
    tree(tmp_path)
    with running("", env={"TMPDIR": f"{tmp_path}/pip-a"}):
        assert "the temp folder of" in sweep(tmp_path).spared[0][1]
    assert len(sweep(tmp_path).junk) == 1


def test_by_another_path(tmp_path: Path) -> None:
    """The folder is reached by way of a symlink, and the process uses the real path, and the other way round."""
    tree(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    with running("", tmp_path / "real" / "pip-a"):
        assert sweep(tmp_path / "link" / "." / ".." / "real").junk == []
    (tmp_path / "real" / "pip-a").rename(tmp_path / "moved")
    with running("os.chdir(sys.argv[1])", tmp_path / "moved"):
        (tmp_path / "moved").rename(tmp_path / "real" / "pip-a")
        assert sweep(tmp_path / "real").junk == []


@needs_root
@needs_unshare
@pytest.mark.parametrize("lock", ["flock(f, fcntl.LOCK_EX)", "flock(f, fcntl.LOCK_SH)"])
@pytest.mark.parametrize("place", ["", "/sub", "/sub/file"])
def test_locked_by_a_process_that_is_not_seen(tmp_path: Path, lock: str, place: str) -> None:
    """In a pid namespace of our own neither the process nor its lock is listed; the lock holds all the same."""
    folder = tree(tmp_path)
    with running(f"import fcntl; f = os.open(sys.argv[1], 0); fcntl.{lock}", f"{folder}{place}"):
        assert "locked" in _sweep_elsewhere(tmp_path)
        assert (folder / "sub" / "file").exists()
        careless = "from scratchwork.system import locks; locks.exclusive = lambda _: True"
        assert _sweep_elsewhere(tmp_path, careless) == "None"  # the control


def _sweep_elsewhere(folder: Path, first: str = "") -> str:
    """Sweep in pid and mount namespaces of our own; return why something was spared, or 'None'."""
    program = (
        f"import sys\n{first}\nfrom tests.roots.test_unleased import sweep_unleased, tomorrow\n"
        "found = sweep_unleased(sys.argv[1], ['pip-*'], 3600, dry_run=False, present=tomorrow())\n"
        "print(found.spared[0][1] if found.spared else None)"
    )
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent.parent)
    assert not done.stderr, done.stderr
    return done.stdout.strip()


# Mounts


@needs_root
@pytest.mark.parametrize("place", ["", "sub"])
def test_something_mounted_in_it(tmp_path: Path, mounted: Callable[..., Path], place: str) -> None:
    point = tree(tmp_path) / place
    mounted(point, "-t", "tmpfs", "none")
    (point / "precious").touch()
    assert "mounted" in sweep(tmp_path).spared[0][1]
    assert (point / "precious").exists()


@needs_root
def test_mounted_elsewhere(tmp_path: Path, mounted: Callable[..., Path]) -> None:
    mounted(tmp_path, "-t", "tmpfs", "none")  # so that its path there is not that on the other file system
    folder = tree(tmp_path)
    mounted(tmp_path / "point", "--bind", str(folder / "sub"))
    assert "mounted elsewhere" in sweep(tmp_path).spared[0][1]
    assert (tmp_path / "point" / "file").exists()


@needs_root
def test_a_layer_of_an_overlay(tmp_path: Path, mounted: Callable[..., Path]) -> None:
    mounted(tmp_path, "-t", "tmpfs", "none")  # an overlay's layers may not be on an overlay
    for name in ("pip-lower", "pip-upper", "pip-work"):
        (tmp_path / name).mkdir()
    layers = f"lowerdir={tmp_path}/pip-lower,upperdir={tmp_path}/pip-upper,workdir={tmp_path}/pip-work"
    mounted(tmp_path / "point", "-t", "overlay", "-o", layers, "none")
    assert len(sweep(tmp_path).spared) == 3


@needs_root
@pytest.mark.skipif(shutil.which("losetup") is None, reason="needs losetup")
def test_behind_a_loop_device(tmp_path: Path) -> None:
    image = tmp_path / "pip-image"
    with image.open("wb") as file:
        file.truncate(2**20)
    done = subprocess.run(["losetup", "--find", "--show", str(image)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no loop devices here: {done.stderr}")
    try:
        assert "behind the device loop" in sweep(tmp_path).spared[0][1]
    finally:
        subprocess.run(["losetup", "--detach", done.stdout.strip()], check=True)
    assert len(sweep(tmp_path).junk) == 1


# Trouble


@needs_root
@pytest.mark.skipif(shutil.which("chattr") is None, reason="needs chattr")
def test_what_can_not_be_removed_is_named(tmp_path: Path) -> None:
    folder = tree(tmp_path)
    tree(tmp_path, "pip-b")
    done = subprocess.run(["chattr", "+i", str(folder / "sub")], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no immutable files here: {done.stderr}")
    try:
        found = sweep(tmp_path)
    finally:
        subprocess.run(["chattr", "-i", str(folder / "sub")], check=True)
    assert [path for path, _ in found.failed] == [str(folder)]
    assert [junk.path for junk in found.junk] == [str(tmp_path / "pip-b")]


def test_changed_between_two_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody takes the name for something new between the look at it and the lock on it."""
    tree(tmp_path)
    of_file = InUse.of_file

    def swapping(self: InUse, status: os.stat_result) -> str:
        shutil.rmtree(tmp_path / "pip-a")
        tree(tmp_path)
        return of_file(self, status)

    monkeypatch.setattr(InUse, "of_file", swapping)
    assert sweep(tmp_path).spared[0][1] == "it changed while it was looked at"
    assert (tmp_path / "pip-a" / "sub" / "file").exists()


def test_what_goes_by_itself_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path)

    def vanish(*_: object) -> str:
        shutil.rmtree(tmp_path / "pip-a")
        return ""

    monkeypatch.setattr(InUse, "of_name", vanish)
    found = sweep(tmp_path)
    assert (found.junk, found.spared, found.failed) == ([], [], [])


@needs_root
def test_where_it_can_not_be_seen_what_is_in_use(tmp_path: Path) -> None:
    folder = tree(tmp_path)
    program = (
        f"from scratchwork.roots.unleased import *; sweep_unleased({str(tmp_path)!r}, ['pip-*'], 0, dry_run=False)"
    )
    hide = 'mount -t tmpfs none /proc && exec "$0" -c "$1"'
    command = ["unshare", "--mount", "sh", "-c", hide, sys.executable, program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "mount" in done.stderr:
        pytest.skip("can't mount here")
    assert "what is in use can't be seen here, so nothing is removed" in done.stderr
    assert folder.exists()
