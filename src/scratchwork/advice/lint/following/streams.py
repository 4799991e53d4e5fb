"""What reads from and writes to file objects: functions that are given one."""

from __future__ import annotations

from scratchwork.advice.lint.following.calls import Call, escapes, function, says_only_ascii, unknown
from scratchwork.advice.lint.following.values import Value, Values, of, whole

_READ_ALL = frozenset({"json.load", "yaml.safe_load", "yaml.load", "tomllib.load", "list", "plistlib.load"})


@function(
    "json.load",
    "pickle.load",
    "marshal.load",
    "csv.reader",
    "csv.DictReader",
    "yaml.safe_load",
    "yaml.load",
    "tomllib.load",
    "list",
    "next",
    "plistlib.load",
)
def _read(made: Call) -> Values:
    values = made.argument(0, "fp", "file", "stream", "csvfile", "f")
    for value in whole(values, "file"):
        if value.resource is not None:
            made.flow.read(value.resource, made.node)
            made.flow.life(value.resource).uses.add("read whole" if made.name in _READ_ALL else "read in pieces")
            if made.name.startswith("csv."):
                made.flow.tell("rows", made.node, resource=value.resource, how=made.name)
    if made.name not in {"list", "next"}:
        made.flow.may_raise(made.node)
    return values if made.name in {"list", "next"} and not whole(values, "file") else ()


@function("sorted", "set", "frozenset", "tuple", "reversed", "filter")
def _same_entries(made: Call) -> Values:
    unknown(made)
    return of(made.argument(1 if made.name == "filter" else 0), "entry")


@function("json.dump", "pickle.dump", "marshal.dump", "yaml.dump", "yaml.safe_dump", "plistlib.dump")
def _dump(made: Call) -> Values:
    made.flow.may_raise(made.node)
    is_ascii = made.name == "json.dump" and escapes(made.node)
    write_all(made, made.argument(1, "fp", "file", "stream"), is_ascii=is_ascii)
    return ()


@function("csv.writer", "csv.DictWriter")
def _rows(made: Call) -> Values:
    found = []
    for value in whole(made.argument(0, "csvfile", "f"), "file"):
        if value.resource is not None:
            made.flow.tell("rows", made.node, resource=value.resource, how=made.name)
            found.append(Value("rows", value.resource))
    return tuple(found)


@function("print")
def _print(made: Call) -> Values:
    files = made.keywords.get("file", ())
    write_all(made, files, is_ascii=says_only_ascii(made))
    for value in whole(files, "file"):
        if value.resource is not None and "flush" in made.keywords:
            made.flow.state.mark(value.resource, "buffer", "clean")
    return ()


@function("shutil.copyfileobj")
def _pour(made: Call) -> Values:
    made.flow.may_raise(made.node)
    for value in whole(made.argument(0, "fsrc"), "file"):
        if value.resource is not None:
            made.flow.read(value.resource, made.node)
    write_all(made, made.argument(1, "fdst"))
    for value in of(made.all, "file"):
        if value.resource is not None:
            made.flow.life(value.resource).uses.add("passed")
    return ()


def write_all(made: Call, values: Values, *, is_buffered: bool = True, is_ascii: bool = False) -> None:
    """Let a call write to file objects."""
    for value in whole(values, "file"):
        if value.resource is not None:
            if not is_ascii:
                made.flow.life(value.resource).uses.add("text")
            made.flow.write(value.resource, made.node, is_buffered=is_buffered, how=made.name)
