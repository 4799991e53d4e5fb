"""What methods do, as far as temporary files go: of file objects, paths, folders and what reads them."""

from __future__ import annotations

import re

from scratchwork.advice.lint.following import texts
from scratchwork.advice.lint.following.calls import (
    METHODS,
    Call,
    hand_on,
    keep_reading,
    method,
    open_by_name,
    says_only_ascii,
    set_mode,
    unknown,
    use,
)
from scratchwork.advice.lint.following.expressions import fill_in, mentioned, wasted
from scratchwork.advice.lint.following.paths import listing, move, remove, stat_of
from scratchwork.advice.lint.following.values import Resource, Value, Values, in_text, of, parts, whole


def _files(made: Call) -> list[Resource]:
    return [value.resource for value in whole(made.receiver, "file", "rows") if value.resource is not None]


@method("file", "write", "writelines")
def _write(made: Call) -> Values:
    made.flow.may_raise(made.node)
    for resource in _files(made):
        made.flow.write(resource, made.node, how=made.method)
        if not says_only_ascii(made):
            made.flow.life(resource).uses.add("text")
    return ()


@method("rows", "writerow", "writerows", "writeheader")
def _write_row(made: Call) -> Values:
    return _write(made)


@method("file", "read", "readline", "readlines", "read1", "readinto", "readinto1", "__next__")
def _read(made: Call) -> Values:
    made.flow.may_raise(made.node)
    for resource in _files(made):
        made.flow.read(resource, made.node)
        is_whole = made.method in {"read", "readlines"} and not made.node.args
        made.flow.life(resource).uses.add("read whole" if is_whole else "read in pieces")
    return ()


@method("file", "seek")
def _seek(made: Call) -> Values:
    for resource in _files(made):
        made.flow.state.mark(resource, "position", "moved")
        made.flow.state.mark(resource, "buffer", "clean")
    return ()


@method("file", "flush", "truncate")
def _flush(made: Call) -> Values:
    for resource in _files(made):
        made.flow.state.mark(resource, "buffer", "clean")
        if made.method == "truncate":
            made.flow.life(resource).uses.add("truncated")
            made.flow.state.mark(resource, "position", "unknown")
    return ()


@method("file", "tell", "readable", "writable", "seekable", "isatty")
def _ask(_: Call) -> Values:
    return ()


@method("file", "close", "__exit__")
def _close(made: Call) -> Values:
    for resource in _files(made):
        made.flow.close(resource, made.node)
    return ()


@method("file", "fileno")
def _descriptor(made: Call) -> Values:
    for resource in _files(made):
        made.flow.life(resource).uses.add("fileno")
    return ()


@method("file", "__enter__")
def _enter(made: Call) -> Values:
    return made.receiver


@method("file", "")
def _other(made: Call) -> Values:
    for resource in _files(made):
        made.flow.life(resource).uses.add("other")
        made.flow.forget(resource)
    return unknown(made)


@method("folder", "cleanup", "__exit__")
def _clean_up(made: Call) -> Values:
    for value in made.receiver:
        if value.resource is not None:
            made.flow.remove(value.resource, made.node, "cleanup")
    return ()


@method("folder", "__enter__")
def _enter_folder(made: Call) -> Values:
    for value in made.receiver:
        wasted(made.flow, value, made.node.func)
    return tuple(Value("path", value.resource) for value in made.receiver)


METHODS.update({(what, name): remove for what in ("path", "below", "child", "entry") for name in ("unlink", "rmdir")})
METHODS.update({(what, "rename"): move for what in ("path", "below", "child")})
METHODS.update(
    {(what, name): listing for what in ("root", "child") for name in ("iterdir", "glob", "rglob", "walk")},
)


@method("path below child", "replace")
def _replace(made: Call) -> Values:
    """Move it, if it is a path; a text's method of that name takes two arguments."""
    return move(made) if len(made.arguments) + len(made.keywords) == 1 else _same(made)


@method("path below child root", "read_text", "read_bytes", "write_text", "write_bytes", "open", "touch", "mkdir")
def _open(made: Call) -> Values:
    made.flow.may_raise(made.node)
    if made.method not in {"touch", "mkdir"}:
        open_by_name(made, made.receiver)
        _pour(made)
    mode = made.text(0, "mode", "r") if made.method == "open" else "r" if made.method.startswith("read") else "w"
    is_read = mode is not None and not set(mode) & set("wax+")
    use(made, made.receiver, "read" if is_read else "create")
    return _opened(made) if made.method == "open" else ()


