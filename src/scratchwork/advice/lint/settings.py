"""Which rules and which files: `[tool.scratchwork.lint]` in pyproject.toml, and the options of the command."""

from __future__ import annotations

import difflib
import os

from scratchwork.advice.lint.catalogue import UNREADABLE, all_rules, unknown, weight
from scratchwork.advice.lint.patterns import matches
from scratchwork.errors import InvalidSettings
from scratchwork.system.facts import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from scratchwork.advice.lint.rules.registry import Rule

_FILE = "pyproject.toml"
_CODES = ("select", "extend-select", "ignore")
_KEYS = (*_CODES, "exclude", "per-file-ignores")


class Settings(Fact):
    """What is wanted. Codes may be whole, such as SCR301, or the beginning of some, such as SCR3.

    `select`: the rules that are on; None means those that are on by default. `extend_select`: more of them. `ignore`:
    rules that are off. Of a code in `select` and one in `ignore` the longer counts, and of equal ones `ignore`.
    `exclude`: patterns of what is not looked at. `per_file_ignores`: more rules that are off, by patterns of files.
    Patterns are relative to `folder`, which is also what a cache is kept for.
    """

    __slots__ = ("exclude", "extend_select", "folder", "ignore", "per_file_ignores", "select")

    def __init__(
        self,
        folder: str,
        *,
        select: Sequence[str] | None = None,
        extend_select: Sequence[str] = (),
        ignore: Sequence[str] = (),
        exclude: Sequence[str] = (),
        per_file_ignores: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.folder = folder
        self.select = select
        self.extend_select = extend_select
        self.ignore = ignore
        self.exclude = exclude
        self.per_file_ignores = per_file_ignores or {}

    def with_options(
        self, *, select: Sequence[str], extend_select: Sequence[str], ignore: Sequence[str], exclude: Sequence[str]
    ) -> Settings:
        """Return these with a command line's options, which add to them.

        `select` sets aside all that the file says of rules, but for its per-file ignores. Patterns in `exclude` are
        relative to the current directory. Raises InvalidSettings.
        """
        _check("the command line", {"--select": select, "--extend-select": extend_select, "--ignore": ignore})
        return Settings(
            self.folder,
            select=select or self.select,
            extend_select=[*([] if select else self.extend_select), *extend_select],
            ignore=[*([] if select else self.ignore), *ignore],
            exclude=[*self.exclude, *(self._from_here(pattern) for pattern in exclude)],
            per_file_ignores=self.per_file_ignores,
        )

    def wanted(self, path: str) -> frozenset[str]:
        """Return the codes of the rules that are on for a file."""
        off = [
            code
            for pattern, codes in self.per_file_ignores.items()
            if matches(path, [pattern], self.folder)
            for code in codes
        ]
        on = {rule.code for rule in all_rules().values() if self._is_on(rule) and weight(rule.code, off) < 0}
        return frozenset(on | {UNREADABLE.code})

    def _from_here(self, pattern: str) -> str:
        """Return a pattern for what lies below the current directory as one for what lies below our folder."""
        if "/" not in pattern.rstrip("/"):
            return pattern
        return "./" + os.path.relpath(pattern, self.folder).replace(os.sep, "/")

    def _is_on(self, rule: Rule) -> bool:
        default = 0 if rule.by_default else -1
        selected = default if self.select is None else weight(rule.code, self.select)
        return max(selected, weight(rule.code, self.extend_select)) > weight(rule.code, self.ignore)


def read_settings(paths: Sequence[str]) -> Settings:
    """Return the settings of the nearest pyproject.toml with a table for us, upward from what the paths have in common.

    Without one they are the defaults, for the folder of the nearest pyproject.toml; without that, too, for the current
    directory, or for what the paths have in common where they lie outside. Raises InvalidSettings.
    """
    start = folder = _common(paths)
    project = None
    while True:
        path = os.path.join(folder, _FILE)
        if os.path.isfile(path):
            table = _table(path)
            if table is not None:
                return _settings(path, folder, table)
            project = project or folder
        parent = os.path.dirname(folder)
        if parent == folder:
            here = os.getcwd()
            return Settings(project or (here if os.path.join(start, "").startswith(os.path.join(here, "")) else start))
        folder = parent


def _common(paths: Sequence[str]) -> str:
    folders = [path if os.path.isdir(path) else os.path.dirname(path) for path in map(os.path.abspath, paths)]
    try:
        return os.path.commonpath(folders)
    except ValueError:  # none, or on several drives of Windows
        return folders[0] if folders else os.getcwd()


def _table(path: str) -> dict[str, Any] | None:
    import tomllib

    try:
        with open(path, "rb") as file:
            whole = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(path, f"is no TOML: {error}") from None
    except OSError as error:
        raise InvalidSettings(path, f"can't be read: {error.strerror}") from None
    found: Any = whole
    for name in ("tool", "scratchwork", "lint"):
        if not isinstance(found, dict):
            raise InvalidSettings(path, "[tool.scratchwork.lint] is no table")
        found = found.get(name)
        if found is None:
            return None
    if not isinstance(found, dict):
        raise InvalidSettings(path, "[tool.scratchwork.lint] is no table")
    return found


def _settings(path: str, folder: str, table: dict[str, Any]) -> Settings:
    for key in table:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            advice = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(_KEYS)}"
            raise InvalidSettings(path, f"[tool.scratchwork.lint] has no key '{key}'; {advice}")
    per_file = table.get("per-file-ignores", {})
    if not isinstance(per_file, dict):
        raise InvalidSettings(path, "'per-file-ignores' is a table of patterns and lists of codes")
    lists = {key: value for key, value in table.items() if key != "per-file-ignores"}
    lists |= {f"per-file-ignores of {pattern}": codes for pattern, codes in per_file.items()}
    for key, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise InvalidSettings(path, f"'{key}' is a list of strings")
    _check(path, {key: value for key, value in lists.items() if key != "exclude"})
    return Settings(
        folder,
        select=table.get("select"),
        extend_select=table.get("extend-select", ()),
        ignore=table.get("ignore", ()),
        exclude=table.get("exclude", ()),
        per_file_ignores=per_file,
    )


def _check(where: str, lists: Mapping[str, Sequence[str]]) -> None:
    for key, codes in lists.items():
        if bad := unknown(codes):
            raise InvalidSettings(where, f"'{key}' names {bad[0]!r}, and no rule's code begins so; see --rules")
