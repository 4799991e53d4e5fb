"""What the doctor finds, on real file systems with real faults."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scratchwork import Root
from scratchwork.advice.doctor import examine
from scratchwork.advice.finding import Finding
from scratchwork.advice.matter import stem_of
from scratchwork.system import mounts, user_quota
from tests.helpers_processes import Scratch
from tests.roots import deaths

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NOBODY = 65534


def about(topic: str, path: Path) -> list[Finding]:
    return [one for one in examine(str(path)) if one.topic == topic]


def one_about(topic: str, path: Path) -> Finding:
    [found] = about(topic, path)
    return found


def test_a_healthy_place(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = {one.topic: one for one in examine(str(tmp_path))}
    for topic in ("writable", "executable", "locks", "symlinks", "permissions", "workspaces", "unleased"):
        assert (topic, found[topic].severity) == (topic, "ok")
    assert "mounted at" in found["type"].text
    assert "free of" in found["space"].text
    assert "cleaner" in found
    assert "namespaces" in found


def test_nothing_is_left_of_what_was_tried(tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    examine(str(tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


@needs_root
def test_memory_noexec_and_little_room(tmp_path: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    path = tmpfs(tmp_path / "point", "size=1m,nr_inodes=100,noexec,mode=700")
    (path / "filler").write_bytes(bytes(1_015_808))
    for number in range(94):
        (path / str(number)).touch()
    assert one_about("memory", path).severity == "note"
    assert "may grow to 1.0 MB, of which 0 B would be in swap" in one_about("memory", path).text
    assert (one_about("executable", path).severity, "noexec" in one_about("executable", path).text) == ("warning", True)
    assert one_about("space", path).severity == "problem"
    assert "free of 1.0 MB" in one_about("space", path).text
    assert one_about("inodes", path).severity == "problem"
    assert "scratch sweep" in one_about("inodes", path).advice


@needs_root
def test_more_memory_than_there_is(tmp_path: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    path = tmpfs(tmp_path / "point", "size=100%,mode=700")
    subprocess.run(["mount", "-o", f"remount,size={2**50}", str(path)], check=True)
    found = one_about("memory", path)
    assert found.severity == "warning"
    assert "that is more than there is" in found.text


@needs_root
def test_read_only(tmp_path: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    path = tmpfs(tmp_path / "point", "mode=700")
    subprocess.run(["mount", "-o", "remount,ro", str(path)], check=True)
    assert one_about("type", path).severity == "problem"
    assert one_about("writable", path) == Finding(
        "writable",
        "problem",
        "nothing can be made there: Read-only file system",
        "set TMPDIR to a directory that you may write to",
    )


@needs_root
def test_no_inode_left(tmp_path: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    path = tmpfs(tmp_path / "point", "size=1m,nr_inodes=2,mode=700")
    (path / "last").touch()
    assert "nothing can be made there: No space left on device" in one_about("writable", path).text


@needs_root
def test_full(tmp_path: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    path = tmpfs(tmp_path / "point", "size=64k,mode=700")
    (path / "filler").write_bytes(bytes(65536))
    assert "files can be made there, but not written: No space left" in one_about("writable", path).text


def test_others_may_replace_what_lies_there(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    found = about("permissions", tmp_path)[0]
    assert (found.severity, found.advice) == ("problem", f"'chmod +t {tmp_path}', as for /tmp")
    tmp_path.chmod(0o1777)
    assert about("permissions", tmp_path)[0] == Finding(
        "permissions", "ok", f"mode 1777, of {_user()}, with the sticky bit"
    )
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a").chmod(0o770)
    assert [one.text for one in about("permissions", inner) if one.severity == "problem"] == [
        f"others may replace all below {tmp_path}/a (mode 0770)"
    ]
    tmp_path.chmod(0o700)


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


@needs_root
def test_of_another_user(tmp_path: Path) -> None:
    place = tmp_path / "theirs"
    place.mkdir()
    os.chown(place, NOBODY, NOBODY)
    assert "who can replace whatever lies there" in about("permissions", place)[0].text
    (place / "mine").mkdir()
    below = about("permissions", place / "mine")
    assert [one.severity for one in below] == ["ok", "warning"]
    os.chown(place, 0, 0)


def test_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    for path in (tmp_path / "link", tmp_path / "link" / "inner"):
        assert one_about("symlink", path) == Finding("symlink", "note", f"{tmp_path}/link is a symlink to real")
    if os.geteuid() == 0:
        os.lchown(tmp_path / "link", NOBODY, NOBODY)
        found = one_about("symlink", tmp_path / "link")
        assert found.severity == "problem"
        assert f"say {tmp_path}/real" in found.advice


def test_by_way_of_a_symlink_the_same_is_found(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is told of what it leads to, and that it is one."""
    (temp / "real").mkdir(mode=0o1777)
    (temp / "real").chmod(0o1777)
    (temp / "real" / "pip-build-env-4z1k8vtq").write_bytes(bytes(10_000))
    with Root("app", temp / "real", sweep_first=False).workspace():
        pass
    (temp / "link").symlink_to("real")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86400 * 3)
    by_link, itself = examine(str(temp / "link")), examine(str(temp / "real"))
    for found in (by_link, itself):
        for one in found:
            one.text = re.sub(r"[\d,.]+ (free|[KMGT]?B)", r"N \1", one.text)  # others use the same disk
    assert [one for one in by_link if one.topic != "symlink"] == itself
    assert one_about("unleased", temp / "link").advice.startswith(f"scratch sweep --unleased {temp}/real ")


