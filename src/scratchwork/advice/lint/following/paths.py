"""What is done to paths: put together, looked at, made, moved and removed, in the shared temp folder above all."""

from __future__ import annotations

import ast

from scratchwork.advice.lint.following import texts
from scratchwork.advice.lint.following.calls import (
    Call,
    function,
    moved,
    open_by_name,
    paths_of,
    set_mode,
    unknown,
    use,
)
from scratchwork.advice.lint.following.values import Value, Values, of, parts, whole, whole_of

# Removing and moving.

_ASKS = frozenset({"kill", "pid_exists", "flock", "lockf", "getpid"})


@function("os.unlink", "os.remove", "os.rmdir", "shutil.rmtree", "os.removedirs", "pathlib.Path.unlink")
def remove(made: Call) -> Values:
    """Remove what the first argument, or what it is called on, leads to."""
    target = made.receiver if paths_of(made.receiver) else made.argument(0, "path")
    for value in of(target, "path"):
        if value.resource is not None:
            made.flow.remove(value.resource, made.node, made.name or made.method)
    use(made, target, "remove what nobody uses" if _asks_who_uses_it(made) else "remove")
    return ()


def _asks_who_uses_it(made: Call) -> bool:
    """Whether the function looks for locks, or for the processes that things belong to: others, or this one."""
    return any(isinstance(one, ast.Attribute) and one.attr in _ASKS for one in ast.walk(made.flow.scope))


@function("fastapi.responses.FileResponse", "starlette.responses.FileResponse", "aiohttp.web.FileResponse")
def _send_later(made: Call) -> Values:
    """They open the file when they are sent, after the function that returned them."""
    unknown(made)
    return made.argument(0, "path")


@function("os.rename", "os.replace", "os.renames", "shutil.move", "os.link")
def move(made: Call) -> Values:
    """Move what the first argument, or what it is called on, leads to."""
    is_method = bool(paths_of(made.receiver))
    source = made.receiver if is_method else made.argument(0, "src")
    target = made.argument(0 if is_method else 1, "dst", "target")
    _hand_to_copy(made, source)
    moved(made, source)
    for value in whole(source, "path"):
        if value.resource is not None and made.name != "os.link":
            made.flow.remove(value.resource, made.node, "moved")
    use(made, target, "create")
    use(made, source, "read")
    return ()


@function("shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.copymode", "shutil.copystat")
def _copy(made: Call) -> Values:
    made.flow.may_raise(made.node)
    source, target = made.argument(0, "src"), made.argument(1, "dst")
    moved(made, source)  # with its mode
    if made.name in {"shutil.copy", "shutil.copy2", "shutil.copyfile"}:
        open_by_name(made, source)
        open_by_name(made, target)
    use(made, source, "read")
    use(made, target, "create")
    return target


def _hand_to_copy(made: Call, source: Values) -> None:
    for value in whole(source, "path", "below"):
        made.flow.tell("handed on", made.node, resource=value.resource, value=value, how=made.name or made.method)


# Paths.


@function("os.path.join", "posixpath.join")
def _join(made: Call) -> Values:
    return texts.join(made.arguments[0], made.arguments[1:], made.node) if made.arguments else ()


@function(
    "str",
    "pathlib.Path",
    "pathlib.PurePath",
    "os.fspath",
    "os.fsencode",
    "os.fsdecode",
    "os.path.abspath",
    "os.path.realpath",
    "os.path.normpath",
    "os.path.expanduser",
    "os.path.normcase",
    "int",
    "bytes",
    "typing.cast",
    "shlex.quote",
)
def _same(made: Call) -> Values:
    if made.name.startswith("pathlib.") and len(made.arguments) > 1:
        return _join(made)
    return made.argument(1 if made.name == "typing.cast" else 0)


@function(*texts.ROOT_FUNCTIONS)
def _root(made: Call) -> Values:
    return (Value("root", origin=made.node, text="tempdir"),)


@function(*texts.STAMP_FUNCTIONS)
def _stamp(made: Call) -> Values:
    return (Value("stamp", origin=made.node),)


@function("os.environ.get", "os.getenv")
def _variable(made: Call) -> Values:
    if texts.is_temp_variable(made.source(0)):
        return (Value("root", origin=made.node, text="tempdir"),)
    return texts.as_default(made.argument(1, "default"))


