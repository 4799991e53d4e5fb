"""How long things live: who removes them, and who closes them, also when an exception comes in between."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from scratchwork.advice.lint.following.events import Event, Point
from scratchwork.advice.lint.following.names import dotted_name
from scratchwork.advice.lint.following.values import Resource
from scratchwork.advice.lint.mistakes import Mistake
from scratchwork.advice.lint.rules.registry import rule

_INSTEAD = {
    "mkstemp": "a with block of NamedTemporaryFile, or try/finally with os.unlink",
    "mkdtemp": "a with block of TemporaryDirectory, or try/finally with shutil.rmtree",
    "NamedTemporaryFile": "leave delete=False out, or remove it in a finally",
}


def _is_left(event: Event, kind: str) -> bool:
    resource, life = event.resource, event.life
    return (
        resource is not None
        and life is not None
        and _must_be_removed(resource)
        and resource.kind == kind
        and not life.removed
        and not life.escaped
        and not life.uses & {"inside", "elsewhere"}
        and (resource.is_directory or "yielded" not in life.uses)
    )


def _must_be_removed(resource: Resource) -> bool:
    return resource.kind in {"mkstemp", "mkdtemp"} or (
        resource.kind == "NamedTemporaryFile" and resource.deletes is False
    )


@rule("SCR201", "delete-false-left", "ended")
def delete_false_left(event: Event) -> Iterator[Mistake]:
    """A NamedTemporaryFile(delete=False) that no path removes.

    With `delete=False` nobody removes the file but the program itself, and this function neither does nor gives its
    name to anybody who could.

    Leave `delete=False` out; or close the file, use its name and remove it in a `finally`.
    """
    if _is_left(event, "NamedTemporaryFile"):
        yield event.mistake("SCR201", f"nothing removes this file; {_INSTEAD['NamedTemporaryFile']}")


@rule("SCR202", "mkstemp-left", "ended")
def mkstemp_left(event: Event) -> Iterator[Mistake]:
    """A file of mkstemp that no path removes.

    `mkstemp` leaves the file to its caller, and this function neither removes it nor gives its name to anybody who
    could.

    Use a `with` block of `NamedTemporaryFile`, or `try`/`finally` with `os.unlink`.
    """
    if _is_left(event, "mkstemp"):
        yield event.mistake("SCR202", f"nothing removes this file; write {_INSTEAD['mkstemp']}")


@rule("SCR203", "mkdtemp-left", "ended")
def mkdtemp_left(event: Event) -> Iterator[Mistake]:
    """A directory of mkdtemp that no path removes.

    `mkdtemp` leaves the directory to its caller, and this function neither removes it nor gives its path to anybody
    who could.

    Use a `with` block of `TemporaryDirectory`, or `try`/`finally` with `shutil.rmtree`.
    """
    if _is_left(event, "mkdtemp"):
        yield event.mistake("SCR203", f"nothing removes this directory; write {_INSTEAD['mkdtemp']}")


@rule("SCR204", "left-on-error", "ended")
def left_on_error(event: Event) -> Iterator[Mistake]:
    """A file or directory that is removed only if nothing raises in between.

    Between making it and removing it something may raise, or the function returns, and no `finally` removes it: then it
    stays.

    Put what comes in between into a `try`, the removal into its `finally`; or use a `with` block.
    """
    resource, life = event.resource, event.life
    if resource is None or life is None or not _must_be_removed(resource) or not life.removed:
        return
    if life.uses & {"inside", "elsewhere"}:
        return
    open_points = _uncovered(life.raising, life.removed)
    if open_points:
        line = getattr(open_points[0].node, "lineno", 0)
        yield event.mistake("SCR204", f"this stays if line {line} raises or leaves; {_INSTEAD[resource.kind]}")


@rule("SCR205", "descriptor-left-open", "ended", "wasted")
def descriptor_left_open(event: Event) -> Iterator[Mistake]:
    """The descriptor of mkstemp is never closed.

    `mkstemp` returns an open descriptor beside the path. Who takes only the path leaves it open until the process ends:
    a server runs out of descriptors, and on Windows the file can't be removed.

    Write `descriptor, path = mkstemp()` and `os.close(descriptor)`, or `with os.fdopen(descriptor, ...) as file`.
    """
    resource = event.resource
    if resource is None or resource.kind != "mkstemp":
        return
    if event.kind == "wasted" and event.how == "descriptor":
        yield event.mistake("SCR205", "the descriptor that mkstemp opened is never closed; take it, and os.close() it")
    elif event.life is not None and not event.life.closed and not event.state.may(resource, "descriptor", "lost"):
        yield event.mistake(
            "SCR205", "the descriptor that mkstemp opened is never closed; os.close() or os.fdopen() it"
        )


@rule("SCR206", "descriptor-closed-late", "ended")
def descriptor_closed_late(event: Event) -> Iterator[Mistake]:
    """The descriptor of mkstemp is closed or wrapped too late: something may raise before that.

    Whatever raises between `mkstemp` and `os.fdopen` or `os.close` leaves the descriptor open until the process ends.

    Wrap or close it in the very next statement.
    """
    resource, life = event.resource, event.life
    if resource is None or life is None or resource.kind != "mkstemp" or not life.closed:
        return
    open_points = _uncovered(life.closing, life.closed)
    if open_points:
        line = getattr(open_points[0].node, "lineno", 0)
        yield event.mistake(
            "SCR206", f"the descriptor stays open if line {line} raises; wrap it (os.fdopen) or close it right here"
        )


@rule("SCR207", "thrown-away", "wasted")
def thrown_away(event: Event) -> Iterator[Mistake]:
    """The result of TemporaryDirectory() or NamedTemporaryFile() is thrown away, and only its name kept.

    The object removes what it made as soon as nobody holds it, which is at once here. What remains is a name that
    anybody else may take, as with `mktemp`.

    Hold it in a `with` block for as long as the name is used.
    """
    resource = event.resource
    if (
        resource is None
        or resource.kind not in {"TemporaryDirectory", "NamedTemporaryFile"}
        or event.how == "descriptor"
    ):
        return
    yield event.mistake(
        "SCR207", f"{resource.kind}() is removed at once, since nobody holds it; use it in a with block"
    )


def _uncovered(raising: list[Point], put_right: list[Point]) -> list[Point]:
    return [point for point in raising if not any(_covers(one, point) for one in put_right)]


def _covers(removal: Point, point: Point) -> bool:
    """Whether an exception at `point` comes by this removal."""
    parts = {guard.statement: guard.part for guard in removal.guards}
    for guard in point.guards:
        part = parts.get(guard.statement)
        if part == "final" or (part == "handler" and guard.part in {"body", "handler"}):
            return True
        if guard.part == "body" and _swallows(guard.statement) and part != "body":
            return True
    return False


def _swallows(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Try, ast.TryStar)) and any(map(_is_any_error, statement.handlers))


def _is_any_error(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or dotted_name(handler.type) in {"Exception", "BaseException"}
