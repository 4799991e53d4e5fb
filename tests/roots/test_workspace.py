from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import scratchwork
from scratchwork import InvalidLabel, Root
from tests.helpers_programs import kill, python, running

HOLD = """
import sys, scratchwork
ws = scratchwork.Root("app").workspace("job", keep=sys.argv[1])
(ws / "file").write_text("content")
print(ws, flush=True)
sys.stdin.readline()
"""


def test_it_is_a_private_directory_and_gone_after_the_block(root: Root) -> None:
    with root.workspace("nightly") as ws:
        assert os.stat(ws).st_mode & 0o777 == 0o700
        assert ws.path.is_absolute()
        (ws / "raw.csv").write_text("id,name\n")
        (ws / "a" / "b").mkdir(parents=True)
        assert ws.usage().files == 1
        assert ws.usage().directories == 2
        assert os.fspath(ws) == str(ws) == str(ws.path)
        assert [found.state for found in root.workspaces()] == ["alive"]
    assert not ws.path.exists()
    assert root.workspaces() == []
    (ended,) = root.history()
    assert (ended.label, ended.outcome, ended.files, ended.pid) == ("nightly", "cleaned", 1, os.getpid())


def test_the_default_root_lies_in_the_temp_folder(temp: Path) -> None:
    with scratchwork.workspace() as ws:
        assert ws.path.parent == temp / f"scratch-{os.getuid()}-default"


def test_an_exception_passes_through_and_leaves_nothing(root: Root) -> None:
    with pytest.raises(ZeroDivisionError), root.workspace() as ws:
        (ws / "file").touch()
        raise ZeroDivisionError
    assert not ws.path.exists()


def test_one_that_is_forgotten_is_removed_with_a_warning(root: Root) -> None:
    with pytest.warns(ResourceWarning, match="Implicitly cleaning up"):
        path = root.workspace().path
        gc.collect()
    assert not path.exists()


def test_one_that_is_left_at_exit_is_removed(temp: Path) -> None:
    done = python("import scratchwork; ws = scratchwork.workspace(); (ws / 'f').touch(); print(ws)")
    assert not Path(done.stdout.strip()).exists()


@pytest.mark.parametrize("action", ["default", "error"])
def test_forgotten_it_is_removed_with_a_warning_also_when_that_is_an_error(temp: Path, action: str) -> None:
    program = """
import gc, os, sys, warnings
warnings.simplefilter(sys.argv[1], ResourceWarning)
from scratchwork import Root
root = Root("app")
ws = root.workspace("collected")
del ws
gc.collect()
assert root.workspaces() == []
at_exit = root.workspace("at-exit"), root.workspace("at-exit")
if os.fork() == 0:
    sys.exit()  # says nothing: they are not its own
os.wait()
"""
    done = python(program, action)
    assert done.stderr.count("ResourceWarning: Implicitly cleaning up") == 2
    assert done.stderr.count("/at-exit-") == 2
    assert Root("app", sweep_first=False).workspaces() == []
    assert [ended.outcome for ended in Root("app").history()] == ["cleaned"] * 3


def test_cleaning_up_twice_and_no_descriptor_left(root: Root) -> None:
    with root.workspace():
        pass
    gc.collect()  # what earlier tests left is given back now, not meanwhile
    before = os.listdir("/proc/self/fd")
    ws = root.workspace()
    ws.cleanup()
    ws.cleanup()
    assert ws.fileno() == -1
    assert os.listdir("/proc/self/fd") == before


def test_a_killed_one_is_removed_by_the_next_sweep(temp: Path) -> None:
    with running(HOLD, "never") as (process, (path,)):
        root = Root("app")
        assert root.sweep().alive == 1
        assert Path(path).exists()
        kill(process)
        (ended,) = root.sweep().removed
    assert not Path(path).exists()
    assert (ended.outcome, ended.files, ended.pid, ended.why) == ("reclaimed", 1, process.pid, "its process died")


def test_opening_the_root_again_is_enough(temp: Path) -> None:
    with running(HOLD, "never") as (process, (path,)):
        kill(process)
    Root("app")
    assert not Path(path).exists()


def test_a_child_that_was_handed_the_lease_keeps_it_alive(temp: Path) -> None:
    program = HOLD.replace("print(", "import subprocess; subprocess.Popen(['cat'], pass_fds=[ws.fileno()]); print(")
    with running(program, "never") as (process, (path,)):
        kill(process)
        root = Root("app")
        assert root.sweep().alive == 1
        assert Path(path, "file").exists()
        assert process.stdin is not None
        process.stdin.close()  # cat ends
        while root.sweep().alive:
            os.sched_yield()
    assert not Path(path).exists()


