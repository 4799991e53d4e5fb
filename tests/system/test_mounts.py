from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from scratchwork.system import mounts


def test_space_is_what_df_says(tmp_path: Path) -> None:
    space = mounts.space(str(tmp_path))
    total = subprocess.check_output(["df", "--block-size=1", "--output=size", tmp_path], text=True).split()[-1]
    assert space.total_bytes == int(total)
    assert 0 < space.free_bytes <= space.total_bytes
    assert space.free_inodes is None or space.free_inodes > 0
    with pytest.raises(FileNotFoundError):
        mounts.space(str(tmp_path / "none"))


def test_the_mount_of_a_path(tmp_path: Path) -> None:
    memory = mounts.mount_of("/dev/shm")
    assert memory is not None
    assert (memory.point, memory.type) == ("/dev/shm", "tmpfs")
    proc = mounts.mount_of("/proc/self/status")
    assert proc is not None
    assert proc.type == "proc"
    assert "rw" in proc.options


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
def test_the_last_mount_on_a_point_with_a_space_in_its_name(tmp_path: Path) -> None:
    point = tmp_path / "a mount\tpoint"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec,size=64k,nr_inodes=10", "first", point], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "second", point], check=True)
    try:
        mount = mounts.mount_of(str(point / "file"))
        assert mount is not None
        assert (mount.point, mount.source) == (str(point), "second")
        assert "noexec" not in mount.options
    finally:
        subprocess.run(["umount", point], check=True)
        first = mounts.mount_of(str(point))
        subprocess.run(["umount", point], check=True)
    assert first is not None
    assert "noexec" in first.options
