"""The main job, on real programs: kill them in mid-work, and see what is left in the temp folder.

Run it with `make demo`, or `python examples/demo.py` in an environment that has `scratchwork[cli]`. GNU sort, gcc and
pip are started twice each, without and with `scratch run`, and killed with SIGKILL, the wrapper too. Everything happens
in one folder of its own, which is removed at the end.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCRATCH = Path(sys.executable).parent / "scratch"
POLL = 0.001  # seconds between two looks at a temp folder
TRIES = 5  # how often a program that was too quick to be caught is started again
SORT_LINES = 600_000
PACKAGE = "tabulate==0.9.0"  # small, and pip has to fetch setuptools into the temp folder to build it
FREE_OF_SCRATCH = ("SCRATCH_WORKSPACE", "KEEP_TEMP", "JDK_JAVA_OPTIONS")
ROOT_FILES = frozenset({"root.conf", "ledger.jsonl", "ledger.1.jsonl"})


class Skipped(Exception):
    """A program that can't be shown here, and why."""


@dataclass(frozen=True)
class Program:
    """What to run, and how much of it must lie in the temp folder before it counts as caught in mid-work."""

    name: str
    does: str
    command: list[str]
    files: int = 1
    bytes: int = 1
    seconds: float = 5.0


@dataclass(frozen=True)
class Left:
    """What lies in a temp folder, without the bookkeeping of scratch's root."""

    entries: tuple[str, ...] = ()
    files: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        if not self.entries:
            return "nothing"
        return f"{self.files} file{'' if self.files == 1 else 's'} {size(self.bytes)}"


@dataclass(frozen=True)
class Row:
    """One program: what it left, without and with scratch, each before and after a sweep."""

    name: str
    plain: Left
    plain_swept: Left
    leased: Left
    leased_swept: Left


