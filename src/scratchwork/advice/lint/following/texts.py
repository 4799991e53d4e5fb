"""Strings and paths in source code: which lead into the shared temp folder, and whether others can guess them."""

from __future__ import annotations

import ast
import re
from itertools import takewhile

from scratchwork.advice.lint.following.values import Value, Values, elements, of, parts, whole

_ROOTS = frozenset({"/tmp", "/var/tmp", "/dev/shm", "/usr/tmp"})  # noqa: S108 - what is looked for
_PATH = re.compile(r"/(?:tmp|var/tmp|dev/shm|usr/tmp)(?:/[^\s'\"|;<>&$]*)?")
_FOLDER = re.compile(r"(?:/tmp|/var/tmp|/dev/shm|/usr/tmp|tempdir)/[^/]+/")
_PLACEHOLDER = re.compile(r"[%{]")

ROOT_FUNCTIONS = frozenset({"tempfile.gettempdir", "tempfile.gettempdirb"})
STAMP_FUNCTIONS = frozenset(
    {
        "os.getpid",
        "os.getppid",
        "os.getuid",
        "os.geteuid",
        "os.getlogin",
        "getpass.getuser",
        "time.time",
        "time.time_ns",
        "time.strftime",
        "time.ctime",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "datetime.date.today",
        "socket.gethostname",
        "platform.node",
        "threading.get_ident",
    }
)


def constant(node: ast.Constant) -> Values:
    """Return what a constant is."""
    if not isinstance(node.value, (str, bytes)):
        return ()
    text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
    if text.rstrip("/") in _ROOTS:
        return (Value("root", origin=node, text=text, is_fixed=True),)
    if _PATH.fullmatch(text):
        return (Value("child", origin=node, text=text, is_fixed=True, is_predictable=True),)
    return (Value("text", origin=node, text=text),)


def is_temp_variable(node: ast.expr | None) -> bool:
    """Whether it is the name of the environment variable that says where the temp folder is.

    TEMP and TMP aren't: they are Windows', where each user has a temp folder of their own.
    """
    return isinstance(node, ast.Constant) and node.value == "TMPDIR"


def as_default(values: Values) -> Values:
    """Return what is taken if a setting says nothing else: guessed as easily, but not fixed."""
    return tuple(
        Value(one.what, origin=one.origin, text=one.text, is_part=one.is_part, is_predictable=one.is_predictable)
        for one in of(values, "root", "child")
    )


def join(base: Values, rest: list[Values], origin: ast.expr) -> Values:
    """Return the path of something below `base`."""
    entries = tuple(value for values in rest for value in values if value.what == "entry")
    if entries and any(value.what == "root" for value in base):
        return entries
    joined = []
    for value in base:
        if value.what in {"path", "below"}:
            joined.append(Value("below", value.resource, origin=origin, is_part=value.is_part))
        elif value.what in {"root", "child"}:
            text = "/".join([value.text, *(values[0].text if values else "{}" for values in rest)])
            is_predictable = value.is_predictable or (bool(rest) and is_guessable(rest[0]))  # its first folder is
            first = value.origin if value.what == "child" else origin
            joined.append(
                Value("child", origin=first, text=text, is_predictable=is_predictable, is_fixed=value.is_fixed)
            )
        elif value.what == "entry":
            joined.append(value)
    return tuple(joined)


def folder_of(values: Values, origin: ast.expr) -> Values:
    """Return the folders in which paths of the shared temp folder lie, if those are not that folder itself."""
    return tuple(
        Value(
            "child",
            origin=one.origin or origin,
            text=one.text.rpartition("/")[0],
            is_fixed=one.is_fixed,
            is_predictable=True,
        )
        for one in whole(values, "child")
        if one.is_predictable and _FOLDER.match(one.text)
    )


def concatenate(pieces: list[Values], origin: ast.expr) -> Values:
    """Return what a text made of these pieces is, one behind the other."""
    first = pieces[0] if pieces else ()
    if len(pieces) > 1 and first and all(value.what in {"root", "child"} for value in first):
        return tuple(_continued(value, pieces[1:], origin) for value in first)
    if len(pieces) > 1 and first and all(value.what in {"path", "below"} for value in first):
        following = pieces[1]
        if following and following[0].what == "text" and following[0].text.startswith("/"):
            return join(first, pieces[1:], origin)
        if len(first) == 1 and first[0].what == "path" and first[0].resource and not first[0].resource.is_directory:
            return ()  # a name beside it
    mentioned = tuple(
        value.within()
        for values in pieces
        for value in values
        if value.what in {"path", "below", "child", "entry", "stamp"}
    )
    if pieces and all(is_guessable(values) for values in pieces):
        text = "".join(values[0].text for values in pieces)
        kind = "text" if all(values[0].what == "text" for values in pieces) else "stamp"
        if kind == "text":
            return (Value("text", origin=origin, text=text),)
        return (Value("stamp", origin=origin, text=text),)
    return mentioned


def fill(template: Values, arguments: list[Values], node: ast.expr) -> Values:
    """Return what a template filled with these is: "%s/name" % folder, or the same with format."""
    text = template[0].text if template else ""
    if text.startswith(("%s/", "{}/", "{0}/")) and arguments and arguments[0]:
        first = elements(arguments[0][:1]) or arguments[0][:1]
        return join(first, [(Value("text", text=text.partition("/")[2]),)], node)
    are_guessable = _are_guessable(arguments, node)
    if template and template[0].what == "child":
        is_predictable = are_guessable or bool(_FOLDER.match(_PLACEHOLDER.split(text)[0]))
        return (Value("child", origin=node, text=text, is_fixed=template[0].is_fixed, is_predictable=is_predictable),)
    if are_guessable:
        return (Value("stamp", origin=node, text=text),)
    return parts(tuple(value for values in arguments for value in of(values, "path", "below", "child", "entry")))


def _continued(value: Value, rest: list[Values], origin: ast.expr) -> Value:
    if any(one.what == "entry" for values in rest for one in values):
        return Value("entry", origin=origin)
    text = value.text + "".join(values[0].text if values else "{}" for values in rest)
    known = list(takewhile(is_guessable, rest))
    is_complete = bool(_FOLDER.match(value.text + "".join(values[0].text or "0" for values in known)))
    is_predictable = (value.what == "root" or value.is_predictable) and (is_complete or len(known) == len(rest))
    return Value("child", origin=origin, text=text, is_predictable=is_predictable, is_fixed=value.is_fixed)


def _are_guessable(arguments: list[Values], node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Tuple):  # what is not known of it left no value
        return len(arguments[0]) == len(node.right.elts) and is_guessable(arguments[0])
    return bool(arguments) and all(is_guessable(values) for values in arguments)


def is_guessable(values: Values) -> bool:
    """Whether others can know a text, too."""
    return bool(values) and all(value.what in {"text", "stamp"} for value in values)
