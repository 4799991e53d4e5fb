"""Names that others can guess, places that are fixed, permissions, and secrets."""

from __future__ import annotations

import ast
import re
import stat
from collections.abc import Iterator

from scratchwork.advice.lint.following.events import Event
from scratchwork.advice.lint.following.values import Value, of
from scratchwork.advice.lint.mistakes import Fix, Mistake
from scratchwork.advice.lint.rules.commands import command, shell_command
from scratchwork.advice.lint.rules.registry import rule

_LASTING = re.compile(
    r"cache|checkpoint|\bresults?\b|history|database|\bstate\b|\bmodels?\b|\bdownloads?\b|\.(?:db|sqlite3?)$",
    re.IGNORECASE,
)
_MAKES_NOTHING = frozenset({"look", "read", "list", "remove", "remove what nobody uses"})
_REDIRECTS = re.compile(r">\s*(?:/var)?/tmp/[\w./-]+(?:$|[\s;&|'\")])")
_WIDENS = re.compile(
    r"\bchmod\s+(?:-\w+\s+)*(?:[0-7]{0,2}[0-7](?:[2367][0-7]|[0-7][2367])|(?:[ugo]*[go][ugo]*|a)[+=]\w*w\w*)(?:\s|$)"
)


@rule("SCR301", "mktemp", "mktemp")
def mktemp(event: Event) -> Iterator[Mistake]:
    """A name is taken from `mktemp`, which makes nothing.

    Before your program makes something under it, anybody else can: a symlink to a file that you may write, or a file
    that they may read. Deprecated since Python 2.3.

    Use `mkstemp` or `NamedTemporaryFile`; for a socket, a pipe or a program's output, a name inside a
    `TemporaryDirectory`.
    """
    yield event.mistake(
        "SCR301", "mktemp() only gives a name, which others can take first; use mkstemp or a TemporaryDirectory"
    )


@rule("SCR302", "predictable-name", "touched", "command")
def predictable_name(event: Event) -> Iterator[Mistake]:
    """Something is made in the shared temp folder under a name that others can guess.

    Everybody may write there. Who makes that name first, as a symlink or as a file of theirs, decides what you
    overwrite, or what you read back; two users, or two runs, of the same program meet as well. A process id, a time or
    a user's name can be guessed.

    Let `tempfile` choose the name, or put it into a `TemporaryDirectory`. What others must find under one name, such as
    a lock or a socket, belongs into the user's own folder for it (XDG_RUNTIME_DIR, `platformdirs.user_runtime_dir`).
    """
    message = "others can guess this name and make it first, in a folder open to all; let tempfile choose it"
    value = event.value
    if event.kind == "command":
        if _REDIRECTS.search(shell_command(event)):
            yield event.mistake("SCR302", message)
    elif value is not None and _makes_what_others_can_guess(event, value) and not _is_to_last(event, value):
        yield event.mistake("SCR302", message, at=value.origin)


def _makes_what_others_can_guess(event: Event, value: Value) -> bool:
    is_made = value.what == "child" and event.how in {"create", "keep"}
    return is_made and value.is_predictable and not event.looks_at_owner


def _is_to_last(event: Event, value: Value) -> bool:
    return event.how == "keep" or bool(_LASTING.search(value.text))


@rule("SCR303", "fixed-temp-folder", "touched", by_default=False, has_fix=True)
def fixed_temp_folder(event: Event) -> Iterator[Mistake]:
    """A temp folder is written into the source.

    `/tmp` is not there on every system, it may be small, in memory or not executable, and whoever set TMPDIR, as batch
    systems and `scratch run` do, meant it.

    Use `tempfile`'s functions without `dir`, or `tempfile.gettempdir()`. A default behind TMPDIR, and what is only
    read, looked for or removed there, is not reported.
    """
    value = event.value
    if value is None or not value.is_fixed or not value.text.startswith(("/tmp", "/usr/tmp")):  # noqa: S108
        return
    if event.how in _MAKES_NOTHING or (event.how in {"create", "keep"} and value.is_predictable):
        return
    if not all(one.is_fixed for one in event.values):
        return  # one of several places, such as what is left if TMPDIR says nothing
    fix = None
    node = event.node
    if event.how == "dir" and value.what == "root" and isinstance(node, ast.Call) and _names_tmp(node):
        fix = Fix("drop keyword", node.lineno, node.col_offset, "dir")
    yield event.mistake(
        "SCR303",
        "this ignores TMPDIR, and is not there on every system; use tempfile.gettempdir()",
        at=value.origin,
        fix=fix,
    )


def _names_tmp(node: ast.Call) -> bool:
    return any(
        one.arg == "dir" and isinstance(one.value, ast.Constant) and one.value.value in {"/tmp", "/tmp/"}  # noqa: S108
        for one in node.keywords
    )


@rule("SCR304", "permissions-widened", "ended", "command")
def permissions_widened(event: Event) -> Iterator[Mistake]:
    """A temporary file or directory is opened to the writing of other users.

    `tempfile` makes files 0600 and directories 0700, so that nobody else can read or change them. Where others may
    write, they can put in what you then read or run.

    Leave the mode as it is, or give the file to the one who needs it (`os.chown`, an access control list). What lies
    in a private directory, and what is moved to its place in the end, is not reported.
    """
    message = "this lets other users write here; tempfile made it private, leave it so"
    if event.kind == "command":
        if of(event.values, "path") and _WIDENS.search(command(event)):
            yield event.mistake("SCR304", message)
    elif event.life is not None and not event.life.uses & {"inside", "moved"}:
        for node in event.life.modes:
            mode = _mode_of(node)
            if mode is not None and mode & 0o022:
                yield event.mistake("SCR304", f"mode {mode:04o}: {message}", at=node)


@rule("SCR502", "temp-folder-for-what-lasts", "touched")
def temp_folder_for_what_lasts(event: Event) -> Iterator[Mistake]:
    """The shared temp folder is used as a cache, or as a place for results that must last.

    Its cleaner removes what is old, file by file, and a reboot everything. Others can make the name first, and fill the
    cache with what they like.

    Use the user's cache folder (XDG_CACHE_HOME, `platformdirs.user_cache_dir`), or a place that the user names.
    """
    value = event.value
    if value is not None and _makes_what_others_can_guess(event, value) and _is_to_last(event, value):
        yield event.mistake(
            "SCR502",
            "what is kept here goes by age or at a reboot, and others can make it first; use the user's cache folder",
            at=value.origin,
        )


def _mode_of(node: ast.expr) -> int | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, (ast.Attribute, ast.Name)):
        name = node.attr if isinstance(node, ast.Attribute) else node.id
        value = getattr(stat, name, None) if name.startswith("S_I") else None
        return value if isinstance(value, int) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        known = [mode for mode in (_mode_of(node.left), _mode_of(node.right)) if mode is not None]
        return known[0] | known[-1] if known else None
    return None