def _pour(made: Call) -> None:
    is_write = made.method.startswith("write")
    has_encoding = len(made.arguments) > is_write or bool({"encoding", "**"} & made.keywords.keys())
    if made.method == "open" or (has_encoding and not is_write):
        return
    how = "" if has_encoding or (is_write and says_only_ascii(made)) else made.method
    for value in whole(made.receiver, "path", "below"):
        made.flow.tell("poured", made.node, resource=value.resource, value=value, how=how)


def _opened(made: Call) -> Values:
    found = []
    for value in whole(made.receiver, "path", "below"):
        beneath = value.resource.made if value.resource is not None and value.what == "path" else None
        resource = Resource("open", made.node, default_mode="r", beneath=beneath, is_method=True)
        made.flow.make(resource)
        found.append(Value("file", resource, origin=made.node))
    return tuple(found)


@method("path below child root", "joinpath")
def _join(made: Call) -> Values:
    return texts.join(made.receiver, made.arguments, made.node)


@method(
    "path below child root entry",
    "resolve",
    "absolute",
    "expanduser",
    "as_posix",
    "__fspath__",
    "__str__",
    "encode",
    "decode",
    "lower",
    "upper",
    "casefold",
    "strip",
    "rstrip",
    "lstrip",
    "removeprefix",
)
def _same(made: Call) -> Values:
    return made.receiver


@method("path below child root", "exists", "is_file", "is_dir", "is_symlink", "startswith", "endswith", "relative_to")
def _look(_: Call) -> Values:
    return ()


@method("path below", "stat", "lstat")
def _stat(made: Call) -> Values:
    made.flow.may_raise(made.node)
    return stat_of(made.receiver)


@method("path below", "chmod")
def _chmod(made: Call) -> Values:
    set_mode(made, made.receiver, made.source(0, "mode"))
    return ()


_FIELD = re.compile(r"\{(\w*)[^{}]*\}")


@method("text", "format")
def _format(made: Call) -> Values:
    template = whole(made.receiver, "text", "child")
    given = {**{str(number): one for number, one in enumerate(made.arguments)}, **made.keywords}
    arguments = fill_in(template, _FIELD, given)
    return in_text(texts.fill(template, arguments, made.node))


@method("text child", "join")
def _join_texts(made: Call) -> Values:
    return in_text(parts(of(made.all, "path", "below")))


@method("child", "format")
def _format_child(made: Call) -> Values:
    return _format(made)


@method("stamp", "")
def _stamp(made: Call) -> Values:
    return (Value("stamp", origin=made.node),)


@method(
    "reader",
    "wait",
    "communicate",
    "poll",
    "kill",
    "terminate",
    "send_signal",
    "result",
    "join",
    "exception",
    "cancel",
    "add_done_callback",
    "__exit__",
)
def _finish(made: Call) -> Values:
    made.flow.may_raise(made.node)
    made.flow.finish(made.receiver)
    return ()


@method("anything", "submit", "apply_async", "map_async", "run_in_executor", "start_soon", "create_task")
def _submit(made: Call) -> Values:
    """Executors, pools, loops: known by the method's name, since what they are is seldom seen."""
    paths = of(tuple(value for one in made.node.args for value in mentioned(made.flow, one)), "path", "below")
    made.flow.may_raise(made.node)
    return keep_reading(made, hand_on(made, paths))


@method("anything", "shutdown", "wait", "join", "gather", "as_completed", "run_until_complete")
def _all_done(made: Call) -> Values:
    made.flow.finish_all()
    return unknown(made)


@method("anything", "enter_context", "enter_async_context")
def _entered(made: Call) -> Values:
    made.flow.hand_over(made.all)
    return tuple(Value("path", value.resource) if value.what == "folder" else value for value in made.argument(0, "cm"))


@method("anything", "to_csv", "to_excel", "to_json", "to_parquet", "to_pickle", "savefig", "extractall")
def _save(made: Call) -> Values:
    """Tables, figures, archives: known by the method's name, since what they are is seldom seen."""
    if "storage_options" not in made.keywords:  # a path on another file system
        use(made, made.argument(0, "path", "path_or_buf", "fname"), "create")
    return unknown(made)


@method("anything", "start", "exists", "is_file")
def _nothing(_: Call) -> Values:
    return ()
