"""The order of use: write, rewind, flush, close, and only then remove."""

from __future__ import annotations

from collections.abc import Iterator

from scratchwork.advice.lint.following.events import Event
from scratchwork.advice.lint.following.values import Resource
from scratchwork.advice.lint.mistakes import Fix, Mistake
from scratchwork.advice.lint.rules.registry import rule


@rule("SCR101", "read-without-rewind", "read", has_fix=True)
def read_without_rewind(event: Event) -> Iterator[Mistake]:
    """A file is read after it was written, without going back to its beginning.

    A file object has one position for reading and writing. After a write it stands behind what was written, so that
    a read gives nothing, and no error.

    Write `file.seek(0)` in between.
    """
    resource = event.resource
    if resource is None or not event.state.only_among(resource, "position", "written", "start"):
        return
    if resource.kind == "open" and (resource.mode is None or resource.mode.startswith("r")):
        return  # it was there before, and longer than what was written
    yield event.mistake(
        "SCR101",
        "this reads from behind what was just written, so it gives nothing; go back first: seek(0)",
        fix=_before(event, resource, "seek(0)"),
    )


@rule("SCR102", "name-before-flush", "handed on", "opened by name", has_fix=True)
def name_before_flush(event: Event) -> Iterator[Mistake]:
    """A file's name is passed on while what was written may still be in the file object's buffer.

    Whoever opens the name finds less than was written, often nothing: it gets to the file with `flush`, `close` or the
    end of the `with` block.

    Write `file.flush()` before the name is used, or close the file first.
    """
    if event.value is None or event.value.what != "path":
        return
    for resource in event.files:
        if event.state.only_among(resource, "buffer", "dirty", "fresh") and event.state.only(resource, "file", "open"):
            yield event.mistake(
                "SCR102",
                f"{_reader(event.how)} may find the file empty or cut short: what was written is still in the buffer; "
                "flush() or close it first",
                fix=_before(event, resource, "flush()"),
            )
            return


def _reader(how: str) -> str:
    return how if " " in how else f"{how}()" if how else "what is called here"


@rule("SCR103", "reopened-while-open", "opened by name")
def reopened_while_open(event: Event) -> Iterator[Mistake]:
    """A NamedTemporaryFile is opened a second time by its name while it is still open.

    That works on POSIX systems. On Windows it fails with PermissionError: the system is to delete the file when it is
    closed, and lets only those open it again who agree to that (`os.open` with `O_TEMPORARY`), which `open` doesn't.

    Use the file object that is there (`seek(0)`), or pass `delete_on_close=False` (Python 3.12), or make the file in a
    `TemporaryDirectory`, with `open`.
    """
    resource = event.resource
    if resource is None or event.value is None or event.value.what != "path":
        return
    if resource.kind != "NamedTemporaryFile" or resource.deletes is not True or resource.has("delete_on_close"):
        return
    if event.state.only(resource, "file", "open") and not event.looks_at_platform:
        yield event.mistake(
            "SCR103",
            "opening this file by its name while it is open fails on Windows; use the object that is open, "
            "delete_on_close=False (Python 3.12) or a file in a TemporaryDirectory",
        )


@rule("SCR104", "removed-while-read", "removed", "given back")
def removed_while_read(event: Event) -> Iterator[Mistake]:
    """A file or directory is removed while somebody else still uses it, or before the caller can.

    A process, thread or task that was started and not waited for may open its input after it is gone: the error comes
    now and then, on a busy machine. What is returned from inside the `with` block that removes it, a path or the file
    itself, is always gone.

    Wait for the reader (`wait()`, `result()`, `await`) before the file goes; let the caller open the `with` block.
    """
    resource = event.resource
    if resource is None:
        return
    if event.kind == "given back":
        yield event.mistake(
            "SCR104", "this is gone when the caller gets it: the with block around it removes it on the way out"
        )
    elif event.how != "moved" and event.state.only(resource.made, "reader", "busy"):
        yield event.mistake(
            "SCR104", "this is removed while what was started with its path may still use it; wait for that first"
        )


def _before(event: Event, resource: Resource, what: str) -> Fix | None:
    names = event.state.names_of(resource)
    if not names:
        return None
    return Fix("insert before", event.statement.lineno, event.statement.col_offset, f"{names[0]}.{what}")
