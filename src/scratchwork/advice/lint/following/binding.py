"""What names stand for: assignments of every kind."""

from __future__ import annotations

import ast
import re

from scratchwork.advice.lint.following.flow import Flow
from scratchwork.advice.lint.following.names import dotted_name
from scratchwork.advice.lint.following.values import Value, Values, elements, parts, whole

_SAVED = re.compile(r"(?<![a-z])(?:saved?|old|orig|prev|backup|before)", re.IGNORECASE)


def bind(flow: Flow, target: ast.expr, values: Values, source: ast.expr | None = None) -> None:
    """Let a target stand for these values; `source` is where they come from, if it is one expression."""
    if isinstance(target, (ast.Tuple, ast.List)):
        _unpack(flow, target, values)
    elif isinstance(target, ast.Starred):
        bind(flow, target.value, values)
    elif isinstance(target, ast.Name):
        flow.state.bind(target.id, values)
        if target.id in flow.shared_names:
            flow.escape(values)
        elif isinstance(flow.scope, ast.ClassDef):  # an attribute, for the methods and for others
            flow.hand_over(values, with_parts=True)
    elif isinstance(target, ast.Attribute):
        _store(flow, target, values, source)
    elif isinstance(target, ast.Subscript):
        flow.values_of(target.value)
        flow.escape(values)


def _store(flow: Flow, target: ast.Attribute, values: Values, source: ast.expr | None) -> None:
    if flow.imports.qualified(target) == "tempfile.tempdir":
        flow.tell("tempdir", target, how="as it was" if _is_as_it_was(source, values) else "")
    flow.values_of(target.value)
    flow.hand_over(values, with_parts=True)
    name = dotted_name(target)
    if name:
        flow.state.bind(name, values)


def _is_as_it_was(source: ast.expr | None, values: Values) -> bool:
    """Whether it is None, or what the same attribute was before."""
    if isinstance(source, ast.Constant) and source.value is None:
        return True
    name = dotted_name(source).rpartition(".")[2] if source is not None else ""
    if isinstance(source, ast.Subscript) and isinstance(source.slice, ast.Constant):
        name = str(source.slice.value)
    return any(value.text == "tempdir" for value in values) or bool(_SAVED.search(name))


def _unpack(flow: Flow, target: ast.Tuple | ast.List, values: Values) -> None:
    pairs = whole(values, "pair")
    if pairs and len(target.elts) == 2:
        bind(flow, target.elts[0], tuple(Value("descriptor", pair.resource) for pair in pairs))
        bind(flow, target.elts[1], tuple(Value("path", pair.resource) for pair in pairs))
        return
    for one in target.elts:
        bind(flow, one, elements(values))


def lose_descriptor(flow: Flow, pair: Value) -> None:
    """Let the descriptor that mkstemp returned go unseen: only the path is wanted, or nothing."""
    if pair.resource is not None:
        flow.waste(pair.resource, pair.resource.node, "descriptor")


def assign(flow: Flow, node: ast.Assign) -> None:
    """Follow an assignment."""
    if isinstance(node.value, ast.Tuple) and all(
        isinstance(target, ast.Tuple) and len(target.elts) == len(node.value.elts) for target in node.targets
    ):
        found = [flow.values_of(one) for one in node.value.elts]
        for target in node.targets:
            for one, values, source in zip(getattr(target, "elts", ()), found, node.value.elts, strict=True):
                bind(flow, one, values, source)
        return
    values = flow.values_of(node.value)
    for target in node.targets:
        bind(flow, target, values, node.value)


def assign_annotated(flow: Flow, node: ast.AnnAssign) -> None:
    """Follow an assignment with a type."""
    if node.value is not None:
        bind(flow, node.target, flow.values_of(node.value), node.value)


def assign_more(flow: Flow, node: ast.AugAssign) -> None:
    """Follow an assignment such as `+=`: what was there becomes a part of something larger."""
    values = parts(flow.values_of(node.target) + flow.values_of(node.value))
    name = dotted_name(node.target)
    if name:
        flow.state.bind(name, values)
    else:
        flow.escape(values)


def delete(flow: Flow, node: ast.Delete) -> None:
    """Follow a del statement."""
    for target in node.targets:
        name = dotted_name(target)
        if name:
            flow.state.bind(name, ())
