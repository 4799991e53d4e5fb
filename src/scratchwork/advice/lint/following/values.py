"""What the values of a program are, as far as temporary files go."""

from __future__ import annotations

import ast
import copy
from typing import Literal

Kind = Literal[
    "mkstemp",
    "mkdtemp",
    "NamedTemporaryFile",
    "TemporaryFile",
    "SpooledTemporaryFile",
    "TemporaryDirectory",
    "open",
]

What = Literal[
    "file",  # an open file object
    "path",  # the path of a resource
    "below",  # a path inside a resource that is a directory
    "descriptor",  # an open file descriptor
    "pair",  # what mkstemp returns
    "folder",  # a TemporaryDirectory object
    "root",  # the path of the shared temp folder
    "child",  # a path in the shared temp folder
    "entry",  # what a listing of the shared temp folder gave
    "beside",  # the folder of a path that was not made here
    "text",  # a string that is known
    "stamp",  # a string or number that others can guess: a process id, a time, a user's name
    "reader",  # something that still reads: a process, a thread, a task
    "rows",  # a csv writer over a file
    "stat",  # what os.stat says of a path
]


SIGNATURES = {
    "mkstemp": ("suffix", "prefix", "dir", "text"),
    "mkdtemp": ("suffix", "prefix", "dir"),
    "TemporaryDirectory": ("suffix", "prefix", "dir", "ignore_cleanup_errors"),  # delete by name alone
    "NamedTemporaryFile": ("mode", "buffering", "encoding", "newline", "suffix", "prefix", "dir", "delete"),
    "TemporaryFile": ("mode", "buffering", "encoding", "newline", "suffix", "prefix", "dir"),
    "SpooledTemporaryFile": ("max_size", "mode", "buffering", "encoding", "newline", "suffix", "prefix", "dir"),
    "open": ("file", "mode", "buffering", "encoding", "errors", "newline"),
}
"""The positional parameters of what makes resources (the standard library's documentation)."""


class Resource:
    """A temporary file or directory that the source makes, or a file object that it opens.

    `beneath` is the resource whose file an opened one leads to, if that is known. `arguments` are the call's, by their
    names; `is_method`: it is a path's `open`, which takes all but the first of them. `mode` is None where it is not
    known, `deletes` (whether it goes when the object is closed) as well.
    """

    __slots__ = ("arguments", "beneath", "deletes", "has_options", "kind", "mode", "node")

    def __init__(
        self,
        kind: Kind,
        node: ast.Call,
        *,
        default_mode: str = "w+b",
        beneath: Resource | None = None,
        is_method: bool = False,
    ) -> None:
        self.kind: Kind = kind
        self.node = node
        self.beneath = beneath
        self.arguments = dict(zip(SIGNATURES[kind][is_method:], node.args, strict=False))
        self.arguments.update({one.arg: one.value for one in node.keywords if one.arg})
        self.has_options = any(one.arg is None for one in node.keywords)
        self.mode = self._text("mode", default_mode)
        self.deletes: bool | None = kind in {"TemporaryFile", "SpooledTemporaryFile"}
        if kind in {"NamedTemporaryFile", "TemporaryDirectory"}:
            self.deletes = self._deletes()

    @property
    def made(self) -> Resource:
        """The file or directory itself, whichever object leads to it."""
        return self.beneath or self

    @property
    def is_text(self) -> bool:
        """Whether it is certainly opened as text."""
        return self.mode is not None and "b" not in self.mode

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return self.kind in {"mkdtemp", "TemporaryDirectory"}

    @property
    def has_name(self) -> bool:
        """Whether others can reach it by its name."""
        return self.made.kind not in {"TemporaryFile", "SpooledTemporaryFile"}

    @property
    def is_buffered(self) -> bool:
        """Whether what is written stays in the program for a while."""
        given = self.arguments.get("buffering")
        return not (isinstance(given, ast.Constant) and given.value == 0)

    def has(self, argument: str) -> bool:
        """Whether the call that made it names this argument, or may (`**options`)."""
        return self.has_options or argument in self.arguments

    def _text(self, argument: str, default: str) -> str | None:
        given = self.arguments.get(argument)
        if given is None:
            return None if self.has_options else default
        return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None

    def _deletes(self) -> bool | None:
        given = self.arguments.get("delete")
        if given is None:
            return None if self.has_options else True
        return bool(given.value) if isinstance(given, ast.Constant) else None


class Value:
    """What an expression may be: `what`, and of which resource.

    `origin` is where the value was put together. `is_part`: it is somewhere inside a larger one, a list or a text.
    `is_in_text`: that larger one is a text.
    A child of the temp folder is `is_predictable` if others can guess its name, and `is_fixed` if the temp folder is
    written into the source.
    """

    __slots__ = ("is_fixed", "is_in_text", "is_part", "is_predictable", "origin", "resource", "text", "what")

    def __init__(
        self,
        what: What,
        resource: Resource | None = None,
        *,
        origin: ast.expr | None = None,
        text: str = "",
        is_part: bool = False,
        is_predictable: bool = False,
        is_fixed: bool = False,
    ) -> None:
        self.what: What = what
        self.resource = resource
        self.origin = origin
        self.text = text
        self.is_part = is_part
        self.is_in_text = False
        self.is_predictable = is_predictable
        self.is_fixed = is_fixed

    def within(self) -> Value:
        """Return the same, as a part of something larger."""
        part = copy.copy(self)
        part.is_part = True
        return part


Values = tuple[Value, ...]


def parts(values: Values) -> Values:
    """Return the values as parts of something larger."""
    return tuple(value.within() for value in values)


def in_text(values: Values) -> Values:
    """Return the values, after saying of those that are parts that they are parts of a text."""
    for value in values:
        value.is_in_text = value.is_part
    return values


def of(values: Values, *whats: What) -> Values:
    """Return those that are one of these."""
    return tuple(value for value in values if value.what in whats)


def whole(values: Values, *whats: What) -> Values:
    """Return those that are one of these, and not only a part."""
    return tuple(value for value in values if value.what in whats and not value.is_part)


def elements(values: Values) -> Values:
    """Return what one element of these values may be."""
    return tuple(
        Value(
            value.what,
            value.resource,
            origin=value.origin,
            text=value.text,
            is_predictable=value.is_predictable,
            is_fixed=value.is_fixed,
        )
        for value in values
        if value.is_part or value.what == "entry"
    )


def whole_of(values: Values) -> Values:
    """Return the directory in which paths lie, as far as it can be told: what they are below of."""
    return tuple(Value("path", value.resource, origin=value.origin) for value in values if value.what == "below")
