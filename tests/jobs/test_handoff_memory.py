"""Data that is handed off as a path and never touches a disk."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scratchwork import Root, handoff
from tests.helpers_leftovers import everything, leaving_nothing
from tests.helpers_processes import SOURCE
from tests.helpers_programs import kill, running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files that live in memory alone")


@pytest.fixture(autouse=True)
def before(tmp_path: Path, temp: Path) -> Iterator[set[str]]:  # pytest's own temp folder lies outside of ours
    with leaving_nothing(temp) as found:
        yield found


def is_on_a_mounted_file_system(path: Path) -> bool:
    device = path.stat().st_dev
    mounted = {line.split()[2] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    return f"{os.major(device)}:{os.minor(device)}" in mounted


def test_it_lies_in_no_file_system(temp: Path, before: set[str]) -> None:
    with handoff(b"a secret", memory=True) as path:
        assert everything(temp) == before
        assert not is_on_a_mounted_file_system(path)
        assert subprocess.run(["cat", path], capture_output=True, check=True).stdout == b"a secret"


def test_with_a_suffix_only_a_link_to_it_does(temp: Path, before: set[str]) -> None:
    with handoff({"a": 1}, ".json", memory=True) as path:
        assert path.name.endswith(".json")
        assert path.is_symlink()
        assert everything(temp) == before | {str(path.relative_to(temp))}
        assert not is_on_a_mounted_file_system(path)
        command: list[str | Path] = [sys.executable, "-I", "-m", "json.tool", "--compact", path]
        assert subprocess.run(command, capture_output=True, check=True).stdout == b'{"a":1}\n'


def test_control_without_memory_it_does(temp: Path, before: set[str]) -> None:
    with handoff(b"a secret") as path:
        assert everything(temp) > before
        assert is_on_a_mounted_file_system(path)


def test_the_link_lies_where_the_file_would(temp: Path) -> None:
    with Root("app").workspace(quota=10) as ws, handoff(b"x" * 100, ".txt", memory=True, dir=ws) as path:
        assert path.parent == ws.path
        assert path.read_bytes() == b"x" * 100, "memory is no disk: the quota of the workspace does not count it"


def test_its_mode_is_that_of_every_hand_off() -> None:
    with handoff(b"a secret", memory=True) as path:
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("suffix", ["", ".txt"])
def test_kill_9_leaves_nothing_to_read(temp: Path, before: set[str], suffix: str) -> None:
    """At once, before any sweep."""
    program = """
import sys
from scratchwork import handoff
with handoff("a secret", sys.argv[1], memory=True) as path:
    print(path, flush=True)
    input()
"""
    with running(program, suffix) as (process, (path,)):
        assert Path(path).read_text() == "a secret"
        kill(process)
        with pytest.raises(FileNotFoundError):
            Path(path).read_text()
        left = [temp / name for name in everything(temp) - before]
        assert [name for name in left if name.is_file()] == []
    Root("default").sweep()
    assert everything(temp) == before


def test_a_program_that_has_it_open_reads_on_after_the_block() -> None:
    with handoff(b"content", memory=True) as path:
        file = path.open("rb")
    with file:
        assert not path.exists()
        assert file.read() == b"content"


def test_children_do_not_inherit_it() -> None:
    with handoff(b"a secret", memory=True):
        done = subprocess.run(
            ["ls", "-l", "/proc/self/fd"], capture_output=True, text=True, check=True, close_fds=False
        )
    assert not re.search("memfd", done.stdout)


def test_without_proc_it_is_refused_and_no_disk_used(temp: Path, before: set[str]) -> None:
    program = f"""
import os, sys
sys.path.insert(0, {SOURCE!r})
from scratchwork import handoff
before = os.listdir("/dev/fd/") if os.path.exists("/dev/fd/") else None
try:
    with handoff(b"a secret", sys.argv[1], memory=True): print("handed off")
except OSError as error:
    print(error.errno, error.strerror)
"""
    hide = 'mount -t tmpfs none /proc && exec "$0" "$@"'
    for suffix in ("", ".txt"):
        command = ["unshare", "--mount", "sh", "-c", hide, sys.executable, "-S", "-c", program, suffix]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"can't hide /proc here: {done.stderr}")
        assert done.stdout.startswith(f"{errno.EOPNOTSUPP} no file can be had here that lives in memory alone: /proc")
    Root("default").sweep()
    assert everything(temp) == before


_NAMESPACE = """
import os, scratchwork
for _ in range(20):
    try:
        with scratchwork.handoff(b"ours", memory=True) as path:
            print("given", path.read_bytes())
            break
    except OSError:
        os.dup(0)
else:
    print("refused")
"""


def test_the_proc_of_another_namespace_leads_to_nothing_else(temp: Path, before: set[str]) -> None:
    """There our pid is another's, whose descriptors are not ours."""
    inner = [sys.executable, "-c", _NAMESPACE]
    namespaces = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    script = 'exec 3</etc/hosts 4</etc/hosts 5</etc/hosts 6</etc/hosts; unshare --pid --fork "$@"; true'
    done = subprocess.run([*namespaces, "sh", "-c", script, "sh", *inner], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no namespaces here: {done.stderr}")
    assert done.stdout == "given b'ours'\n", done.stderr
