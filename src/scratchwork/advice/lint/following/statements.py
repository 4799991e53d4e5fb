"""Following a function's statements along their paths, from what is known to what is known after them.

Loops are followed once: the question is what happens on a path, not how often.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scratchwork.advice.lint.following import binding
from scratchwork.advice.lint.following.events import Guard
from scratchwork.advice.lint.following.flow import Flow
from scratchwork.advice.lint.following.names import dotted_name
from scratchwork.advice.lint.following.scopes import Scope, taken_from_outside
from scratchwork.advice.lint.following.states import State, joined
from scratchwork.advice.lint.following.values import Value, Values, elements, of, whole

_WAITS = ("Executor", "TaskGroup", "Pool", "open_nursery", "create_task_group")
_STARTS = {"submit", "apply_async", "map_async", "start_soon", "create_task", "spawn"}
_EXPECT_AN_ERROR = frozenset({"raises", "assertRaises", "assertRaisesRegex"})
_LEADS_ELSEWHERE = re.compile(r"te?mp", re.IGNORECASE)
"""Context managers of somebody's own that make a temp folder: what is made within goes with it, as far as we know."""


def follow(flow: Flow) -> None:
    """Follow a whole scope, and tell what became of each resource at its end."""
    _block(flow, flow.scope.body)
    for resource, life in flow.lives.items():
        flow.tell("ended", resource.node, resource=resource, life=life)


def _block(flow: Flow, statements: list[ast.stmt]) -> None:
    for statement in statements:
        if not flow.is_reachable:
            return
        flow.statement = flow.begins.get(statement, statement)
        visit = _STATEMENTS.get(type(statement))
        if visit is not None:
            visit(flow, statement)
        if flow.is_reachable:
            for catching in flow.catching:
                catching.join(flow.state)


def _branches(flow: Flow, *blocks: list[ast.stmt]) -> None:
    before, ends = flow.state, []
    for block in blocks:
        flow.state, flow.is_reachable = before.copy(), True
        _block(flow, block)
        ends.append(_end(flow))
    _meet(flow, ends)


def _end(flow: Flow) -> State | None:
    return flow.state if flow.is_reachable else None


def _meet(flow: Flow, ends: list[State | None]) -> None:
    state = joined(ends)
    flow.is_reachable = state is not None
    flow.state = state or flow.state


@contextmanager
def _inside(flow: Flow, guard: Guard) -> Iterator[None]:
    before = flow.guards
    flow.guards = (*before, guard)
    yield
    flow.guards = before


def _expression(flow: Flow, node: ast.Expr) -> None:
    values = flow.values_of(node.value)
    if isinstance(node.value, ast.Call):
        for value in whole(values, "folder"):
            if value.resource is not None and value.resource.deletes and value.resource.node is node.value:
                flow.waste(value.resource, node.value, "nothing")
        for value in whole(values, "pair"):
            binding.lose_descriptor(flow, value)


def _return(flow: Flow, node: ast.Return) -> None:
    values = flow.values_of(node.value) if node.value is not None else ()
    if isinstance(node.value, ast.Call):  # what it returns may lie in a directory that it was given
        flow.hand_over(_directories_given(flow, node.value))
    for value in of(values, "path", "below", "file", "folder"):
        if value.resource is not None and value.resource.made in flow.managed and not value.is_in_text:
            flow.tell("given back", node.value or node, resource=value.resource, value=value)
    _leave_managed(flow, node)
    flow.escape(values, with_parts=True)
    flow.may_raise(node, values)
    flow.stop()


def _leave_managed(flow: Flow, node: ast.Return) -> None:
    """Let the with blocks around a return remove what others may still read."""
    if any(getattr(guard.statement, "finalbody", None) for guard in flow.guards if guard.part != "final"):
        return  # it may wait for them
    for resource in reversed(flow.managed):
        if resource is None:
            return
        if flow.state.only(resource, "reader", "busy"):
            flow.tell("removed", node.value or node, resource=resource, how="with")


def _directories_given(flow: Flow, node: ast.Call) -> Values:
    arguments = (*node.args, *(one.value for one in node.keywords))
    values = tuple(value for one in arguments if (name := dotted_name(one)) for value in flow.lookup(name))
    return tuple(value for value in values if value.resource is not None and value.resource.is_directory)


def _raise(flow: Flow, node: ast.Raise) -> None:
    for part in (node.exc, node.cause):
        if part is not None:
            flow.values_of(part)
    flow.may_raise(node)
    flow.stop()


def _assert(flow: Flow, node: ast.Assert) -> None:
    flow.values_of(node.test)
    flow.may_raise(node)


def _if(flow: Flow, node: ast.If) -> None:
    flow.values_of(node.test)
    for one in node.orelse:
        if isinstance(one, ast.If) and one.col_offset == node.col_offset:  # an elif
            flow.begins[one] = flow.begins.get(node, node)
    _branches(flow, node.body, node.orelse)


def _match(flow: Flow, node: ast.Match) -> None:
    flow.values_of(node.subject)
    _branches(flow, *(case.body for case in node.cases), [])


def _for(flow: Flow, node: ast.For | ast.AsyncFor) -> None:
    values = flow.values_of(node.iter)
    flow.iterate(values, node.iter)
    binding.bind(flow, node.target, elements(values))
    _loop(flow, node, is_endless=False)


