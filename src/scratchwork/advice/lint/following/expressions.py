"""What expressions are and do, as far as temporary files go; calls are `calls.py`'s."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from scratchwork.advice.lint.following import calls, texts
from scratchwork.advice.lint.following.binding import bind, lose_descriptor
from scratchwork.advice.lint.following.flow import Flow
from scratchwork.advice.lint.following.names import dotted_name
from scratchwork.advice.lint.following.values import (
    Resource,
    Value,
    Values,
    elements,
    in_text,
    of,
    parts,
    whole,
    whole_of,
)

_CONVERSION = re.compile(r"%(?!%)[-+ #0]*\d*(?:\.\d+)?()[a-zA-Z]")
_LONGER = re.compile(r"[\w.~+-]")


def evaluate(flow: Flow, node: ast.expr) -> Values:
    """Return what an expression may be, after letting happen what it does."""
    known = _EXPRESSIONS.get(type(node))
    if known is not None:
        return known(flow, node)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            flow.values_of(child)
    return ()


def _name(flow: Flow, node: ast.Name) -> Values:
    return flow.lookup(node.id)


def _constant(_: Flow, node: ast.Constant) -> Values:
    return texts.constant(node)


def _attribute(flow: Flow, node: ast.Attribute) -> Values:
    name = dotted_name(node)
    if flow.imports.qualified(node) == "tempfile.tempdir":
        return (Value("root", origin=node, text="tempdir"),)
    if name:
        values = flow.state.lookup(name)
        if values is not None:
            return values
    receiver = flow.values_of(node.value)
    return tuple(found for value in receiver if not value.is_part for found in _attribute_of_one(flow, value, node))


def _attribute_of_one(flow: Flow, value: Value, node: ast.Attribute) -> Values:
    what = value.what
    if what == "entry" and node.attr in {"path", "name"}:
        return (value,)
    if what in {"path", "below", "child"} and node.attr == "parent":
        return whole_of((value,))
    if value.resource is None:
        return ()
    if what == "file":
        return _attribute_of_file(flow, value, value.resource, node)
    if what == "folder" and node.attr == "name":
        wasted(flow, value, node)
        return (Value("path", value.resource, origin=node),)
    if what == "reader" and node.attr in {"stdout", "stderr", "returncode"}:
        flow.finish((value,))
    if what == "stat" and node.attr == "st_size" and isinstance(node.value, ast.Call):  # later it would be an old one
        made = value.resource.made
        flow.tell("handed on", node, resource=made, value=Value("path", made), how="stat")
    return ()


def _attribute_of_file(flow: Flow, value: Value, resource: Resource, node: ast.Attribute) -> Values:
    if node.attr == "name" and resource.has_name:
        flow.life(resource).uses.add("name")
        wasted(flow, value, node)
        return (Value("path", resource.made, origin=node),)
    if node.attr in {"file", "buffer", "raw"}:
        return (value,)
    flow.life(resource).uses.add("other")
    return ()


def wasted(flow: Flow, value: Value, node: ast.expr) -> None:
    """Say so if this attribute is all that is taken of an object, which removes what it made."""
    resource = value.resource
    if resource is not None and resource.node is getattr(node, "value", None) and resource.deletes:
        flow.waste(resource, node, "name")


def _call(flow: Flow, node: ast.Call) -> Values:
    return calls.call(flow, node)


def _display(flow: Flow, node: ast.Tuple | ast.List | ast.Set) -> Values:
    return parts(tuple(value for one in node.elts for value in flow.values_of(one)))


def _dictionary(flow: Flow, node: ast.Dict) -> Values:
    for key in node.keys:
        if key is not None:
            flow.values_of(key)
    return parts(tuple(value for one in node.values for value in flow.values_of(one)))


def _choice(flow: Flow, node: ast.IfExp) -> Values:
    flow.values_of(node.test)
    return flow.values_of(node.body) + flow.values_of(node.orelse)


def _either(flow: Flow, node: ast.BoolOp) -> Values:
    found = [flow.values_of(one) for one in node.values]
    if isinstance(node.op, ast.And):  # the others only if they are false
        return found[-1]
    return tuple(value for values in found for value in values)


def _binary(flow: Flow, node: ast.BinOp) -> Values:
    if isinstance(node.op, ast.Add):
        return _sum(flow, node)
    if isinstance(node.op, ast.Mod):
        return _remainder(flow, node)
    left, right = flow.values_of(node.left), flow.values_of(node.right)
    if isinstance(node.op, ast.Div):
        return texts.join(left, [right], node)
    return parts(of(left + right, "path", "below", "stamp"))


def _sum(flow: Flow, node: ast.BinOp) -> Values:
    terms = _terms(node)
    found = [flow.values_of(one) for one in terms]
    if any(isinstance(one, (ast.List, ast.Tuple)) for one in terms):
        return parts(tuple(value for values in found for value in values))
    return in_text(texts.concatenate(_without_longer(found), node))


def _terms(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_terms(node.left), node.right]
    return [node]


def _remainder(flow: Flow, node: ast.BinOp) -> Values:
    left = flow.values_of(node.left)
    if not of(left, "text", "child", "root"):
        return parts(of(left + flow.values_of(node.right), "path", "below", "stamp"))
    if not isinstance(node.right, ast.Tuple):
        given = flow.values_of(node.right)
        return in_text(texts.fill(left, fill_in(left, _CONVERSION, {"0": given}), node))
    arguments = {str(number): flow.values_of(one) for number, one in enumerate(node.right.elts)}
    filled = fill_in(left, _CONVERSION, arguments)
    return in_text(texts.fill(left, [parts(tuple(value for values in filled for value in values))], node))


def fill_in(template: Values, field: re.Pattern[str], given: dict[str, Values]) -> list[Values]:
    """Return what is filled into a template's fields, but for paths that a field makes longer ("%s.log")."""
    text = template[0].text if template else ""
    left = dict(given)
    for number, match in enumerate(field.finditer(text)):
        name = match.group(1) or str(number)
        if name in left:
            left[name] = _without_longer([left[name], texts.constant(ast.Constant(text[match.end() :]))])[0]
    return list(left.values())


