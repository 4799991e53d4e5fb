"""What a traced program made and left, for people and for programs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from typing import IO

from scratchwork.advice.tracing.reading import Group, Stack, Trace
from scratchwork.system import words
from scratchwork.views import tables

_PACKAGES = re.compile(r".*[/\\](?:site|dist)-packages[/\\]")


def show(trace: Trace, file: IO[str], *, depth: int, top: int) -> None:
    """Print a table of the first `top` groups, each with `depth` calls of its stack, and what it all comes to."""
    groups = _merged(trace, depth)
    rows: list[tuple[str, ...]] = []
    for group in groups[:top]:
        rows += _rows(group)
    if rows:
        numbers = ("LEFT", "SIZE", "MADE")
        tables.show(("LEFT", "SIZE", "MADE", "SIZE", "WHERE"), rows, right=numbers, whole=numbers, file=file)
    for line in _summary(trace, len(groups) - top, top):
        file.write(f"scratch: {line}\n")


def as_dict(trace: Trace, arguments: Sequence[str], status: int) -> dict[str, object]:
    """Return all of it ready for JSON: whole stacks, all paths."""
    total = trace.total()
    return {
        "command": list(arguments),
        "status": status,
        "complete": trace.is_complete,
        **_counts(total),
        "processes": [
            {"pid": one.pid, "python": one.version, "executable": one.executable, "followed": one.followed}
            for one in trace.processes
        ],
        "groups": [
            {
                **_counts(group),
                "paths": group.paths,
                "held_by": group.held_by,
                "stack": [{"file": file, "line": line, "function": function} for file, line, function in group.stack],
            }
            for group in trace.groups
        ],
    }


def as_json(trace: Trace, arguments: Sequence[str], status: int) -> str:
    """Return all of it as one line of JSON."""
    return json.dumps(as_dict(trace, arguments, status))


def short(file: str, libraries: Iterable[str] = ()) -> str:
    """Return a source file's path as briefly as it is clear: without the folder of its library, or from here."""
    inside = _PACKAGES.match(file)
    if inside:
        return file[inside.end() :]
    for folder in (*libraries, _here()):
        if folder and file.startswith(folder + os.sep):
            return file[len(folder) + 1 :]
    return file


def _counts(group: Group) -> dict[str, int]:
    return {
        "made": group.made,
        "left": group.left,
        "moved_out": group.moved_out,
        "anonymous": group.anonymous,
        "unseen": group.unseen,
        "bytes_made": group.bytes_made,
        "bytes_left": group.bytes_left,
    }


def _merged(trace: Trace, depth: int) -> list[Group]:
    """Return the groups by what is shown of their stacks: the program's own calls, the innermost first."""
    merged: dict[Stack, Group] = {}
    for group in trace.groups:
        stack = tuple(
            (short(file, trace.libraries), line, function)
            for file, line, function in _own_calls(group.stack, trace.libraries)[:depth]
        )
        merged.setdefault(stack, Group(stack)).add(group)
    return sorted(merged.values(), key=Group.rank, reverse=True)


def _own_calls(stack: Stack, libraries: Iterable[str]) -> Stack:
    """Return the calls that are not the standard library's; all of them if there is no other."""
    folders = tuple(folder + os.sep for folder in libraries if folder)
    own = tuple(call for call in stack if not call[0].startswith(folders) or _PACKAGES.match(call[0]))
    return own or stack


def _rows(group: Group) -> list[tuple[str, ...]]:
    left = group.left + group.unseen
    made = group.made + group.unseen
    numbers = (f"{left:,}", words.size(group.bytes_left), f"{made:,}", words.size(group.bytes_made))
    calls = [_call(*call) for call in group.stack] or ["(unknown: the record is incomplete)"]
    lines = [calls[0], *(f"  {call}" for call in calls[1:])]
    if group.paths:
        more = f" and {left - 1:,} more" if left > 1 else ""
        lines.append(f"  left {group.paths[0]}{more}")
    if group.held_by:
        lines.append(f"  open in process {', '.join(map(str, group.held_by))}")
    others = (
        (group.unseen, "of these by code that was not followed"),
        (group.moved_out, "moved out of temp space"),
        (group.anonymous, "without a name, of unknown size"),
    )
    lines += [f"  {count:,} {what}" for count, what in others if count]
    return [(*numbers, lines[0]), *(("", "", "", "", line) for line in lines[1:])]


def _call(file: str, line: int, function: str) -> str:
    return f"{file}:{line} {function}" if file else function


def _summary(trace: Trace, hidden: int, top: int) -> list[str]:
    total = trace.total()
    lines = []
    if hidden > 0:
        lines.append(
            f"{words.plural(hidden, 'more place')} not shown; '--top {hidden + top}' would, and --json has all"
        )
    followed = {one.pid for one in trace.processes if one.followed}  # subinterpreters tell of themselves, too
    if not followed:
        lines.append("no Python was followed, so nothing is known; see 'scratch trace --help' for those that can't be")
    else:
        made = f"{total.made + total.unseen:,} ({words.size(total.bytes_made)})" if total.made else "nothing"
        left = f"{total.left + total.unseen:,} ({words.size(total.bytes_left)})" if total.left else "nothing"
        lines.append(f"made in temp space: {made}; left: {left}; processes: {len(followed):,}")
    old = {f"Python {one.version} ({one.executable})" for one in trace.processes if not one.followed}
    lines += [f"not followed: {name}; it takes 3.8 or newer" for name in sorted(old)]
    if not trace.is_complete:
        lines.append("this is not all: part was not recorded (disk full? record removed, or of 512 MiB? deep stack?)")
    return [words.printable(line) for line in lines]


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""
