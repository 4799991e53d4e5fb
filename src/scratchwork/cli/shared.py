"""What several commands take: which roots, and which workspace."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from scratchwork.errors import UntrustedRoot, WorkspaceGone
from scratchwork.roots.root import Root, roots_in
from scratchwork.roots.store import root_path

UNTRUSTED = 4
"""The exit status where a root can't be trusted."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Seconds(click.FloatRange):
    """A time span: a number, not negative and not endless."""

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - as click has it
        """Return the number; a mistake where it is none."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a number of seconds.", param, ctx)
        return number


class Amount(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic since click 8.2
    """What a function makes of an option's text, such as a size or a time span."""

    def __init__(self, read: Callable[[str], Any], name: str) -> None:
        self._read = read
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """Return it; a mistake where it makes nothing of it."""
        try:
            return self._read(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


def takes_roots(function: _Command) -> _Command:
    """Add the options that choose roots: --app and --dir."""
    function = click.option(
        "--dir",
        "directory",
        type=click.Path(),
        help="Where the roots lie; by default the temp folder (TMPDIR, TEMP, TMP or /tmp), and wherever else you have "
        "made one.",
    )(function)
    return click.option("--app", metavar="NAME", help="Only the root of this application; by default all of yours.")(
        function
    )


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


class Roots:
    """The roots that the options choose, open and not swept, and those of them that can't be trusted."""

    def __init__(self, app: str | None, directory: str | None) -> None:
        self.open: list[Root] = []
        self._refused: list[UntrustedRoot] = []
        for path in _paths(app, directory):
            try:
                self.open.append(Root.at(path))
            except FileNotFoundError:
                if not os.path.isdir(os.path.dirname(path)):
                    raise
            except UntrustedRoot as error:
                self._refused.append(error)

    def status(self, otherwise: int = 0) -> int:
        """Name on stderr what can't be trusted; return the exit status that this asks for."""
        for error in self._refused:
            click.echo(f"scratch: {error}", err=True)
        return UNTRUSTED if self._refused else otherwise


def _paths(app: str | None, directory: str | None) -> list[str]:
    if app is None:
        return roots_in(directory)
    path = root_path(app, directory)
    if directory is not None:
        return [path]
    return [path, *(one for one in roots_in() if one != path and os.path.basename(one) == os.path.basename(path))]


def find(target: str, app: str | None, directory: str | None) -> tuple[Root, str]:
    """Return the root and the name of a workspace that is given by its path or its name. Raises WorkspaceGone."""
    path = os.path.abspath(target)
    if os.sep in target:
        try:
            root = Root.at(os.path.dirname(path))
        except FileNotFoundError:
            raise WorkspaceGone(path) from None
        if any(found.path == path for found in root.workspaces()):
            return root, os.path.basename(path)
        raise WorkspaceGone(path)
    for root in Roots(app, directory).open:
        if any(found.name == target for found in root.workspaces()):
            return root, target
    raise WorkspaceGone(target)
