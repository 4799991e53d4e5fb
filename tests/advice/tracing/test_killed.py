"""Programs that are killed in the middle of all that they do: what is told of them is what lies there."""

from __future__ import annotations

import os
import subprocess

import pytest

from .conftest import Traced

CHURN = """
import random, shutil, threading

def churn(seed, tell=lambda: None):
    chance, mine = random.Random(seed), []
    while True:
        tell()
        what = chance.random()
        if what < 0.4:
            descriptor, path = tempfile.mkstemp()
            os.write(descriptor, b"x" * chance.randrange(20_000))
            os.close(descriptor)
            mine.append(path)
        elif what < 0.5:
            mine.append(tempfile.mkdtemp())
            with open(os.path.join(mine[-1], "inside"), "w") as file:
                file.write("x" * 5_000)
        elif mine and what < 0.8:
            path = mine.pop(chance.randrange(len(mine)))
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        elif mine:
            path = mine.pop()
            os.rename(path, path + "r")
            mine.append(path + "r")

seed = int(sys.argv[1])
threading.Thread(target=churn, args=(seed + 1000,), daemon=True).start()
if os.fork() == 0:
    churn(seed + 2000)
churn(seed, lambda: print(flush=True))
"""


@pytest.mark.parametrize("seed", range(4))
def test_what_is_told_is_what_is_there(traced: Traced, seed: int) -> None:
    with traced.start(CHURN, str(seed), stdout=subprocess.PIPE, process_group=0) as process:
        assert process.stdout is not None
        for _ in range(50 + 37 * seed):
            process.stdout.readline()
        os.killpg(process.pid, 9)
        process.stdout.read()  # until the last of them, the forked one too, is gone
    trace = traced.read()
    there = [
        os.path.join(folder, name) for folder, folders, files in os.walk(traced.temp) for name in (*folders, *files)
    ]
    assert sorted(path for group in trace.groups for path in group.paths) == sorted(there)
    assert trace.total().bytes_left == sum(os.lstat(path).st_blocks * 512 for path in there)
    assert trace.total().unseen == 0
    assert trace.is_complete
