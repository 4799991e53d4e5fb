"""What the distribution's cleaners do to the same tree: what each removes that it should not, and what it misses."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scratchwork.roots.unleased import sweep_unleased
from tests.helpers_processes import until
from tests.roots.test_unleased import running

AGE = 3  # seconds: what is older goes; none of them takes a finer unit, or lets the time be given
TMPREAPER = shutil.which("tmpreaper") or shutil.which("tmpreaper", path=f"{sys.prefix}/cleaners/usr/sbin")
TMPFILES = shutil.which("systemd-tmpfiles")

DEAD = {"file", "fifo", "link", "tree", "empty", "shut", "socket"}
"""Old, ours and used by nobody: these should go."""
ALIVE = {
    "young-inside": "",
    "current-directory": "os.chdir(os.environ['PLACE'])",
    "open": "file = open(os.environ['PLACE'] + '/old')",
    "named": "",
    "temp-folder": "",
    "listening": "import socket; s = socket.socket(socket.AF_UNIX); s.bind(os.environ['PLACE'] + '/s'); s.listen()",
    "locked": "import fcntl; f = os.open(os.environ['PLACE'], 0); fcntl.flock(f, fcntl.LOCK_EX)",
    "locked-inside": "import fcntl; f = os.open(os.environ['PLACE'] + '/old', 0); fcntl.flock(f, fcntl.LOCK_EX)",
    "mounted": "",
}
"""Each with a file in it that is old and must stay; and by whom it is used."""


def ours(folder: Path) -> None:
    found = sweep_unleased(str(folder), ["junk-*"], AGE, dry_run=False)
    assert found.failed == []


def systemd_tmpfiles(folder: Path) -> None:
    """As it is set up for /tmp, with its way to leave out a name."""
    if TMPFILES is None:
        pytest.skip("there is no systemd-tmpfiles")
    rules = folder.parent / "rules.conf"
    rules.write_text(f"d {folder} - - - {AGE}s\nx {folder}/keep-*\n")
    subprocess.run([TMPFILES, "--clean", str(rules)], check=True)


def tmpreaper(folder: Path) -> None:
    """With the options of the distribution's daily job."""
    if TMPREAPER is None:
        pytest.skip("there is no tmpreaper")
    options = ("--mtime-dir", "--symlinks", "--ctime", "--all", "--protect", f"{folder}/keep-*")
    subprocess.run([TMPREAPER, *options, f"{AGE}s", str(folder)], check=True)


def build(folder: Path) -> None:
    folder.mkdir()
    for name in (*(f"junk-{name}" for name in ALIVE), "junk-tree", "junk-shut", "keep-this", "junk-other-user"):
        (folder / name).mkdir()
        (folder / name / "old").write_text("x")
    (folder / "junk-file").write_text("x")
    (folder / "junk-link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "junk-fifo")
    (folder / "junk-empty" / "empty").mkdir(parents=True)
    (folder / "junk-shut").chmod(0)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "junk-socket"))
    os.chown(folder / "junk-other-user" / "old", 65534, 65534)


@contextlib.contextmanager
def in_use(folder: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for name, program in ALIVE.items():
            place = str(folder / f"junk-{name}")
            variable = "TMPDIR" if name == "temp-folder" else "PLACE"
            words = [place] if name == "named" else []
            stack.enter_context(running(program, *words, env={variable: place}))
        yield


def has_passed(folder: Path) -> Callable[[], bool]:
    newest = max(path.lstat().st_ctime for path in (folder, *folder.rglob("*")))
    return lambda: time.time() > newest + AGE + 1


@pytest.mark.once
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount and to make files of another user")
@pytest.mark.parametrize(
    ("clean", "harmed", "missed"),
    [
        (ours, set(), set()),
        (
            systemd_tmpfiles,
            {*ALIVE, "other-user"} - {"locked"},
            set(),
        ),
        (tmpreaper, {*ALIVE, "other-user"}, {"shut"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_compared(
    tmp_path: Path,
    mounted: Callable[..., Path],
    clean: Callable[[Path], None],
    harmed: set[str],
    missed: set[str],
) -> None:
    folder = tmp_path / "t"
    build(folder)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "old").write_text("x")
    mounted(folder / "junk-mounted" / "mounted", "--bind", str(tmp_path / "precious"))
    with in_use(folder):
        until(has_passed(folder), "the age")
        (folder / "junk-young-inside" / "young").write_text("x")
        clean(folder)
        left = {str(path.relative_to(folder)) for path in folder.rglob("*")}
        assert {f"keep-this{part}" for part in ("", "/old")} <= left
        assert (tmp_path / "precious" / "old").exists()
        stays = {*ALIVE, "other-user"}
        assert {name for name in stays if f"junk-{name}/old" not in left} == harmed
        assert {name for name in DEAD if f"junk-{name}" in left} == missed
