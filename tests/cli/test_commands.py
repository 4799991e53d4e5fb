"""`scratch ls`, `sweep`, `keep`, `rm` and `history`, as a person or a script sees them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers_processes import SOURCE, Finished, Scratch, Terminal

_ALL = ("run", "ls", "sweep", "keep", "rm", "history", "doctor", "trace", "lint")


def _is_one_message(done: Finished) -> bool:
    return done.err.startswith("scratch: ") and done.err.count("\n") == 1 and "Traceback" not in done.err


# Nothing there


@pytest.mark.parametrize(("command", "message"), [("ls", "no workspaces\n"), ("history", "nothing has ended yet\n")])
def test_an_empty_temp_folder(scratch: Scratch, command: str, message: str) -> None:
    assert scratch(command) == Finished(0, "", message)
    assert scratch(command, "--json") == Finished(0, "[]\n", "")
    assert scratch(command, "--app", "unheard-of") == Finished(0, "", message)
    assert os.listdir(scratch.temp) == []


def test_a_sweep_of_nothing(scratch: Scratch) -> None:
    nothing = "removed 0 workspaces (0 files, 0 B); alive: 0; kept: 0\n"
    assert scratch("sweep") == Finished(0, nothing, "")
    assert scratch("sweep", "--json") == Finished(0, "[]\n", "")
    scratch("run", "--", "true")
    assert scratch("sweep") == Finished(0, nothing, "")


# ls


def test_ls_tells_alive_dead_and_kept(scratch: Scratch) -> None:
    kept = scratch.kept("--label", "one")
    job, alive = scratch.alive("two")
    dead = scratch.dead("three")
    done = scratch("ls")
    rows = {row.split()[-1]: row for row in done.out.splitlines() if row.startswith(("alive", "dead", "kept"))}
    assert set(rows) == {kept, alive, dead}
    assert re.match(r"kept +one +\d+s +.*asked for \(until \d{4}-\d\d-\d\d \d\d:\d\d\)", rows[kept])
    assert re.match(rf"alive +two +\d+s +.* {job.pid} ", rows[alive])
    assert re.match(r"dead +three +\d+s", rows[dead])
    assert str(scratch.root) in done.out
    assert "\x1b" not in done.out
    facts = {row["name"]: row for row in scratch.ls()}
    assert {name: row["state"] for name, row in facts.items()} == {kept: "kept", alive: "alive", dead: "dead"}
    assert {row["root"] for row in facts.values()} == {str(scratch.root)}
    assert job.pid in [one["pid"] for one in facts[alive]["held_by"]]
    assert facts[dead]["held_by"] == facts[kept]["held_by"] == []
    assert scratch.made() == sorted([kept, alive, dead])
    job.finish()


def test_ls_chooses_by_app_and_by_dir(scratch: Scratch, tmp_path: Path) -> None:
    scratch.kept("--app", "one", "--label", "a")
    scratch.kept("--app", "two", "--label", "b")
    scratch.kept("--dir", str(tmp_path), "--label", "c")

    def labels(*options: str) -> list[str]:
        return [row["label"] for row in scratch("ls", "--json", *options).json()]

    assert sorted(labels()) == ["a", "b", "c"]  # wherever they lie: that of c is registered
    assert labels("--app", "two") == ["b"]
    assert labels("--app", "default") == ["c"]
    assert sorted(labels("--dir", str(scratch.temp))) == ["a", "b"]
    assert labels("--dir", str(tmp_path)) == ["c"]
    assert labels("--dir", str(tmp_path), "--app", "two") == []


def test_ls_counts(scratch: Scratch) -> None:
    scratch("run", "--keep", "always", "--", "sh", "-c", 'cd "$TMPDIR"; mkdir d; echo > d/a; echo > b')
    assert scratch.ls()[0]["files"] == 2


def test_in_a_pipe_nothing_is_cut(scratch: Scratch) -> None:
    name = scratch.kept("--label", "x" * 200)
    assert any("x" * 200 in line and name in line for line in scratch("ls").out.splitlines())


# sweep


def test_a_sweep_removes_the_dead_and_leaves_the_others(scratch: Scratch) -> None:
    kept = scratch.kept()
    job, alive = scratch.alive()
    dead = scratch.dead()  # last, since each run begins with a sweep
    would = scratch("sweep", "--dry-run")
    assert would.out.splitlines() == [
        f"would remove {scratch.root}/{dead} (0 B): its process died",
        "would remove 1 workspace (0 files, 0 B); alive: 1; kept: 1",
    ]
    assert scratch.made() == sorted([kept, alive, dead])
    assert [one["name"] for one in scratch("sweep", "-n", "--json").json()[0]["removed"]] == [dead]
    assert scratch.made() == sorted([kept, alive, dead])
    assert scratch("sweep") == Finished(0, "removed 1 workspace (0 files, 0 B); alive: 1; kept: 1\n", "")
    assert scratch.made() == sorted([kept, alive])
    job.finish()


def test_a_sweep_keeps_what_was_to_be_kept(scratch: Scratch) -> None:
    job = scratch.start("run", "--keep", "failure", "--", "sh", "-c", "echo; exec cat")
    job.line()
    (name,) = scratch.made()
    os.killpg(job.pid, signal.SIGKILL)
    job.process.wait()
    assert scratch("sweep", "-n").out.startswith(f"would keep {scratch.root}/{name} (0 B): killed")
    done = scratch("sweep")
    assert done.out.splitlines()[0].startswith(f"kept {scratch.root}/{name} (0 B): killed")
    assert done.out.splitlines()[1].endswith("alive: 0; kept: 1")


def test_a_sweep_tells_in_json(scratch: Scratch) -> None:
    name = scratch.dead("gone")
    (swept,) = scratch("sweep", "--json").json()
    assert swept["root"] == str(scratch.root)
    assert swept["complete"] is True
    assert (swept["alive"], swept["retained"], swept["kept"], swept["skipped"]) == (0, 0, [], [])
    (ended,) = swept["removed"]
    assert (ended["name"], ended["label"], ended["outcome"]) == (name, "gone", "reclaimed")


def test_a_sweep_names_what_it_does_not_know_and_its_name_does_nothing_to_a_terminal(scratch: Scratch) -> None:
    scratch("run", "--", "true")
    (scratch.root / "what\x1b[31m\nis this").write_text("")
    done = scratch("sweep")
    assert done.status == 1
    assert done.err == f"scratch: left alone: {scratch.root}/what?[31m?is this: scratchwork did not make it\n"


def test_a_sweep_without_time_says_that_there_is_more(scratch: Scratch) -> None:
    scratch.dead()
    done = scratch("sweep", "--seconds", "0")
    assert done.err == "scratch: the time ran out; sweep again for the rest\n"
    assert len(scratch.made()) == 1
    assert scratch("sweep", "--seconds", "60").out.startswith("removed 1 workspace")


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "x"])
def test_a_time_that_is_none(scratch: Scratch, value: str) -> None:
    done = scratch("sweep", "--seconds", value)
    assert done.status == 2
    assert _is_one_message(done)


def test_ctrl_c_in_a_sweep(scratch: Scratch) -> None:
    """The interrupt comes when the sweep has found the first workspace dead, and is told so by its progress."""
    scratch.dead()
    program = (
        "import os, signal, sys\n"
        "from scratchwork.cli import main\n"
        "from scratchwork.views import progress\n"
        "from contextlib import contextmanager\n"
        "@contextmanager\n"
        "def bar(what): yield lambda done, total: os.kill(os.getpid(), signal.SIGINT)\n"
        "progress.bar = bar\n"
        "sys.exit(main())"
    )
    done = scratch.start_program([sys.executable, "-c", program, "sweep"]).finish()
    assert (done.status, done.out) == (130, "")
    assert done.err.strip() == ""


def test_ctrl_c_while_it_starts(scratch: Scratch) -> None:
    for arguments in (("run", "--", "true"), ("ls",)):
        program = (
            "import os, signal, sys\n"
            "class Interrupt:\n"
            "    def find_spec(self, name, path, target=None):\n"
            "        if name in ('scratchwork.roots.tenure', 'scratchwork.cli.commands'):\n"
            "            os.kill(os.getpid(), signal.SIGINT)\n"
            "from scratchwork.cli import main\n"
            "sys.meta_path.insert(0, Interrupt())\n"
            "sys.modules.pop('scratchwork.roots.tenure', None), sys.modules.pop('scratchwork.jobs.running', None)\n"
            "sys.exit(main())"
        )
        done = scratch.start_program([sys.executable, "-c", program, *arguments]).finish()
        assert "Traceback" not in done.err
        if arguments[0] == "ls":
            assert done.status == 130


# keep and rm


def test_keep_a_dead_one_and_remove_it(scratch: Scratch) -> None:
    name = scratch.dead()
    assert scratch("keep", name, "--reason", "look\nat it") == Finished(0, f"will be kept: {scratch.root}/{name}\n", "")
    scratch("sweep")
    (found,) = scratch.ls()
    assert (found["name"], found["state"], found["why"]) == (name, "kept", "look at it")
    assert scratch("rm", name) == Finished(0, f"removed {scratch.root}/{name} (0 B)\n", "")
    assert scratch.made() == []
    last = scratch("history", "--json").json()[-1]
    assert (last["outcome"], last["why"]) == ("reclaimed", "asked for")


def test_keep_a_living_one(scratch: Scratch) -> None:
    job, name = scratch.alive()
    (scratch.root / name / "file").touch()
    assert scratch("keep", "--json", str(scratch.root / name)).json()["state"] == "alive"
    assert job.finish().status == 0
    assert [(one["state"], one["why"]) for one in scratch.ls()] == [("kept", "asked for")]


def test_rm_refuses_what_is_alive(scratch: Scratch) -> None:
    job, name = scratch.alive()
    for target in (name, str(scratch.root / name)):
        done = scratch("rm", target)
        assert (done.status, done.out) == (9, "")
        assert _is_one_message(done)
        assert "a running process holds it" in done.err
    assert scratch.made() == [name]
    assert job.finish().status == 0


def test_rm_of_several(scratch: Scratch) -> None:
    names = [scratch.kept("--label", "b"), scratch.dead("a")]
    assert [one["name"] for one in scratch("rm", "--json", *names).json()] == names
    assert scratch.made() == []


@pytest.mark.parametrize("command", ["rm", "keep"])
@pytest.mark.parametrize("target", ["no-such-one", "/no/such/one", "./x", "a-b-c-abcdefghi", "", ".", "/"])
def test_no_such_workspace(scratch: Scratch, command: str, target: str) -> None:
    scratch("run", "--", "true")
    done = scratch(command, target)
    assert done.status == (4 if target in {"./x", "/"} else 3)  # those lie in what is open to others
    assert done.out == ""
    assert _is_one_message(done)


def test_rm_removes_nothing_but_workspaces(scratch: Scratch) -> None:
    scratch("run", "--", "true")
    (scratch.root / "mine").mkdir()
    for target in (scratch.root, scratch.root / "mine", scratch.root / "root.conf", f"{scratch.root}/../t"):
        assert scratch("rm", str(target)).status in {3, 4}
    assert (scratch.root / "mine").is_dir()
    assert (scratch.root / "root.conf").is_file()


# history


def test_history(scratch: Scratch) -> None:
    scratch("run", "--label", "one", "--", "true")
    scratch("run", "--label", "two", "--", "sh", "-c", 'echo > "$TMPDIR/a"')
    scratch("run", "--label", "three", "--keep", "always", "--", "true")
    scratch.dead("four")
    scratch("sweep")
    rows = scratch("history").out.splitlines()
    assert rows[0].split() == ["ENDED", "OUTCOME", "LABEL", "LIVED", "SIZE", "FILES", "PID", "WHY"]
    told = [(row.split()[2], row.split()[3]) for row in rows[1:]]
    assert told == [("cleaned", "one"), ("cleaned", "two"), ("kept", "three"), ("reclaimed", "four")]
    assert [one["label"] for one in scratch("history", "--json", "-n", "2").json()] == ["three", "four"]
    assert len(scratch("history", "--last", "1").out.splitlines()) == 2
    assert scratch("history", "-n", "0").status == 2


# Statuses and messages


@pytest.mark.parametrize("command", ["ls", "sweep", "history"])
def test_a_directory_that_is_not_there(scratch: Scratch, command: str) -> None:
    for options in (("--dir", "/no/such"), ("--dir", "/no/such", "--app", "x"), ("--dir", "/etc/hostname/x")):
        done = scratch(command, *options)
        assert (done.status, done.out) == (3, "")
        assert _is_one_message(done)


@pytest.mark.parametrize("command", ["ls", "sweep", "history"])
@pytest.mark.parametrize("kind", ["open to others", "a symlink", "a file"])
def test_a_root_that_cannot_be_trusted(scratch: Scratch, tmp_path: Path, command: str, kind: str) -> None:
    if kind == "open to others":
        scratch.root.mkdir(mode=0o755)
    elif kind == "a symlink":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        scratch.root.symlink_to(tmp_path / "elsewhere")
    else:
        scratch.root.write_text("")
    done = scratch(command, "--json")
    assert done.status == 4
    assert _is_one_message(done)
    assert str(scratch.root) in done.err
    job = scratch("run", "--", "echo", "started")
    assert (job.status, job.out) == (125, "")
    assert _is_one_message(job)


@pytest.mark.parametrize("command", ["ls", "sweep", "history"])
def test_no_descriptors_left(scratch: Scratch, command: str) -> None:
    scratch.dead()
    program = (
        "import resource, sys; import scratchwork.cli.commands; from scratchwork.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)); sys.exit(main())"
    )
    unmeasured = {"COVERAGE_PROCESS_CONFIG": ""}  # coverage needs descriptors too
    done = scratch.start_program([sys.executable, "-c", program, command], env=unmeasured).finish()
    assert (done.status, done.out) == (7, "")
    assert _is_one_message(done)
    assert "ulimit -n" in done.err


def test_anything_else_that_the_system_refuses(scratch: Scratch) -> None:
    done = scratch("ls", "--dir", "/" + "x" * 300)
    assert done.status == 10
    assert _is_one_message(done)


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("--nonsense",), ("ls", "--nonsense"), ("ls", "x"), ("rm",), ("keep",), ("keep", "a", "b")],
)
def test_a_wrong_command_line(scratch: Scratch, arguments: tuple[str, ...]) -> None:
    done = scratch(*arguments)
    assert (done.status, done.out) == (2, "")
    assert _is_one_message(done)
    assert "--help'" in done.err


@pytest.mark.parametrize("app", ["a/b", "", "x" * 40, "\x1b[31m"])
def test_a_bad_app(scratch: Scratch, app: str) -> None:
    done = scratch("ls", "--app", app)
    assert done.status == 2
    assert _is_one_message(done)
    assert "\x1b" not in done.err


# A mount namespace of our own with a small tmpfs at "$1"; what follows is run as a script in it.
_IN_TMPFS = 'mount -t tmpfs -o "$2" none "$1" || exit 77; shift 2; script=$1; shift; . "$script"'


def _on_tmpfs(scratch: Scratch, tmp_path: Path, options: str, script: str) -> Finished:
    if shutil.which("unshare") is None:
        pytest.skip("no unshare")
    (tmp_path / "script").write_text('scratch() { "$@"; }\n'.replace('"$@"', '"$python" -c "$entry" "$@"') + script)
    entry = scratch.command()
    command = ["unshare", "--mount", "--map-root-user", "sh", "-c", _IN_TMPFS, "sh", str(scratch.temp), options]
    env = {"python": entry[0], "entry": entry[2], "root": str(scratch.root)}
    done = scratch.start_program([*command, str(tmp_path / "script")], env=env).finish()
    if done.status == 77 or done.err.startswith("unshare"):
        pytest.skip(f"can't mount here: {done.err}")
    return done


def test_a_full_disk(scratch: Scratch, tmp_path: Path) -> None:
    script = """
    name=$(basename "$(scratch run --json --keep always true 2>&1 | sed -n 's/.*"path": "\\([^"]*\\)".*/\\1/p')")
    dd if=/dev/zero of="$TMPDIR/filler" bs=4096 2>/dev/null
    scratch keep "$name"
    """
    done = _on_tmpfs(scratch, tmp_path, "size=256k", script)
    assert done.status == 5, done
    assert _is_one_message(done)
    assert "the disk is full" in done.err


def test_no_inodes_left(scratch: Scratch, tmp_path: Path) -> None:
    script = """
    scratch run true
    i=0; while touch "$TMPDIR/f$i" 2>/dev/null; do i=$((i + 1)); done
    scratch run -- true
    """
    done = _on_tmpfs(scratch, tmp_path, "size=1m,nr_inodes=20", script)
    assert done.status == 125, done
    assert _is_one_message(done)
    assert "no inodes are left" in done.err


def test_a_full_disk_does_not_stop_ls_rm_and_sweep(scratch: Scratch, tmp_path: Path) -> None:
    script = """
    scratch run --keep always -- sh -c 'dd if=/dev/zero of="$TMPDIR/filler" bs=4096 2>/dev/null' || :
    scratch ls || exit 78
    scratch sweep && exit 79
    scratch rm "$(ls "$root" | grep -v '\\.' | head -1)"
    """
    done = _on_tmpfs(scratch, tmp_path, "size=256k", script)
    assert done.status == 0, done
    assert "Traceback" not in done.err
    assert re.search(r"removed .* kB\)", done.out)


def test_a_read_only_file_system(scratch: Scratch, tmp_path: Path) -> None:
    script = """
    scratch run --keep always true 2>/dev/null
    mount -o remount,ro "$TMPDIR" || exit 77
    scratch ls --dir "$TMPDIR" | grep -q kept || exit 78
    scratch history --dir "$TMPDIR" | grep -q kept || exit 79
    scratch run --dir "$TMPDIR" true; echo "run $?"
    scratch keep --dir "$TMPDIR" "$(ls "$root" | grep -v '\\.' | head -1)"
    """
    done = _on_tmpfs(scratch, tmp_path, "size=1m", script)
    assert done.status == 6, done
    assert done.out == "run 125\n"
    assert [line[:9] for line in done.err.splitlines()] == ["scratch: "] * 2


# Output


@pytest.mark.parametrize(
    "arguments", [("history",), ("ls",), ("sweep",), ("ls", "--json"), ("--help",), ("rm", "--help")]
)
def test_a_reader_that_has_gone(scratch: Scratch, arguments: tuple[str, ...]) -> None:
    scratch.kept()
    reader, writer = os.pipe()
    os.close(reader)
    done = scratch(*arguments, stdout=writer)
    os.close(writer)
    assert done == Finished(1, "", "")


def test_a_reader_that_leaves_early(scratch: Scratch) -> None:
    scratch("run", "--", "true")
    line = (scratch.root / "ledger.jsonl").read_text()
    (scratch.root / "ledger.jsonl").write_text(line * 5000)
    command = [*scratch.command("history", "-n", "5000")]
    done = scratch.start_program(["bash", "-c", '"$@" | head -1; echo "${PIPESTATUS[0]}"', "bash", *command]).finish()
    assert done.out.splitlines()[0].split()[0] == "ENDED"
    assert done.out.splitlines()[1] in {"0", "1"}  # head may read it all before it leaves
    assert done.err == ""


@pytest.mark.parametrize("arguments", [("history",), ("ls",), ("sweep",), ("ls", "--json"), ("--help",)])
def test_output_that_is_not_taken(scratch: Scratch, arguments: tuple[str, ...]) -> None:
    scratch.kept()
    with open("/dev/full", "wb") as full:
        done = scratch(*arguments, stdout=full)
    assert done.status == 5
    assert _is_one_message(done)


@pytest.mark.parametrize("arguments", [("history",), ("ls",), ("sweep",), ("ls", "--json"), ("--help",)])
def test_closed_output(scratch: Scratch, arguments: tuple[str, ...]) -> None:
    scratch.kept()
    done = scratch.start_program(["sh", "-c", '"$@" >&-', "sh", *scratch.command(*arguments)]).finish()
    assert (done.status, done.err) == (0, "")


def test_colours_on_a_terminal_unless_they_are_not_wanted(
    scratch: Scratch, on_terminal: Callable[..., Terminal]
) -> None:
    scratch.kept()
    assert "\x1b[33mkept" in on_terminal(*scratch.command("ls")).rest()
    plain = on_terminal(*scratch.command("ls"), env={"NO_COLOR": "1"}).rest()
    assert "kept" in plain
    assert "\x1b[33m" not in plain


def test_escape_codes_in_what_others_wrote_do_not_reach_the_terminal(
    scratch: Scratch, on_terminal: Callable[..., Terminal]
) -> None:
    name = scratch.kept()
    record = scratch.root / f"{name}.json"
    told = json.loads(record.read_text())
    record.write_text(json.dumps({**told, "label": "\x1b]0;bad\x07", "why": "a\rb\x9b31m"}))
    ledger = scratch.root / "ledger.jsonl"
    line = json.loads(ledger.read_text())
    ledger.write_text(json.dumps({**line, "label": "\x1b]0;bad\x07", "why": "\x1b[2J"}) + "\n")
    for command in ("ls", "history"):
        for shown in (on_terminal(*scratch.command(command), env={"NO_COLOR": "1"}).rest(), scratch(command).out):
            assert "?]0;bad?" in shown
            assert not re.search("[\x07\x9b]|\x1b\\]|\x1b\\[2J|\r", shown)
    assert scratch.ls()[0]["label"] == "\x1b]0;bad\x07"


def test_a_progress_bar_for_a_person_who_waits(scratch: Scratch, on_terminal: Callable[..., Terminal]) -> None:
    _make_dead(scratch, 250)
    shown = on_terminal(*scratch.command("sweep")).rest()
    assert "sweeping" in shown
    assert "removed 250 workspaces" in shown
    assert scratch.made() == []


def test_no_progress_bar_for_a_few_or_in_a_pipe(scratch: Scratch, on_terminal: Callable[..., Terminal]) -> None:
    _make_dead(scratch, 20)
    assert "sweeping" not in on_terminal(*scratch.command("sweep")).rest()
    _make_dead(scratch, 250)
    done = scratch("sweep")
    assert done.out.startswith("removed 250 workspaces")
    assert done.err == ""


def _make_dead(scratch: Scratch, count: int) -> None:
    program = (
        "import os, sys; from scratchwork import Root; root = Root('default', sweep_first=False)\n"
        f"made = [root.workspace() for _ in range({count})]; os._exit(0)"
    )
    assert scratch.start_program([sys.executable, "-c", program]).finish().status == 0


# Help and completion


@pytest.mark.parametrize("command", _ALL)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_of_a_command(scratch: Scratch, command: str, flag: str) -> None:
    done = scratch(command, flag)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Usage: scratch {command} ")
    assert max(map(len, done.out.splitlines())) <= 80


def test_help_names_all_commands_and_statuses(scratch: Scratch) -> None:
    done = scratch("--help")
    assert done.status == 0
    for command in _ALL:
        assert re.search(rf"^  {command}  ", done.out, re.MULTILINE)
    assert re.findall(r"^ +(\d+)  ", done.out, re.MULTILINE) == [str(status) for status in range(11)]
    assert scratch().status == 2


def test_version(scratch: Scratch) -> None:
    assert re.fullmatch(r"scratch, version \d+\.\d+\.\d+\S*\n", scratch("--version").out)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(scratch: Scratch, shell: str) -> None:
    done = scratch(env={"_SCRATCH_COMPLETE": f"{shell}_source"})
    assert done.status == 0
    assert "_SCRATCH_COMPLETE" in done.out
    assert done.err == ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [("scratch sw", "sweep"), ("scratch run --ke", "--keep"), ("scratch run --keep al", "always")],
)
def test_completion_in_bash(scratch: Scratch, tmp_path: Path, words: str, expected: str) -> None:
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "scratch").write_text(f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {SOURCE!r})\n" + _MAIN)
    (programs / "scratch").chmod(0o755)
    script = (
        'eval "$(_SCRATCH_COMPLETE=bash_source scratch)"; COMP_WORDS=($1); COMP_CWORD=$((${#COMP_WORDS[@]} - 1));'
        '"$(complete -p scratch | sed "s/.*-F \\([^ ]*\\).*/\\1/")" scratch; echo "${COMPREPLY[@]}"'
    )
    path = f"{programs}:{os.environ['PATH']}"
    done = scratch.start_program(["bash", "-c", script, "bash", words], env={"PATH": path}).finish()
    assert done.out.split() == [expected], done


_MAIN = "from scratchwork.cli import main\nsys.exit(main())\n"
