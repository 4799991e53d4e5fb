"""What a scope knows before its first statement: its parameters, and what its class keeps in attributes."""

from __future__ import annotations

import ast
from collections import Counter

from scratchwork.advice.lint.following.flow import Flow
from scratchwork.advice.lint.following.names import dotted_name
from scratchwork.advice.lint.following.texts import ROOT_FUNCTIONS
from scratchwork.advice.lint.following.values import Value, Values, of

_STARTS = ("__init__", "setUp", "setUpClass", "setup_method")
"""The methods that run before the others."""
_HARMLESS = frozenset(
    {*ROOT_FUNCTIONS, "os.path.join", "os.environ.get", "os.getenv", "os.getpid", "pathlib.Path", "str"}
)


class Owner:
    """A class whose methods are followed: the texts and paths in its attributes, those that are set only once."""

    __slots__ = ("_known", "_names", "_stores")

    def __init__(self, flow: Flow, node: ast.ClassDef) -> None:
        self._names = ("self", "cls", node.name)
        self._known: dict[str, Values] = {}
        self._stores = Counter(
            one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store)
        )
        for name in _targets(node):
            if not self._stores[name]:
                self._learn(name, flow.lookup(name))

    def show(self, flow: Flow) -> None:
        """Let a method know the attributes."""
        for attribute, values in self._known.items():
            for name in self._names:
                flow.state.bind(f"{name}.{attribute}", values)

    def learn_from(self, flow: Flow) -> None:
        """Take in what a method that runs before the others has set."""
        if getattr(flow.scope, "name", "") not in _STARTS:
            return
        for node in ast.walk(flow.scope):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and self._stores[node.attr] == 1:
                self._learn(node.attr, flow.state.lookup(dotted_name(node)) or ())

    def _learn(self, attribute: str, values: Values) -> None:
        known = of(values, "text", "root", "child", "stamp")
        if known and len(known) == len(values):
            self._known[attribute] = known


def in_order(scopes: list[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]) -> None:
    """Put the methods that run first last: where the next one is taken from."""
    scopes.sort(key=lambda scope: getattr(scope, "name", "") in _STARTS)


def enter(flow: Flow) -> None:
    """Let a scope know its parameters: they are what is taken if nothing is given, and hide what is named like them."""
    for name in ("os.sep", "os.path.sep"):
        flow.state.bind(name, (Value("text", text="/"),))
    if not isinstance(flow.scope, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    given = flow.scope.args
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + given.defaults
    pairs = [*zip(positional, defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    pairs.extend((one, None) for one in (given.vararg, given.kwarg) if one is not None)
    for parameter, default in pairs:
        is_known = default is not None and _only_names(flow, default)
        flow.state.bind(parameter.arg, flow.values_of(default) if default is not None and is_known else ())


def _only_names(flow: Flow, default: ast.expr) -> bool:
    """Whether evaluating it again, in another scope, does nothing: it only puts a name together."""
    calls = (one for one in ast.walk(default) if isinstance(one, ast.Call))
    return all(flow.imports.qualified(one.func) in _HARMLESS for one in calls)


def _targets(node: ast.ClassDef) -> list[str]:
    found: list[str] = []
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        found.extend(target.id for target in targets if isinstance(target, ast.Name))
    return found