def main() -> int:
    """Show it all; the exit status is 0 unless scratch did not do what it is for."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up then, too
    if not SCRATCH.exists():
        print(f"demo: {SCRATCH} is not there: install scratchwork[cli] into this environment", file=sys.stderr)
        return 1
    print("What real programs leave in the temp folder when they are killed with")
    print("SIGKILL in mid-work (out of memory, a cancelled CI job), without and with")
    print("'scratch run --' in front of them. Each is stopped once it has temporary files,")
    print("so that we can look around, then it, its children and scratch itself are killed.")
    rows: list[Row] = []
    skipped: list[str] = []
    with tempfile.TemporaryDirectory(prefix="scratch-demo-", ignore_cleanup_errors=True) as folder:
        for name, prepare in {"sort": prepare_sort, "gcc": prepare_gcc, "pip wheel": prepare_pip}.items():
            try:
                rows.append(compare(prepare(Path(folder)), Path(folder)))
            except Skipped as why:
                skipped.append(f"{name}: {why}")
                print(textwrap.fill(f"skipped: {why}", 79, initial_indent="  ", subsequent_indent="    "))
    return conclude(rows, skipped)


def prepare_sort(folder: Path) -> Program:
    """GNU sort with a buffer of 1 MB and an input of some 30, so that it has to use the temp folder."""
    program = needed("sort")
    print_heading("sort", f"GNU sort, {SORT_LINES:,} lines, with a buffer of 1 MB")
    if "GNU" not in output_of([program, "--version"]):
        raise Skipped("this sort is not GNU's")
    text = folder / "lines.txt"
    numbers = random.Random(1)
    with text.open("w", encoding="ascii") as file:
        file.writelines(f"{numbers.getrandbits(190):x}\n" for _ in range(SORT_LINES))
    command = [program, "-S", "1M", "--parallel=1", "-o", str(folder / "sorted.txt"), str(text)]
    return Program("sort", "sort", command, files=8, bytes=4_000_000)


def prepare_gcc(folder: Path) -> Program:
    """gcc on the biggest source that every machine with a compiler has: its headers."""
    program = needed("gcc")
    source, language = big_source(program)
    print_heading("gcc", f"gcc -O2 -g3 on {source.name}")
    include = sysconfig.get_paths()["include"]
    options = ["-O2", "-g3", "-w", "-x", language, f"-I{include}", "-c", str(source), "-o", str(folder / "out.o")]
    return Program("gcc", "compile", [program, *options])


def prepare_pip(folder: Path) -> Program:
    """pip building a small pure package from its source, with its build tools in the temp folder."""
    print_heading("pip wheel", f"pip building {PACKAGE} from source")
    pip = [sys.executable, "-m", "pip"]
    if "pip" not in output_of([*pip, "--version"]):
        raise Skipped("this environment has no pip")
    quiet = ["-q", "--disable-pip-version-check", "--no-cache-dir", "--no-input", "--retries", "0", "--timeout", "5"]
    what = ["--no-deps", "--no-binary", PACKAGE.partition("=")[0], "-w", str(folder / "wheels"), PACKAGE]
    return Program("pip wheel", "build", [*pip, "wheel", *quiet, *what], files=100, seconds=12)


def needed(program: str) -> str:
    """Return where a program is."""
    found = shutil.which(program)
    if found is None:
        print_heading(program, "")
        raise Skipped(f"there is no {program} on this machine")
    return found


def big_source(gcc: str) -> tuple[Path, str]:
    """Return a real source that takes gcc a while, and its language: headers of C++, of Python or of gcc."""
    if os.path.isabs(output_of([gcc, "-print-prog-name=cc1plus"]).strip()):
        for header in Path("/usr/include").glob("**/bits/stdc++.h"):
            return header, "c++"
    own = Path(output_of([gcc, "-print-file-name=include"]).strip())
    for source in (Path(sysconfig.get_paths()["include"], "Python.h"), own / "immintrin.h", own / "arm_neon.h"):
        if source.exists():
            return source, "c"
    raise Skipped("no source found that is big enough to be caught at work")


def compare(program: Program, folder: Path) -> Row:
    """Kill the program twice, without and with scratch."""
    plain = folder / f"plain-{program.does}"
    leased = folder / f"leased-{program.does}"
    plain_left, plain_swept = killed(program, plain, [])
    print_steps("without scratch", plain_left, plain_swept)
    print_names(plain, plain_swept)
    prefix = [str(SCRATCH), "run", "--label", program.does, "--"]
    leased_left, leased_swept = killed(program, leased, prefix)
    print_steps("with scratch run", leased_left, leased_swept)
    return Row(program.name, plain_left, plain_swept, leased_left, leased_swept)


def killed(program: Program, temp: Path, prefix: list[str]) -> tuple[Left, Left]:
    """Kill a program in mid-work, in a temp folder of its own, and sweep; return what was left before and after."""
    temp.mkdir()
    with caught(program, temp, prefix):
        if prefix:
            show_alive(temp)
    before = look(temp)
    scratch(temp, "sweep")
    return before, look(temp)


@contextmanager
def caught(program: Program, temp: Path, prefix: list[str]) -> Iterator[None]:
    """Within this the program stands still in mid-work; at the end it, its children and the wrapper are killed."""
    errors = temp.with_suffix(".err")
    deadline = time.monotonic() + program.seconds
    for _ in range(TRIES):
        with errors.open("w") as stderr:
            running = subprocess.Popen(
                [*prefix, *program.command],
                cwd=temp.parent,
                env=environment(temp),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
        try:
            if is_at_work(running, program, temp, deadline):
                yield
                return
        finally:
            kill(running)
        empty(temp)
        if running.returncode > 0 or time.monotonic() > deadline:
            break
    raise Skipped(why_not(running, errors))


def is_at_work(running: subprocess.Popen[bytes], program: Program, temp: Path, deadline: float) -> bool:
    """Wait until the program has put enough into its temp folder, and stop it there (SIGSTOP), so that we can look."""
    while running.poll() is None and time.monotonic() < deadline:
        left = look(temp)
        if left.files >= program.files and left.bytes >= program.bytes:
            os.killpg(running.pid, signal.SIGSTOP)
            time.sleep(0.02)  # those that run on another processor stop a moment later
            if running.poll() is None and look(temp).files:
                return True
        time.sleep(POLL)
    return False


def kill(running: subprocess.Popen[bytes]) -> None:
    """SIGKILL the whole session, as an out-of-memory killer or a container's stop does, and wait until it is gone."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        try:
            os.killpg(running.pid, signal.SIGKILL)
        except ProcessLookupError:
            break
        running.poll()
        if running.returncode is not None and all(state == "Z" for state in states(running.pid)):
            break  # zombies hold nothing; in a container there may be nobody to bury them
        time.sleep(0.01)
    running.wait()


def states(group: int) -> Iterator[str]:
    """Yield the state of each process of a group (proc(5)); elsewhere than on Linux 'unknown'."""
    if sys.platform != "linux":
        yield "unknown"
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, _, its_group = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group:
            yield state


