"""Secrets in files that have a name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from scratchwork.advice.lint.following.events import Event
from scratchwork.advice.lint.mistakes import Mistake
from scratchwork.advice.lint.rules.registry import rule

_SAYS_NOTHING = (
    r"(?:is|has|had|no|use[sd]?|needs?|requires?|show|hide|with|without|num|n|wrong|invalid|missing|forgot|reset|change"
    r"|encrypted|hashed|salted|masked|redacted|fake|dummy|test|example|sample|public)"
)
_SECRET = re.compile(
    rf"(?!(?:\w+_)?{_SAYS_NOTHING}_)(?:\w+_)?(?:passwords?|passwd|passphrase|secrets?|credentials?"
    r"|(?:private|priv|api|secret|access|ssh|tls|ssl|encryption|signing|master)_?key"
    r"|(?:access|auth|api|bearer|refresh|session|secret|github|gitlab|oauth)_?token)"
    r"(?:_(?:bytes|text|data|str|value|pem|json|contents?))?",
    re.IGNORECASE,
)
_KEEPS = re.compile(
    r"encode|decode|[lr]?strip|format|format_map|(?:safe_)?substitute|render|join|replace|read|json|to_json|dict"
    r"|model_dump_json|get_secret_value|reveal|dumps?|b64encode|b64decode|str|bytes|bytearray|dedent"
)
"""Functions and methods whose result still says what they were given."""
_LOOKS_UP = frozenset({"get", "getenv", "pop"})
_MEMORY = ("/dev/shm", "/run/")  # noqa: S108 - not made there, but recognized


@rule("SCR305", "secret-in-named-file", "written", "poured")
def secret_in_named_file(event: Event) -> Iterator[Mistake]:
    """A secret is written to a temporary file that has a name.

    It lies on a disk, readable, for as long as the file has its name; if the process is killed, for good. Backups and
    every process of the same user can read it.

    Give it to the one program that needs it through a pipe (its stdin, `pass_fds`), or by
    `scratchwork.handoff(..., memory=True)`, which gives a path and never touches a disk.
    """
    resource = event.resource
    if resource is None or not resource.has_name or not isinstance(event.node, ast.Call):
        return
    folder = resource.made.arguments.get("dir")
    if isinstance(folder, ast.Constant) and str(folder.value).startswith(_MEMORY):
        return
    for argument in (*event.node.args, *(one.value for one in event.node.keywords if one.arg in {"obj", "data"})):
        name = _secret_in(argument)
        if name:
            yield event.mistake(
                "SCR305",
                f"{name} lies on a disk, in a file with a name, and stays there after a kill; use a pipe, or "
                "scratchwork.handoff(..., memory=True)",
            )
            return


def _secret_in(node: ast.expr) -> str:
    """Return the name of a secret that an expression's value says; "" if it says none: its length is no secret."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        return _if_secret(node.attr if isinstance(node, ast.Attribute) else node.id)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return _if_secret(_text(node.slice))
    if isinstance(node, ast.Call):
        return _secret_of_call(node)
    if isinstance(node, ast.Dict):
        return _secret_in_dict(node)
    return _first(*_pieces(node))


def _pieces(node: ast.expr) -> list[ast.expr]:
    """Return the expressions whose values an expression's value says, too."""
    match node:
        case ast.BinOp(left=left, right=right, op=ast.Add() | ast.Mod()):
            return [left, right]
        case ast.IfExp(body=body, orelse=other):
            return [body, other]
        case ast.JoinedStr(values=several) | ast.BoolOp(values=several):
            return several
        case ast.Tuple(elts=several) | ast.List(elts=several):
            return several
        case ast.FormattedValue(value=one) | ast.Await(value=one) | ast.Starred(value=one) | ast.Subscript(value=one):
            return [one]
    return []


def _secret_of_call(node: ast.Call) -> str:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "getpass":
        return "the password"
    if name in _LOOKS_UP and node.args:
        return _if_secret(_text(node.args[0]))
    if name.startswith(("get_", "generate_")) and _if_secret(name):
        return name
    if name in {"private_bytes", "private_bytes_raw"} and "NoEncryption" in ast.unparse(node):
        return "the private key"
    return _secret_of_arguments(node) if _KEEPS.fullmatch(name) else ""


def _secret_of_arguments(node: ast.Call) -> str:
    for one in node.keywords:  # dict(password=...), "...".format(password=...)
        if one.arg and _if_secret(one.arg) and not isinstance(one.value, ast.Constant):
            return one.arg
    receiver = [node.func.value] if isinstance(node.func, ast.Attribute) else []
    return _first(*receiver, *node.args, *(one.value for one in node.keywords))


def _secret_in_dict(node: ast.Dict) -> str:
    for key, value in zip(node.keys, node.values, strict=True):
        name = _text(key) if key is not None and not isinstance(value, ast.Constant) else ""
        said = _secret_in(value) or _if_secret(name)
        if said:
            return said
    return ""


def _first(*nodes: ast.expr) -> str:
    return next((name for node in nodes if (name := _secret_in(node))), "")


def _if_secret(name: str) -> str:
    return name if _SECRET.fullmatch(name) else ""


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
