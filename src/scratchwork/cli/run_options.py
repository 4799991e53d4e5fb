"""The options of `scratch run`, once: for the fast parser here, and for click, which shows help and mistakes."""

from __future__ import annotations

from scratchwork.jobs.running import Job
from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Option(Fact):
    """An option: its flag, the argument of `Job` that it sets, its default, and what a person reads about it.

    One whose default is False takes no value; one with `choices` takes one of them; else it takes what its default is.
    """

    __slots__ = ("argument", "choices", "default", "flag", "help", "metavar")

    def __init__(
        self,
        flag: str,
        argument: str,
        default: str | float | bool | None,
        help: str,  # noqa: A002 - click's word
        *,
        metavar: str | None = None,
        choices: tuple[str, ...] = (),
    ) -> None:
        self.flag = flag
        self.argument = argument
        self.default = default
        self.help = help
        self.metavar = metavar
        self.choices = choices


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
        values[option.argument] = converted
    return Job(rest, **values) if rest and rest[0] else None


def _convert(option: Option, value: str) -> str | float | None:
    if option.choices:
        return value if value in option.choices else None
    if not isinstance(option.default, float):
        return value
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
