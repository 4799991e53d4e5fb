"""What is in the files: text, rows, and what needs no file at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from scratchwork.advice.lint.following.events import Event
from scratchwork.advice.lint.mistakes import Fix, Mistake
from scratchwork.advice.lint.rules.registry import rule

_CONTENT = {"text", "passed", "escaped"}
_OTHERS_WRITE = {"name", "fileno", "given to a program"}


@rule("SCR401", "text-without-encoding", "ended", "poured", has_fix=True)
def text_without_encoding(event: Event) -> Iterator[Mistake]:
    """A temporary file is opened as text without an encoding.

    Then the locale decides: UTF-8 here, something else in a container without one or on Windows, where writing raises
    UnicodeEncodeError or the reader finds garbage (PEP 597).

    Write `encoding="utf-8"`, as `--fix` does; where the locale is UTF-8, that changes nothing. What is certainly ASCII
    is not reported.
    """
    node = event.node
    if event.kind == "poured":
        is_without = event.how in {"read_text", "write_text"}
    else:
        is_without = _is_text_without_encoding(event)
    if is_without:
        yield event.mistake(
            "SCR401",
            'without an encoding, the locale decides what is in this file; write encoding="utf-8"',
            fix=Fix("add keyword", node.lineno, node.col_offset, 'encoding="utf-8"'),
        )


def _is_text_without_encoding(event: Event) -> bool:
    resource, life = event.resource, event.life
    if resource is None or life is None or resource.is_directory or resource.kind == "mkstemp":
        return False
    if not resource.is_text or resource.has("encoding"):
        return False
    reads_others = "read" in life.uses and (resource.kind == "open" or bool(life.uses & _OTHERS_WRITE))
    return bool(life.uses & _CONTENT) or reads_others


@rule("SCR402", "csv-without-newline", "rows", has_fix=True)
def csv_without_newline(event: Event) -> Iterator[Mistake]:
    """CSV is written to, or read from, a temporary file that was opened without newline="".

    The `csv` module ends rows itself. Without `newline=""`, every row ends with two carriage returns on Windows, and
    line breaks inside of quoted fields come out changed anywhere (see the documentation of `csv`).

    Write `newline=""` where the file is opened.
    """
    resource = event.resource
    if resource is None or not resource.is_text or resource.has("newline") or _ends_rows_like_the_file(event.node):
        return
    node = resource.node
    yield event.mistake(
        "SCR402",
        'rows and line breaks inside of them come out wrong without newline="" where the file is opened',
        at=node,
        fix=Fix("add keyword", node.lineno, node.col_offset, 'newline=""'),
    )


def _ends_rows_like_the_file(node: ast.AST) -> bool:
    keywords = node.keywords if isinstance(node, ast.Call) else []
    return any(
        one.arg == "lineterminator" and isinstance(one.value, ast.Constant) and one.value.value == "\n"
        for one in keywords
    )


@rule("SCR601", "file-for-memory", "ended")
def file_for_memory(event: Event) -> Iterator[Mistake]:
    """A temporary file where a BytesIO or StringIO would do.

    It is written, and read back as a whole, in the same function, and nobody else ever sees it. So all of it is in
    memory anyway; the file system only costs time there, and can be full.

    Use `io.BytesIO` or `io.StringIO`. What is written or read piece by piece may be large, and isn't reported.
    """
    resource, life = event.resource, event.life
    if resource is None or life is None or resource.kind not in {"TemporaryFile", "NamedTemporaryFile"}:
        return
    if resource.mode is None or resource.has("dir") or resource.has("buffering"):
        return
    if resource.deletes is True and life.uses - {"text"} == {"write", "read", "read whole"}:
        yield event.mistake(
            "SCR601", "nobody but this function sees this file; io.BytesIO or io.StringIO does the same in memory"
        )
