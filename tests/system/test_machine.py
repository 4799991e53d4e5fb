"""What the machine has: memory, within control groups; the time, on a clock that was set; what can be tried."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scratchwork.system import clocks, trials
from scratchwork.system.clocks import Present
from scratchwork.system.memory import memory

DAY = 86400.0


def test_memory() -> None:
    found = memory()
    assert found is not None
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < found.available <= found.total <= physical * 1.01
    assert 0 <= found.free_swap <= found.total_swap


def test_memory_within_a_control_group() -> None:
    group = Path("/sys/fs/cgroup/memory") if Path("/sys/fs/cgroup/memory").is_dir() else Path("/sys/fs/cgroup")
    own = group / f"scratchwork-test-{os.getpid()}"
    limit = "memory.limit_in_bytes" if group.name == "memory" else "memory.max"
    try:
        own.mkdir()
        (own / limit).write_text("200000000")
    except OSError as error:
        own.rmdir() if own.is_dir() else None
        pytest.skip(f"no control group can be made here: {error}")
    program = (
        "import sys; open(sys.argv[1] + '/cgroup.procs', 'w').write('0')\n"
        "from scratchwork.system.memory import memory; found = memory(); print(found.total, found.available)"
    )
    try:
        done = subprocess.run([sys.executable, "-c", program, str(own)], capture_output=True, text=True, check=True)
    finally:
        own.rmdir()
    total, available = map(int, done.stdout.split())
    assert total <= 200_000_000
    assert 0 < available < total


@pytest.mark.parametrize(
    ("made", "now", "uptime", "boot", "age"),
    [
        (-3 * DAY, 0.0, DAY, -DAY, 3 * DAY),  # before the machine started: as old as it looks
        (-3600.0, 0.0, DAY, -DAY, 3600.0),
        (-3600.0, 365 * DAY, DAY, -DAY, DAY),  # the clock was set a year ahead since: no older than the machine runs
        (-DAY - 30, 365 * DAY, DAY, -DAY, DAY),  # made while it started
        (3600.0, 0.0, DAY, -DAY, -3600.0),  # from the future
    ],
)
def test_ages(made: float, now: float, uptime: float, boot: float, age: float) -> None:
    assert Present(now, uptime, boot).age(made) == age


def test_the_present(tmp_path: Path) -> None:
    now = clocks.present()
    assert abs(now.now - time.time()) < DAY
    with open("/proc/uptime", encoding="ascii") as file:
        assert now.uptime <= float(file.read().split()[0]) + 1
    assert now.boot <= now.now - now.uptime
    (tmp_path / "new").touch()
    assert clocks.present().age((tmp_path / "new").stat().st_mtime) < DAY


@pytest.mark.parametrize("trial", [trials.can_write, trials.can_execute, trials.can_link, trials.can_symlink])
@pytest.mark.parametrize("umask", [0o022, 0o777])
def test_trials_leave_nothing(tmp_path: Path, trial: object, umask: int) -> None:
    before = os.umask(umask)
    try:
        assert trial(str(tmp_path)) == ""  # type: ignore[operator]
    finally:
        os.umask(before)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "trial",
    [trials.can_write, trials.can_execute, trials.can_link, trials.can_symlink, trials.can_make_anonymous],
)
def test_trials_say_why_not(trial: object) -> None:
    assert trial("/proc/self") != ""  # type: ignore[operator]
