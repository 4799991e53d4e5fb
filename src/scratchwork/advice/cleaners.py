"""Which programs of this machine delete old files in a directory, by themselves and at any time. Linux's are known."""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
import shutil
import subprocess

from scratchwork.system import processes
from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_AGEING = frozenset("dDevqQC")
_IGNORING = frozenset("xX")
_CRON = ("cron", "crond", "anacron", "fcron")
_CRON_FOLDERS = ("/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/var/spool/cron/crontabs")
_CRON_FILES = ("/etc/crontab", "/etc/anacrontab")
_MOST_BYTES = 2**18
_DELETES = re.compile(r"(?<![\w-])(?:tmpwatch|tmpreaper|stmpclean)(?![\w-])|(?<![\w-])find\b.*(?:-delete\b|\brm\b)")


class Cleaner(Fact):
    """A program that deletes old files: where, how old they are then, and where that is set up.

    `is_running`: whether anything on this machine starts it. `heeds_leases`: whether it leaves directories alone that
    are locked. `spares`: whether it is told to leave scratchwork's roots alone.
    """

    __slots__ = ("age", "directory", "heeds_leases", "is_running", "name", "source", "spares")

    def __init__(
        self, name: str, directory: str, age: str, source: str, *, is_running: bool, heeds_leases: bool, spares: bool
    ) -> None:
        self.name = name
        self.directory = directory
        self.age = age
        self.source = source
        self.is_running = is_running
        self.heeds_leases = heeds_leases
        self.spares = spares


def cleaners(path: str, root: str) -> list[Cleaner]:
    """Return what cleans a directory. `root`: the path of a root of ours there, as an example of what is in danger."""
    return [*_systemd(path, root), *_tmpreaper(path, root), *_cron_jobs(path)]


def _systemd(path: str, root: str) -> Iterator[Cleaner]:
    """systemd-tmpfiles, by its rules (tmpfiles.d(5)): the deepest one with an age counts."""
    source, spares, best = "", False, None
    for line in _systemd_rules():
        if line.startswith("# /"):
            source = line[2:].strip()
        words = _words(line)
        if len(words) < 2:
            continue
        kind, where = words[0], words[1].rstrip("/") or "/"
        age = words[5] if len(words) > 5 else "-"
        if kind[0] in _IGNORING:
            spares = spares or fnmatch.fnmatchcase(root, where) or fnmatch.fnmatchcase(path, where)
        elif (
            kind[0] in _AGEING and age != "-" and _covers(where, path) and (best is None or len(where) >= len(best[0]))
        ):
            best = where, age, source
    if best is not None:
        is_running = os.path.isdir("/run/systemd/system")  # sd_booted(3): its timer starts it once a day
        yield Cleaner("systemd-tmpfiles", *best, is_running=is_running, heeds_leases=True, spares=spares)


def _systemd_rules() -> list[str]:
    program = shutil.which("systemd-tmpfiles")
    if program is None:
        return []
    try:
        done = subprocess.run(
            [program, "--cat-config"], capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.splitlines()


def _tmpreaper(path: str, root: str) -> Iterator[Cleaner]:
    """The daily job of Debian's tmpreaper, set up by a shell script of variables."""
    job, settings = "/etc/cron.daily/tmpreaper", "/etc/tmpreaper.conf"
    if not os.path.exists(job):
        return
    found = {name: value for line in _lines(settings) for name, value in re.findall(r"^\s*(\w+)=(.*)$", line)}
    values = {name: " ".join(_words(value)) for name, value in found.items()}
    directories = [word.rstrip("/.") for word in values.get("TMPREAPER_DIRS", "/tmp/.").split()]  # noqa: S108 - its default
    protected = values.get("TMPREAPER_PROTECT_EXTRA", "").replace("'", "").split()
    for directory in directories:
        if _covers(directory, path):
            yield Cleaner(
                "tmpreaper",
                directory,
                values.get("TMPREAPER_TIME", "7d"),
                settings,
                is_running=values.get("SHOWWARNING") != "true" and _is_cron_there(),
                heeds_leases=False,
                spares=any(fnmatch.fnmatchcase(root, pattern) for pattern in protected),
            )


def _cron_jobs(path: str) -> Iterator[Cleaner]:
    """Any job that deletes in the directory, as far as its line in a crontab or its script tells."""
    files = [*_CRON_FILES]
    for folder in _CRON_FOLDERS:
        try:
            files += [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name != "tmpreaper"]
        except OSError:
            continue
    for file in files:
        for line in _lines(file):
            found = None if line.lstrip().startswith("#") else _DELETES.search(line)
            if found is None:
                continue
            for word in line[found.start() :].split():
                directory = word.strip("'\"").rstrip("/") or "/"
                if directory.startswith("/") and _covers(directory, path):
                    name = found[0].split()[0]
                    yield Cleaner(
                        name, directory, "", file, is_running=_is_cron_there(), heeds_leases=False, spares=False
                    )
                    break


def _is_cron_there() -> bool:
    if os.path.exists("/run/systemd/system") and shutil.which("anacron"):
        return True
    return any(processes.command(pid) in _CRON for pid in processes.pids())


def _covers(directory: str, path: str) -> bool:
    """Whether a directory, or a pattern of directories, is a path or holds it."""
    while not fnmatch.fnmatchcase(path, directory):
        if path == (parent := os.path.dirname(path)):
            return False
        path = parent
    return True


def _words(line: str) -> Sequence[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_BYTES).splitlines()
    except OSError:
        return []