def why_not(running: subprocess.Popen[bytes], errors: Path) -> str:
    """Return why a program was not caught in mid-work."""
    said = [line for line in errors.read_text(errors="replace").splitlines() if "ERROR" in line.upper()]
    if running.returncode > 0:
        return f"it failed by itself: {said[0] if said else f'status {running.returncode}'}"[:240]
    return "it could not be caught with enough in its temp folder"


def show_alive(temp: Path) -> None:
    """While the program stands still: it counts as alive, and a sweep leaves it alone."""
    before = look(temp)
    for found in json.loads(scratch(temp, "ls", "--json")):
        holders = ", ".join(one["command"] for one in found["held_by"])
        print(f"  $ scratch ls        {found['state']}  {found['label']}  held by {holders}"[:79])
    print(f"  $ scratch sweep     {scratch(temp, 'sweep').strip()}")
    if look(temp) != before:
        raise SystemExit("demo: the sweep touched a workspace that was alive")


def scratch(temp: Path, *arguments: str) -> str:
    """Run the command `scratch` with that temp folder and return its output."""
    done = subprocess.run(
        [SCRATCH, *arguments], env=environment(temp), capture_output=True, text=True, timeout=20, check=False
    )
    return done.stdout


def environment(temp: Path) -> dict[str, str]:
    """Return the environment of a program whose temp folder is `temp`."""
    inherited = {name: value for name, value in os.environ.items() if name not in FREE_OF_SCRATCH}
    own = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temp))
    return {**inherited, **own, "LC_ALL": "C", "XDG_STATE_HOME": os.devnull}  # a root of the demo is not to be found


def look(temp: Path) -> Left:
    """Return what lies in a temp folder. Scratch's own root and its two files, which stay, do not count."""
    entries: list[str] = []
    files = total = 0
    for where, folders, names in os.walk(temp):
        in_root = where.startswith(f"{temp}/scratch-")
        entries += [os.path.join(where, name) for name in folders if not name.startswith("scratch-")]
        for name in names:
            if in_root and name in ROOT_FILES:
                continue
            path = os.path.join(where, name)
            try:
                total += os.lstat(path).st_size
            except FileNotFoundError:
                continue
            entries.append(path)
            files += 1
    return Left(tuple(sorted(entries)), files, total)


def empty(temp: Path) -> None:
    """Make the temp folder as new, for another try."""
    shutil.rmtree(temp)
    temp.mkdir()


def output_of(command: list[str]) -> str:
    """Return what a command says; '' if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def size(count: int) -> str:
    """Return a number of bytes as a person reads it."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def print_heading(name: str, what: str) -> None:
    """Begin the part of one program."""
    print(f"\n{name}: {what}" if what else f"\n{name}", flush=True)


def print_steps(title: str, before: Left, after: Left) -> None:
    """Tell what one run left."""
    print(f"  {title:<17} killed: {before}; swept: {after}", flush=True)


def print_names(temp: Path, left: Left) -> None:
    """Name a few of the things that a person would find."""
    names = [os.path.relpath(path, temp) for path in left.entries if Path(path).parent == temp]
    more = ", ..." if len(names) > 3 else ""
    print(f"{'':20}{', '.join(names[:3])}{more}"[:79])


def conclude(rows: list[Row], skipped: list[str]) -> int:
    """Print the table and the closing sentence; return the exit status."""
    print(f"\n{'left in the':<12}{'without scratch':<36}with scratch run")
    print(f"{'temp folder':<12}{'after kill -9':<18}{'after a sweep':<18}" + "after kill -9     after a sweep")
    print("-" * 79)
    for row in rows:
        cells = (row.plain, row.plain_swept, row.leased, row.leased_swept)
        print(f"{row.name:<12}" + "".join(f"{cell!s:<18}" for cell in cells).rstrip())
    for one in skipped:
        print(textwrap.fill(f"skipped: {one}", 79, subsequent_indent="  "))
    if not rows:
        print("\nNo program could be shown on this machine.")
        return 0
    if any(row.leased_swept.entries for row in rows):
        print("\nSomething is left after the sweep: that should not be, please report it.")
        return 1
    print("\nWithout scratch nobody can tell that these files are garbage, so they stay.")
    print("With 'scratch run' the kernel knows who holds the folder: while anybody does, no")
    print("sweep touches it. When the last one is dead the next sweep, or 'scratch run',")
    print("removes it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