def test_in_the_background_its_name_is_gone_at_once(root: Root) -> None:
    ws = root.workspace()
    for number in range(500):
        (ws / str(number)).touch()
    ws.cleanup(background=True)
    assert not ws.path.exists()
    for thread in threading.enumerate():
        if thread.name == "scratchwork-cleanup":
            thread.join()
    assert [name for name in os.listdir(root.path) if "gone" in name or "job" in name] == []
    assert root.history()[-1].files == 500


def test_killed_during_a_removal_in_the_background_the_rest_is_swept(temp: Path) -> None:
    program = """
import os, scratchwork
from scratchwork.system.leases import directory
ws = scratchwork.Root("app").workspace()
(ws / "file").touch()
directory.DirectoryLeases.remove = lambda *_: (print("removing", flush=True), input())
ws.cleanup(background=True)
"""
    with running(program) as (process, _):
        root = Root("app")
        assert root.sweep().alive == 1
        kill(process)
        assert len(root.sweep().removed) == 1
    assert [name for name in os.listdir(root.path) if "job" in name] == []


@pytest.mark.parametrize("label", ["", "a/b", "nul\0", "x" * 10_000, "line\nbreak", "bell\a", "back\\slash"])
def test_a_label_that_can_not_be_one(root: Root, label: str) -> None:
    with pytest.raises(InvalidLabel, match="label"):
        root.workspace(label)


@pytest.mark.parametrize("label", ["..", ".json", "ä ö", "x" * 200, "a.lock", "-", "--", "a-b-c-d-e", "job.gone"])
def test_any_other_label_stands_whole_in_the_history(root: Root, label: str) -> None:
    with root.workspace(label) as ws:
        assert ws.path.parent == Path(root.path)
        (found,) = root.workspaces()
        assert found.label == label
        assert root.sweep().alive == 1
    assert root.history()[-1].label == label
    assert not [name for name in os.listdir(root.path) if not root._store.is_own_file(name)]


def test_its_path_leaves_room_for_a_socket() -> None:
    with scratchwork.Root("app", dir="/tmp").workspace("a long label, longer than what is shown") as ws:
        assert len(os.fspath(ws)) < 70
        path = Path(ws.path.parent)
    for name in os.listdir(path):
        (path / name).unlink()
    path.rmdir()


def test_threads_share_a_root(root: Root) -> None:
    def work() -> None:
        for _ in range(100):
            with root.workspace() as ws:
                (ws / "file").touch()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert root.workspaces() == []
    assert len(root.history()) == 800


def test_a_root_that_somebody_removed_is_made_anew(root: Root) -> None:
    for name in os.listdir(root.path):
        os.unlink(os.path.join(root.path, name))
    os.rmdir(root.path)
    with root.workspace() as ws:
        assert ws.path.is_dir()


def test_whatever_the_umask_it_is_ours_alone(root: Root) -> None:
    program = "import os, sys; os.umask(int(sys.argv[1], 8)); import scratchwork; "
    program += "ws = scratchwork.Root('mask').workspace(); print(oct(os.stat(ws).st_mode)); (ws / 'f').touch()"
    for mask in ("0", "277", "777"):
        assert subprocess.check_output([sys.executable, "-c", program, mask], text=True) == "0o40700\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
def test_what_can_not_be_removed_is_told_and_the_next_sweep_tries_again(root: Root) -> None:
    ws = root.workspace()
    (ws / "mount").mkdir()
    (ws / "file").touch()
    subprocess.run(["mount", "-t", "tmpfs", "none", ws / "mount"], check=True)
    try:
        with pytest.raises(scratchwork.CleanupIncomplete, match="mount: something is mounted there") as caught:
            ws.cleanup()
        assert [failure.path for failure in caught.value.failures] == ["mount"]
        assert root.history()[-1].outcome == "failed"
    finally:
        subprocess.run(["umount", ws / "mount"], check=True)
    assert len(root.sweep().removed) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
def test_an_error_of_cleaning_does_not_hide_that_of_the_block(root: Root, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ZeroDivisionError), root.workspace() as ws:
        (ws / "mount").mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "none", ws / "mount"], check=True)
        raise ZeroDivisionError
    subprocess.run(["umount", ws / "mount"], check=True)
    assert "something is mounted there" in caplog.text
    assert len(root.sweep().removed) == 1
