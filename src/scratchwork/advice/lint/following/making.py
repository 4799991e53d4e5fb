"""What makes temporary files and directories, and opens and closes files."""

from __future__ import annotations

import ast

from scratchwork.advice.lint.following.calls import Call, function, open_by_name, set_mode, unknown, use
from scratchwork.advice.lint.following.values import Kind, Resource, Value, Values, What, of, whole


def _make(made: Call, kind: Kind) -> Resource:
    flow = made.flow
    folder = made.keywords.get("dir", ())
    use(made, folder, "dir")
    resource = Resource(kind, made.node)
    flow.make(resource)
    inside = of(folder, "path", "below")
    if inside:
        flow.life(resource).uses.add("inside")
    elif "dir" in resource.arguments and not of(folder, "beside", "root", "child"):
        flow.life(resource).uses.add("elsewhere")
    return resource


_GIVES: dict[Kind, What] = {
    "mkstemp": "pair",
    "mkdtemp": "path",
    "TemporaryDirectory": "folder",
    "NamedTemporaryFile": "file",
    "TemporaryFile": "file",
    "SpooledTemporaryFile": "file",
}


@function(*(f"tempfile.{kind}" for kind in _GIVES))
def _temporary(made: Call) -> Values:
    kind = next(kind for kind in _GIVES if made.name == f"tempfile.{kind}")
    return (Value(_GIVES[kind], _make(made, kind), origin=made.node),)


@function("tempfile.mktemp")
def _mktemp(made: Call) -> Values:
    folder = made.argument(2, "dir")
    inside = of(folder, "path", "below")
    if _is_shared(made, folder) and not _is_a_pipe_of_windows(made.source(1, "prefix")):
        made.flow.tell("mktemp", made.node)
    return tuple(Value("below", value.resource, origin=made.node) for value in inside)


def _is_shared(made: Call, folder: Values) -> bool:
    """Whether it may be open to others: what is given by a name is mostly the program's own."""
    text = made.text(2, "dir", "/")
    is_none = isinstance(source := made.source(2, "dir"), ast.Constant) and source.value is None
    return is_none or (text is not None and text.startswith("/")) or bool(of(folder, "root", "child"))


def _is_a_pipe_of_windows(prefix: ast.expr | None) -> bool:
    words = (one.value for one in ast.walk(prefix) if isinstance(one, ast.Constant)) if prefix is not None else ()
    return any(isinstance(one, str) and one.startswith("\\\\.\\pipe\\") for one in words)


# Opening and closing.


@function("open", "codecs.open", "os.fdopen", "gzip.open", "bz2.open", "lzma.open", "aiofiles.open")
def _open(made: Call) -> Values:
    flow, target = made.flow, made.argument(0, "file", "filename", "fd")
    descriptors = whole(target, "descriptor")
    if not descriptors:
        flow.may_raise(made.node)
    mode = made.text(1, "mode", "r" if "." not in made.name or made.name == "os.fdopen" else "rb")
    is_read = mode is not None and not set(mode) & set("wax+")
    is_careful = (mode is not None and "x" in mode) or "opener" in made.keywords
    use(made, target, "read" if is_read else "create exclusively" if is_careful else "create")
    if made.name not in {"open", "os.fdopen"}:
        open_by_name(made, target)
        return ()
    found = []
    for value in (*descriptors, *whole(target, "path", "below")):
        if value.what != "descriptor" and "opener" not in made.keywords:
            flow.tell("opened by name", made.node, resource=value.resource, value=value, how=made.name)
        beneath = value.resource.made if value.resource is not None and value.what != "below" else None
        resource = Resource("open", made.node, default_mode="r", beneath=beneath)
        flow.make(resource)
        if value.what == "descriptor" and value.resource is not None and "closefd" not in made.keywords:
            flow.close_descriptor(value.resource, made.node)
        found.append(Value("file", resource, origin=made.node))
    return tuple(found)


@function("os.open")
def _os_open(made: Call) -> Values:
    flags = ast.unparse(made.node.args[1]) if len(made.node.args) > 1 else ""
    how = (
        "create exclusively"
        if "O_EXCL" in flags or "O_NOFOLLOW" in flags
        else "create"
        if "O_CREAT" in flags
        else "read"
    )
    target = made.argument(0, "path")
    if "O_TEMPORARY" not in flags:  # which Windows wants of whoever opens it a second time
        open_by_name(made, target)
    use(made, target, how)
    made.flow.may_raise(made.node)
    return ()


@function("os.close")
def _os_close(made: Call) -> Values:
    for value in whole(made.argument(0, "fd"), "descriptor"):
        if value.resource is not None:
            made.flow.close_descriptor(value.resource, made.node)
    return ()


@function("os.write", "os.read", "os.fsync", "os.fchmod", "os.lseek", "os.ftruncate", "os.fstat", "os.set_inheritable")
def _with_descriptor(made: Call) -> Values:
    if made.name in {"os.write", "os.read", "os.fsync", "os.ftruncate"}:  # a full disk; the others fail on no file
        made.flow.may_raise(made.node)
    if made.name == "os.fchmod":
        set_mode(made, made.argument(0, "fd"), made.source(1, "mode"))
    if made.name == "os.write":
        for value in whole(made.argument(0, "fd"), "descriptor"):
            made.flow.tell("poured", made.node, resource=value.resource, value=value, how=made.name)
    return ()


@function("contextlib.closing")
def _closing(made: Call) -> Values:
    return made.argument(0, "thing")


# Where tempfile makes them, for the whole program.


@function("setattr")
def _set_attribute(made: Call) -> Values:
    owner, name = made.source(0), made.source(1)
    is_tempdir = isinstance(name, ast.Constant) and name.value == "tempdir"
    if is_tempdir and owner is not None and made.flow.imports.qualified(owner) == "tempfile":
        made.flow.tell("tempdir", made.node)
    return unknown(made)