def _without_longer(pieces: list[Values]) -> list[Values]:
    """Return the pieces of a text but for paths that the next piece makes another path, one that lies beside."""
    kept = []
    for values, following in zip(pieces, [*pieces[1:], ()], strict=True):
        if following and following[0].what == "text" and _LONGER.match(following[0].text):
            kept.append(tuple(value for value in values if value.what != "path"))
        else:
            kept.append(values)
    return kept


def _f_string(flow: Flow, node: ast.JoinedStr) -> Values:
    return in_text(texts.concatenate(_without_longer([flow.values_of(one) for one in node.values]), node))


def _inserted(flow: Flow, node: ast.FormattedValue) -> Values:
    values = flow.values_of(node.value)
    if node.format_spec is not None:
        flow.values_of(node.format_spec)
    return values


def _subscript(flow: Flow, node: ast.Subscript) -> Values:
    if flow.imports.qualified(node.value) == "os.environ" and texts.is_temp_variable(node.slice):
        return (Value("root", origin=node, text="tempdir"),)
    values = flow.values_of(node.value)
    flow.values_of(node.slice)
    found: list[Value] = []
    for pair in whole(values, "pair"):
        index = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(node.value, ast.Call) and index == 1:
            lose_descriptor(flow, pair)
        if index in {0, 1}:
            found.append(Value("descriptor" if index == 0 else "path", pair.resource, origin=node))
    return (*found, *elements(of(values, "path", "below", "file", "entry")))


def _starred(flow: Flow, node: ast.Starred) -> Values:
    return flow.values_of(node.value)


def _named(flow: Flow, node: ast.NamedExpr) -> Values:
    values = flow.values_of(node.value)
    bind(flow, node.target, values)
    return values


def _awaited(flow: Flow, node: ast.Await) -> Values:
    values = flow.values_of(node.value)
    flow.may_raise(node)
    if isinstance(node.value, ast.Call) and flow.imports.qualified(node.value.func).endswith(
        ("create_subprocess_exec", "create_subprocess_shell")
    ):
        return values
    flow.finish(values)
    return of(values, "file", "path", "below")


def _yielded(flow: Flow, node: ast.Yield | ast.YieldFrom) -> Values:
    flow.yielded(node, flow.values_of(node.value) if node.value is not None else ())
    return ()


def _function(flow: Flow, node: ast.Lambda) -> Values:
    flow.escape(mentioned(flow, node.body))
    return ()


def mentioned(flow: Flow, node: ast.AST) -> Values:
    """Return what the names in some source stand for, without letting anything happen."""
    found: list[Value] = []
    for one in ast.walk(node):
        name = dotted_name(one) if isinstance(one, (ast.Name, ast.Attribute)) else ""
        found.extend(flow.state.lookup(name) or () if name else ())
        if isinstance(one, ast.Attribute) and one.attr == "name":
            files = of(flow.state.lookup(dotted_name(one.value)) or (), "file", "folder")
            found.extend(Value("path", value.resource.made) for value in files if value.resource is not None)
    return tuple(found)


def _comprehension(flow: Flow, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Values:
    _generators(flow, node.generators)
    flow.loops += 1
    values = flow.values_of(node.elt)
    flow.loops -= 1
    return parts(values)


def _dict_comprehension(flow: Flow, node: ast.DictComp) -> Values:
    _generators(flow, node.generators)
    flow.values_of(node.key)
    return parts(flow.values_of(node.value))


def _generators(flow: Flow, generators: list[ast.comprehension]) -> None:
    for generator in generators:
        values = flow.values_of(generator.iter)
        flow.iterate(values, generator.iter)
        bind(flow, generator.target, elements(values))
        for test in generator.ifs:
            flow.values_of(test)


_EXPRESSIONS: dict[type[ast.expr], Callable[..., Values]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Tuple: _display,
    ast.List: _display,
    ast.Set: _display,
    ast.Dict: _dictionary,
    ast.IfExp: _choice,
    ast.BoolOp: _either,
    ast.BinOp: _binary,
    ast.JoinedStr: _f_string,
    ast.FormattedValue: _inserted,
    ast.Subscript: _subscript,
    ast.Starred: _starred,
    ast.NamedExpr: _named,
    ast.Await: _awaited,
    ast.Yield: _yielded,
    ast.YieldFrom: _yielded,
    ast.Lambda: _function,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
}
