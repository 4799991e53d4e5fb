"""Which names a function takes from outside, and which names of a module its functions can reach."""

from __future__ import annotations

import ast

from scratchwork.advice.lint.following.names import dotted_name

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | ast.ClassDef | Function


def taken_from_outside(node: Scope) -> set[str]:
    """Return the names, also dotted ones, that a function or class uses and doesn't set itself."""
    if isinstance(node, ast.ClassDef):  # what it sets, its methods don't see
        return {name for one in node.body for name in _taken_by_statement(one)}
    own = _parameters(node) | {name for name in _names(node, ast.Store) if "." not in name}
    own -= {name for one in ast.walk(node) if isinstance(one, (ast.Global, ast.Nonlocal)) for name in one.names}
    return {name for name in _names(node, ast.Load) if name.partition(".")[0] not in own}


def reachable_names(scope: Scope) -> set[str]:
    """Return the names of a module that some function in it uses, wherever in the module it stands."""
    if not isinstance(scope, ast.Module):
        return set()
    inner = (one for one in _statements(scope.body) if isinstance(one, (ast.ClassDef, Function)))
    return {name for one in inner for name in taken_from_outside(one)}


def _statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return all statements of a scope, also those in its blocks, but not those of functions and classes in it."""
    found: list[ast.stmt] = []
    waiting: list[ast.AST] = [*body]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.stmt):
            found.append(one)
        if not isinstance(one, (ast.ClassDef, Function, ast.expr)):
            waiting.extend(ast.iter_child_nodes(one))
    return found


def _taken_by_statement(node: ast.stmt) -> set[str]:
    return taken_from_outside(node) if isinstance(node, (ast.ClassDef, Function)) else _names(node, ast.Load)


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    """Return the names that are loaded or stored anywhere below a node."""
    return {
        name
        for one in ast.walk(node)
        if isinstance(one, (ast.Name, ast.Attribute)) and isinstance(one.ctx, context) and (name := dotted_name(one))
    }


def _parameters(node: Scope) -> set[str]:
    arguments = getattr(node, "args", None)
    if not isinstance(arguments, ast.arguments):
        return set()
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return {one.arg for one in (*named, arguments.vararg, arguments.kwarg) if one is not None}
