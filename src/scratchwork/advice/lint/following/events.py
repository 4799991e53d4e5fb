"""What happens in a function, as far as temporary files go: what the rules look at."""

from __future__ import annotations

import ast
from typing import Literal

from scratchwork.advice.lint.following.states import State
from scratchwork.advice.lint.following.values import Resource, Value, Values
from scratchwork.advice.lint.mistakes import Fix, Mistake

Happening = Literal[
    "mktemp",  # a name was made, and nothing under it
    "wasted",  # a fresh object was used for its name alone, or for nothing
    "read",  # a file object was read from
    "written",  # a file object was written to
    "opened by name",  # a path is opened in this process
    "handed on",  # a path goes to something that will open it
    "removed",  # a resource was removed, also at the end of a with block
    "touched",  # a path in the shared temp folder is used
    "poured",  # data goes into a file, or comes out of it, without a file object: write_text, os.write
    "rows",  # csv over a file object
    "given back",  # a value is returned from inside the with block of its resource
    "tempdir",  # tempfile.tempdir is assigned to
    "command",  # a command line, as text
    "ended",  # the end of a function: one event for each resource
]


class Guard:
    """Being in a part of a try statement: what happens there may be put right by other parts of it."""

    __slots__ = ("part", "statement")

    def __init__(self, statement: ast.stmt, part: Literal["body", "else", "handler", "final"]) -> None:
        self.statement = statement
        self.part = part


class Point:
    """Where something happens: the node, and the try statements around it."""

    __slots__ = ("guards", "node")

    def __init__(self, node: ast.AST, guards: tuple[Guard, ...]) -> None:
        self.node = node
        self.guards = guards


class Life:
    """What becomes of one resource in a function.

    `raising` is where an exception would end its life here before it was removed, `closing` the same for its
    descriptor. `uses` says in a word each what was done with it, `modes` are the permissions that it was given.
    """

    __slots__ = ("closed", "closing", "escaped", "modes", "raising", "removed", "uses")

    def __init__(self) -> None:
        self.raising: list[Point] = []
        self.removed: list[Point] = []
        self.escaped = False
        self.closing: list[Point] = []
        self.closed: list[Point] = []
        self.uses: set[str] = set()
        self.modes: list[ast.expr] = []


class Event:
    """One thing that happens: where, to what, and what is known at that point.

    `how` is the full name of the function that does it, or the word that the event is about. `files` are all resources
    that lead to the same file as `resource`. `looks_at_owner`: the function compares owners (`st_uid`), as those do who
    know what they are doing in a shared folder. `looks_at_platform`: it tells Windows from other systems.
    """

    __slots__ = (
        "files",
        "how",
        "kind",
        "life",
        "looks_at_owner",
        "looks_at_platform",
        "node",
        "resource",
        "state",
        "statement",
        "value",
        "values",
    )

    def __init__(
        self,
        kind: Happening,
        node: ast.expr | ast.stmt,
        state: State,
        statement: ast.stmt,
        *,
        resource: Resource | None = None,
        value: Value | None = None,
        values: Values = (),
        life: Life | None = None,
        files: tuple[Resource, ...] = (),
        how: str = "",
        looks_at_owner: bool = False,
        looks_at_platform: bool = False,
    ) -> None:
        self.kind: Happening = kind
        self.node = node
        self.state = state
        self.statement = statement
        self.resource = resource
        self.value = value
        self.values = values
        self.life = life
        self.files = files
        self.how = how
        self.looks_at_owner = looks_at_owner
        self.looks_at_platform = looks_at_platform

    def mistake(self, code: str, message: str, *, at: ast.AST | None = None, fix: Fix | None = None) -> Mistake:
        """Return the mistake at the event's node, or at another."""
        node = at if isinstance(at, (ast.expr, ast.stmt)) else self.node
        return Mistake(
            code,
            message,
            node.lineno,
            node.col_offset,
            node.end_lineno or node.lineno,
            node.end_col_offset or node.col_offset,
            fix,
        )