@function(
    "os.path.dirname", "os.path.split", "os.path.splitext", "os.path.basename", "os.path.relpath", "os.path.isabs"
)
def _piece(made: Call) -> Values:
    values = made.argument(0, "p", "path")
    if made.name != "os.path.dirname":
        return whole(values, "entry")
    known = whole_of(values) or of(values, "entry") or texts.folder_of(values, made.node)
    return known or (Value("beside", origin=made.node),)


@function("os.path.exists", "os.path.isfile", "os.path.isdir", "os.path.islink", "os.path.lexists", "os.access")
def _look(made: Call) -> Values:
    use(made, made.argument(0, "path"), "look")
    return ()


@function("os.stat", "os.lstat", "os.path.getsize", "os.path.getmtime", "os.utime", "os.chown")
def _stat(made: Call) -> Values:
    made.flow.may_raise(made.node)
    for value in whole(made.argument(0, "path", "filename"), "path"):
        if made.name == "os.path.getsize":
            made.flow.tell("handed on", made.node, resource=value.resource, value=value, how=made.name)
    use(made, made.argument(0, "path", "filename"), "look")
    return stat_of(made.argument(0, "path")) if made.name == "os.stat" else ()


def stat_of(values: Values) -> Values:
    """Return what the system says of paths."""
    return tuple(Value("stat", value.resource) for value in whole(values, "path"))


@function("os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob")
def listing(made: Call) -> Values:
    """List a folder, or what fits a pattern."""
    is_method = bool(paths_of(made.receiver))
    target = made.receiver if is_method else made.argument(0, "path", "top", "pathname")
    made.flow.may_raise(made.node)
    is_pattern = made.name.startswith("glob.")
    if is_method and made.method in {"glob", "rglob"} and not texts.is_guessable(made.argument(0, "pattern")):
        return ()  # a pattern that may fit nothing of others
    found: list[Value] = []
    for value in whole(target, "root", "child"):
        made.flow.tell("touched", made.node, value=value, how="list")
        if (value.what == "root" and not is_pattern) or (is_pattern and _is_in_the_root_itself(value)):
            found.append(Value("entry", origin=made.node))
    return (*found, *parts(of(target, "entry")))


def _is_in_the_root_itself(value: Value) -> bool:
    name = value.text.removeprefix("tempdir").strip("/").removeprefix("var/").removeprefix("tmp")
    name = name.removeprefix("dev/shm").strip("/")
    return value.is_predictable and any(sign in name for sign in "*?[") and "/" not in name


@function("os.mkdir", "os.makedirs", "os.mkfifo", "os.mknod", "os.symlink")
def _make_by_name(made: Call) -> Values:
    made.flow.may_raise(made.node)
    index = 1 if made.name == "os.symlink" else 0
    use(made, made.argument(index, "name", "path", "dst"), "create")
    return ()


@function("os.chdir", "contextlib.chdir")
def _change_folder(made: Call) -> Values:
    use(made, made.argument(0, "path"), "use")
    made.flow.may_raise(made.node)
    return ()


@function(
    "sqlite3.connect",
    "logging.FileHandler",
    "logging.basicConfig",
    "logging.handlers.RotatingFileHandler",
    "logging.handlers.TimedRotatingFileHandler",
    "logging.handlers.WatchedFileHandler",
    "shutil.make_archive",
    "urllib.request.urlretrieve",
    "zipfile.ZipFile",
    "tarfile.open",
    "shelve.open",
    "dbm.open",
    "numpy.save",
    "numpy.savetxt",
)
def _open_otherwise(made: Call) -> Values:
    made.flow.may_raise(made.node)
    position = 1 if made.name.endswith("urlretrieve") else 0
    target = made.argument(position, "database", "filename", "file", "name", "base_name")
    mode = made.text(1, "mode", "r") if made.name in {"zipfile.ZipFile", "tarfile.open"} else "w"
    open_by_name(made, target)
    use(made, target, "read" if mode is not None and mode.startswith("r") else "create")
    made.flow.pass_on(made.all)
    return ()


@function("joblib.Memory", "diskcache.Cache", "requests_cache.CachedSession", "requests_cache.install_cache")
def _cache(made: Call) -> Values:
    use(made, made.argument(0, "location", "directory", "cache_name"), "keep")
    return unknown(made)


# Permissions.


@function("os.chmod", "os.lchmod")
def _chmod(made: Call) -> Values:
    set_mode(made, made.argument(0, "path"), made.source(1, "mode"))
    use(made, made.argument(0, "path"), "look")
    made.flow.may_raise(made.node)
    return ()