def _while(flow: Flow, node: ast.While) -> None:
    flow.values_of(node.test)
    _loop(flow, node, is_endless=isinstance(node.test, ast.Constant) and bool(node.test.value))


def _loop(flow: Flow, node: ast.For | ast.AsyncFor | ast.While, *, is_endless: bool) -> None:
    before = flow.state.copy()
    flow.leaving.append([])
    flow.loops += 1
    _block(flow, node.body)
    flow.loops -= 1
    left = flow.leaving.pop()
    if is_endless:
        _meet(flow, [*left])
        return
    _meet(flow, [_end(flow), before])
    _block(flow, node.orelse)
    _meet(flow, [_end(flow), *left])


def _leave(flow: Flow, _: ast.Break | ast.Continue) -> None:
    if flow.leaving:
        flow.leaving[-1].append(flow.state.copy())
    flow.stop()


def _try(flow: Flow, node: ast.Try | ast.TryStar) -> None:
    caught = flow.state.copy()
    flow.catching.append(caught)
    with _inside(flow, Guard(node, "body")):
        _block(flow, node.body)
    flow.catching.pop()
    if flow.is_reachable:
        with _inside(flow, Guard(node, "else")):
            _block(flow, node.orelse)
    ends = [_end(flow)]
    for handler in node.handlers:
        flow.state, flow.is_reachable = caught.copy(), True
        with _inside(flow, Guard(node, "handler")):
            _block(flow, handler.body)
        ends.append(_end(flow))
    normal = joined(ends)
    flow.state, flow.is_reachable = normal or caught, True
    with _inside(flow, Guard(node, "final")):
        _block(flow, node.finalbody)
    flow.is_reachable = flow.is_reachable and normal is not None


def _with(flow: Flow, node: ast.With | ast.AsyncWith) -> None:
    entered: list[tuple[ast.withitem, Values]] = []
    managed = len(flow.managed)
    for item in node.items:
        values = flow.values_of(item.context_expr)
        entered.append((item, values))
        for value in whole(values, "folder", "file"):
            if value.resource is not None and value.resource.deletes:
                flow.managed.append(value.resource)
        if _waits(flow, item, values, node.body):
            flow.managed.append(None)
        if item.optional_vars is not None:
            binding.bind(flow, item.optional_vars, _given_by(values))
    before = flow.is_refused, flow.is_led_elsewhere
    names = {_last_name(item) for item, values in entered if not values}
    flow.is_refused |= not names.isdisjoint(_EXPECT_AN_ERROR)
    flow.is_led_elsewhere |= any(_LEADS_ELSEWHERE.search(name) for name in names)
    _block(flow, node.body)
    flow.is_refused, flow.is_led_elsewhere = before
    del flow.managed[managed:]
    if flow.is_reachable:
        for item, values in reversed(entered):
            _exit(flow, item.context_expr, values)
            if _waits(flow, item, values, node.body):
                flow.finish_all()


def _last_name(item: ast.withitem) -> str:
    return dotted_name(getattr(item.context_expr, "func", item.context_expr)).rpartition(".")[2]


def _given_by(values: Values) -> Values:
    """Return what `as` gives: of a TemporaryDirectory, its path."""
    return tuple(
        Value("path", value.resource) if value.what == "folder" and not value.is_part else value for value in values
    )


def _exit(flow: Flow, expression: ast.expr, values: Values) -> None:
    for value in values:
        if value.resource is None or value.is_part:
            continue
        if value.what == "file":
            flow.close(value.resource, expression)
        elif value.what == "folder" and value.resource.deletes:
            flow.remove(value.resource, expression, "with")


def _waits(flow: Flow, item: ast.withitem, values: Values, body: list[ast.stmt]) -> bool:
    """Whether the end of a with block waits for what was started in it: by its name, or as it starts it itself."""
    expression = item.context_expr
    if of(values, "reader") or flow.imports.qualified(getattr(expression, "func", expression)).endswith(_WAITS):
        return True
    names = {dotted_name(one) for one in (expression, item.optional_vars) if one is not None} - {""}
    starting = (one.func for statement in body for one in ast.walk(statement) if isinstance(one, ast.Call))
    return bool(names) and any(
        isinstance(one, ast.Attribute) and one.attr in _STARTS and dotted_name(one.value) in names for one in starting
    )


def _define(flow: Flow, node: Scope) -> None:
    flow.nested.append(node)
    for name in taken_from_outside(node):  # what it uses of ours, it may use at any time
        flow.escape(flow.state.lookup(name) or ())


def _share(flow: Flow, node: ast.Global | ast.Nonlocal) -> None:
    flow.shared_names.update(node.names)


_STATEMENTS: dict[type[ast.stmt], Callable[..., None]] = {
    ast.Expr: _expression,
    ast.Assign: binding.assign,
    ast.AnnAssign: binding.assign_annotated,
    ast.AugAssign: binding.assign_more,
    ast.Delete: binding.delete,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Assert: _assert,
    ast.If: _if,
    ast.Match: _match,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Break: _leave,
    ast.Continue: _leave,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.FunctionDef: _define,
    ast.AsyncFunctionDef: _define,
    ast.ClassDef: _define,
    ast.Global: _share,
    ast.Nonlocal: _share,
}
