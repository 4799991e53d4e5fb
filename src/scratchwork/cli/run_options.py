"""The options of `scratch run`, once: for the fast parser here, and for click, which shows help and mistakes."""

from __future__ import annotations

from scratchwork.jobs.job import Job
from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Option(Fact):
    """An option: its flag, the argument of `Job` that it sets, its default, and what a person reads about it.

    One whose default is False takes no value; one with `choices` takes one of them; one whose default is () may be
    given several times; else it takes what its default is. `read` makes of the text what is wanted, or raises
    ValueError, which says what is wrong with it.
    """

    __slots__ = ("argument", "choices", "default", "flag", "help", "metavar", "read")

    def __init__(
        self,
        flag: str,
        argument: str,
        default: str | float | bool | tuple[()] | None,
        help: str,  # noqa: A002 - click's word
        *,
        metavar: str | None = None,
        choices: tuple[str, ...] = (),
        read: Callable[[str], Any] | None = None,
    ) -> None:
        self.flag = flag
        self.argument = argument
        self.default = default
        self.help = help
        self.metavar = metavar
        self.choices = choices
        self.read = read


def _bytes(text: str) -> int:
    from scratchwork.system.amounts import bytes_of  # which needs `re`

    return bytes_of(text)


def _count(text: str) -> int:
    from scratchwork.system.amounts import count_of

    return count_of(text)


def _place(text: str) -> str:
    from scratchwork.roots.placement import Placement

    return ",".join(Placement(text).kinds)


def _result(text: str) -> tuple[str, str]:
    source, separator, destination = text.partition("=")
    if not (source and separator and destination):
        raise ValueError(f"{text!r} is not FILE=DESTINATION")
    return source, destination


OPTIONS = (
    Option("--label", "label", "", "What to call the workspace; by default the command's name.", metavar="TEXT"),
    Option(
        "--keep",
        "keep",
        "never",
        "Keep the workspace afterwards: after a failure (a status other than 0, or death by a signal), or always. "
        "KEEP_TEMP=1 in the environment means always.",
        choices=("never", "failure", "always"),
    ),
    Option("--cwd", "cwd", default=False, help="Also start the command in the workspace."),
    Option(
        "--orphans",
        "orphans",
        "end",
        "What to do with processes that the command leaves running: end them (SIGTERM, then SIGKILL after the "
        "grace time), or wait until they end by themselves.",
        choices=("end", "wait"),
    ),
    Option("--grace", "grace", 5.0, "Seconds between SIGTERM and SIGKILL for orphans.", metavar="SECONDS"),
    Option("--app", "app", "default", "The root to use, by its application's name.", metavar="NAME"),
    Option(
        "--dir",
        "directory",
        None,
        "Where the root lies; by default the temp folder (TMPDIR, TEMP, TMP or /tmp).",
        metavar="PATH",
    ),
    Option(
        "--quota",
        "quota",
        None,
        "The bytes that the workspace may hold, such as '2 GB' or 512MiB; 0: nothing.",
        metavar="SIZE",
        read=_bytes,
    ),
    Option(
        "--max-files",
        "max_files",
        None,
        "How many files, directories and symlinks it may hold.",
        metavar="N",
        read=_count,
    ),
    Option(
        "--enforce",
        "enforce",
        "watched",
        "How the quota is enforced. watched: what any program writes is looked at, many times a second when it "
        "matters, and the command is ended with all that it started (SIGTERM, then SIGKILL after the grace time; exit "
        "status 122). kernel: the workspace is a tmpfs of exactly that size, which the command alone sees: the write "
        "that would exceed it fails, and nothing remains, even after kill -9 of everything.",
        choices=("watched", "kernel"),
    ),
    Option(
        "--file-size",
        "file_size",
        None,
        "The bytes that each single file may get, in the workspace or not (as 'ulimit -f').",
        metavar="SIZE",
        read=_bytes,
    ),
    Option(
        "--reserve",
        "reserve",
        None,
        "Start only where that many bytes are free.",
        metavar="SIZE",
        read=_bytes,
    ),
    Option(
        "--reserve-files",
        "reserve_files",
        None,
        "Start only where that many inodes are free.",
        metavar="N",
        read=_count,
    ),
    Option(
        "--place",
        "place",
        "",
        "What the place must be: fast (backed by memory, if it fits there), disk (not backed by memory), executable "
        "(programs there can be executed); several with commas.",
        metavar="KINDS",
        read=_place,
    ),
    Option(
        "--candidate",
        "candidates",
        (),
        "A directory to choose from, the best first; several times. By default: --dir; else TMPDIR, TEMP, TMP, what "
        "the batch system has set for the job (SLURM_TMPDIR, RUNNER_TEMP, ...), /tmp, /var/tmp.",
        metavar="DIR",
    ),
    Option(
        "--publish",
        "publish",
        (),
        "When the command succeeds, move FILE from the workspace to DESTINATION, atomically; several times.",
        metavar="FILE=DESTINATION",
        read=_result,
    ),
    Option(
        "--json",
        "json",
        default=False,
        help="At the end, report on stderr as one line of JSON (stdout belongs to the command).",
    ),
)
_BY_FLAG = {option.flag: option for option in OPTIONS}


def parse(arguments: list[str]) -> Job | None:
    """Return the job that the arguments of `run` describe; None where there is help to show or a mistake to explain."""
    values: dict[str, Any] = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word == "--":
            break
        flag, has_value, value = word.partition("=")
        option = _BY_FLAG.get(flag)
        if option is None or (option.default is False and has_value):
            return None
        if option.default is False:
            values[option.argument] = True
            continue
        if not has_value:
            if not rest:
                return None
            value = rest.pop(0)
        converted = _convert(option, value)
        if converted is None:
            return None
        if option.default == ():
            converted = (*values.get(option.argument, ()), converted)
        values[option.argument] = converted
    return Job(rest, **values) if rest and rest[0] else None


def _convert(option: Option, value: str) -> Any:  # noqa: ANN401 - it depends on the option
    """Return what an option's text means; None where it means nothing."""
    if option.choices:
        return value if value in option.choices else None
    if option.read is not None:
        try:
            return option.read(value)
        except ValueError:
            return None
    if not isinstance(option.default, float):
        return value
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