@pytest.mark.parametrize(("target", "why"), [("nowhere", "does not exist"), ("file", "is no directory")])
def test_a_symlink_to_no_directory(scratch: Scratch, tmp_path: Path, target: str, why: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(target)
    done = scratch("doctor", str(tmp_path / "link"))
    assert (done.status, done.out) == (3, "")
    assert done.err.startswith(f"scratch: {tmp_path}/link: it is a symlink to {target}, which {why}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("trap", ["symlink", "file", "open to others", "another's"])
def test_a_root_that_somebody_else_made(temp: Path, trap: str) -> None:
    place = temp / f"scratch-{os.geteuid()}-default"
    if trap == "symlink":
        place.symlink_to("/etc")
    elif trap == "file":
        place.touch()
    else:
        place.mkdir(mode=0o700)
        if trap == "another's":
            if os.geteuid() != 0:
                pytest.skip("needs root")
            os.chown(place, NOBODY, NOBODY)
        else:
            place.chmod(0o777)
    found = one_about("roots", temp)
    assert found.severity == "problem"
    assert found.text.startswith(f"{place} is not yours alone: ")
    assert found.advice


def test_workspaces_alive_dead_and_kept(temp: Path) -> None:
    deaths.leave("app", count=2)
    deaths.leave("app", "always", 1)
    with Root("app", sweep_first=False).workspace():
        found = one_about("workspaces", temp)
    assert found.severity == "note"
    assert "yours there: alive: 1; dead: 3 (" in found.text  # what is to be kept is dead until a sweep has seen to it
    assert "'scratch sweep'" in found.advice
    Root("app").sweep()
    assert "dead: 0 (0 B); kept: 1 (" in one_about("workspaces", temp).text


def test_what_nobody_leased_and_whose(temp: Path) -> None:
    temp.chmod(0o1777)
    for number in range(3):
        (temp / f"pip-build-env-abcd{number}xyz").mkdir()
        (temp / f"pip-build-env-abcd{number}xyz" / "file").write_bytes(bytes(10_000))
    (temp / "notes").touch()
    with Root("app").workspace():
        [found] = about("unleased", temp)
    assert found.text.startswith("yours: 4 entries, ")
    assert found.text.endswith(", 4 files")
    assert (found.severity, found.advice) == ("note", "")
    if os.geteuid() == 0:
        os.chown(temp / "notes", NOBODY, NOBODY)
        (temp / "scratch-65534-app").mkdir()
        os.chown(temp / "scratch-65534-app", NOBODY, NOBODY)
        (temp / "scratch-65534-app" / "file").touch()
        assert [one.text.partition(",")[0] for one in about("unleased", temp)] == [
            "yours: 3 entries",
            "of nobody: 1 entry",
        ]
        assert about("workspaces", temp)[1].text.startswith("of nobody: 1 root, ")


def test_old_junk_is_named_with_what_removes_it(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temp.chmod(0o1777)
    (temp / "pip-build-env-4z1k8vtq").write_bytes(bytes(10_000))
    (temp / "my thesis").write_bytes(bytes(1_000_000))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86400 * 3)
    [found] = about("unleased", temp)
    assert "; 1 of them pip-build-env-*, " in found.text
    assert found.text.endswith("untouched for 3d")
    assert found.advice == f"scratch sweep --unleased {temp} --match 'pip-build-env-*'"
    home = temp / "home"
    home.mkdir()
    (temp / "pip-build-env-4z1k8vtq").rename(home / "pip-build-env-4z1k8vtq")
    assert "pip" not in one_about("unleased", home).text  # what is no temp folder may be anybody's home


@needs_root
def test_much_junk_needs_a_person(tmp_path: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    path = tmpfs(tmp_path / "point", "size=1m,mode=1777")
    (path / "tmpabcdefgh").write_bytes(bytes(100_000))
    assert one_about("unleased", path).severity == "warning"


def test_no_time_to_count(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").touch()
    [*_, found] = examine(str(tmp_path), seconds=-1)
    assert found.topic == "unleased"


@pytest.mark.parametrize("name", ["none", "file"])
def test_no_directory(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        examine(str(tmp_path / name))


def test_a_check_that_fails_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str) -> object:
        raise OSError(5, "Input/output error", path)

    monkeypatch.setattr(mounts, "space", fail)
    texts = [one.text for one in examine(str(tmp_path)) if one.topic == "space"]
    assert texts == [f"can't be looked at: {tmp_path}: Input/output error"]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("pip-build-env-4z1k8vtq", "pip-build-env-*"),
        ("tmp4z1k8vtq", "tmp*"),
        ("tmp.Xa9PqLm2Zz", "tmp.*"),
        ("npm-12345-ab12cd34", "npm-12345-*"),
        ("my thesis", "my thesis"),
        ("my-thesis", "my-thesis"),
        ("backup-20261120", "backup-20261120"),
        ("4z1k8vtq", "4z1k8vtq"),
    ],
)
def test_names_that_a_program_drew(name: str, stem: str) -> None:
    assert stem_of(name) == stem


def test_user_quotas_are_read_as_the_kernel_writes_them(tmp_path: Path) -> None:
    """No kernel that we run on has any: the structure is that of linux/quota.h, the call finds none."""
    import struct

    answer = struct.pack("8QI4x", 2_000, 1_000, 500_000, 0, 30, 20, 0, 0, 0)
    assert user_quota.read(answer) == user_quota.UserQuota(500_000, 1_000 * 1024, 20, 30)
    assert user_quota.user_quota(str(tmp_path)) is None


# Cleaners, in a mount namespace with an /etc and a /run of its own


def _cleaner(scratch: Scratch, setup: str) -> list[dict[str, str]]:
    own = "for folder in /run /etc/cron.d /etc/cron.daily; do mount -t tmpfs none $folder || exit 77; done"
    script = f'{own}\nT="$TMPDIR"\n{setup}\nexec "$@"'
    command = ["unshare", "--mount", "bash", "-c", script, "bash", *scratch.command("doctor", "--json")]
    done = scratch.start_program(command).finish()
    if done.status == 77 or done.err.startswith("unshare"):
        pytest.skip(f"can't mount here: {done.err}")
    assert not done.err, done.err
    return [one for one in done.json()["findings"] if one["topic"] == "cleaner"]


CRON = Path("/etc/cron.d")
needs_cleaners = pytest.mark.skipif(
    os.geteuid() != 0
    or not all(map(shutil.which, ("unshare", "systemd-tmpfiles")))
    or not Path("/etc/cron.d").is_dir(),
    reason="needs root, unshare, systemd-tmpfiles and a cron's folders",
)
RULE = 'mkdir -p /run/tmpfiles.d /run/systemd/system; echo "d $T 1777 root root 3d" > /run/tmpfiles.d/ours.conf'


@needs_cleaners
def test_systemd_tmpfiles(scratch: Scratch) -> None:
    [found] = _cleaner(scratch, RULE)
    assert found["severity"] == "note"
    assert (
        f"systemd-tmpfiles removes what is older than 3d in {scratch.temp} (/run/tmpfiles.d/ours.conf)" in found["text"]
    )
    assert "what is leased it leaves alone" in found["text"]


@needs_cleaners
def test_systemd_tmpfiles_that_nothing_starts(scratch: Scratch) -> None:
    [found] = _cleaner(scratch, f"{RULE}; rmdir /run/systemd/system")
    assert found["text"].endswith("but nothing starts it here")


@needs_cleaners
def test_systemd_tmpfiles_that_is_told_to_spare_ours(scratch: Scratch) -> None:
    [found] = _cleaner(scratch, f'{RULE}; echo "x $T/scratch-*" >> /run/tmpfiles.d/ours.conf')
    assert found["severity"] == "ok"


@needs_cleaners
@pytest.mark.parametrize(
    ("file", "line", "name"),
    [
        ("/etc/cron.d/clean", "5 4 * * * root find {0} -mtime +3 -delete", "find"),
        ("/etc/cron.d/clean", "5 4 * * * root find {0}/ -mtime +3 -exec rm -f '{{}}' +", "find"),
        ("/etc/cron.daily/tmpwatch", "/usr/sbin/tmpwatch --mtime 240 {0}", "tmpwatch"),
    ],
)
def test_jobs_of_cron(scratch: Scratch, tmp_path: Path, file: str, line: str, name: str) -> None:
    cron = tmp_path / "cron"  # a process of that name is what tells that jobs are started
    shutil.copy(shutil.which("cat") or "", cron)
    job = f'echo "{line.format(scratch.temp)}" > {file}'
    with subprocess.Popen([cron], stdin=subprocess.PIPE) as running:
        [found] = _cleaner(scratch, job)
        running.communicate()
    assert found["severity"] == "warning"
    assert found["text"] == f"{name} removes what is old in {scratch.temp} ({file}), also from under living jobs"
    assert "scratch-*" in found["advice"]
    [found] = _cleaner(scratch, job)
    assert "nothing starts it here" in found["text"]
    [found] = _cleaner(scratch, f'echo "#{line.format(scratch.temp)}" > {file}')
    assert "none is known" in found["text"]


@needs_cleaners
def test_tmpreaper(scratch: Scratch) -> None:
    setup = (
        "mkdir /run/upper /run/work\n"
        "mount -t overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work none /etc || exit 77\n"
        "touch /etc/cron.daily/tmpreaper\n"
        'printf \'TMPREAPER_TIME=5d\\nTMPREAPER_DIRS="/var/x/. %s/."\\n\' "$T" > /etc/tmpreaper.conf'
    )
    [found] = _cleaner(scratch, setup)
    assert f"tmpreaper removes what is older than 5d in {scratch.temp} (/etc/tmpreaper.conf)" in found["text"]


# The command


def test_the_command(scratch: Scratch) -> None:
    scratch.temp.chmod(0o700)
    done = scratch("doctor")
    head, *lines = done.out.splitlines()
    assert head.split() == ["SEVERITY", "ABOUT", str(scratch.temp)]
    assert all(line.split()[0] in {"ok", "note", "warning", "problem"} for line in lines)
    assert len(lines) > 10
    assert not done.err


def test_the_status_says_whether_a_person_is_needed(scratch: Scratch) -> None:
    scratch.temp.chmod(0o777)
    done = scratch("doctor", "--quiet", str(scratch.temp))
    assert done.status == 1
    assert "chmod +t" in done.out
    assert not any(line.startswith(("ok", "note")) for line in done.out.splitlines())
    told = scratch("doctor", "--json", str(scratch.temp)).json()
    assert told["path"] == str(scratch.temp)
    assert {"topic", "severity", "text", "advice"} == set(told["findings"][0])


@needs_root
def test_the_status_is_zero_where_nobody_is_needed(scratch: Scratch, tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o mode=700,size=50m none "$TMPDIR" || exit 77; exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", *scratch.command("doctor", "-q")]
    done = scratch.start_program(command).finish()
    if done.status == 77 or done.err.startswith("unshare"):
        pytest.skip("can't mount here")
    if done.status and "fs.protected" not in done.out:
        assert done.out == ""
    assert (done.status, done.out, done.err) == (0, "", "")


def test_a_path_that_is_none(scratch: Scratch, tmp_path: Path) -> None:
    done = scratch("doctor", str(tmp_path / "none"))
    assert (done.status, done.out) == (3, "")
    assert done.err.count("\n") == 1


def test_killed_in_the_middle_it_leaves_one_empty_directory_at_most(scratch: Scratch) -> None:
    program = (
        "import os, signal\nfrom scratchwork.system import trials\n"
        "trials.can_execute = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from scratchwork.advice.doctor import examine\nexamine(os.environ['TMPDIR'])"
    )
    done = scratch.start_program([sys.executable, "-c", program]).finish()
    assert done.status == -signal.SIGKILL
    [left] = os.listdir(scratch.temp)
    assert left.startswith("scratch-doctor-")
    assert os.listdir(scratch.temp / left) == []
