"""One function as it is being followed: what is known at this point, and what happens to the resources there."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cached_property

from scratchwork.advice.lint.following.events import Event, Guard, Happening, Life, Point
from scratchwork.advice.lint.following.names import Imports, dotted_name
from scratchwork.advice.lint.following.scopes import Scope, reachable_names
from scratchwork.advice.lint.following.states import State
from scratchwork.advice.lint.following.values import Resource, Value, Values, of, whole

_PLATFORM = re.compile(
    r"sys\.platform|os\.name|platform\.system|sys\.getwindowsversion"
    r"|(?:\w+\.)*_?(?:(?:is|on|not|in|running|requires?|only|skip\w*)_*)*(?:windows|win|win32|nt|posix|linux|unix)(?:_only)?",
    re.IGNORECASE,
)
"""What tells one operating system from another."""


class Flow:
    """One scope at one point. `statements.py` moves it along, `expressions.py` and `calls.py` say what happens.

    `guards` are the try statements around this point, `catching` what their handlers know, `leaving` what is known
    where the loops around it end early, `managed` what the with blocks around it remove (None: such a block waits at
    its end), `shared_names` those that other functions see, `begins` the `if` to which each `elif` belongs.
    `is_refused`: what is made here is expected to fail; `is_led_elsewhere`: a context manager has led the temp folder
    to a place of its own. `evaluate` gives an expression's values, and lets happen what it does.
    """

    def __init__(
        self,
        scope: Scope,
        imports: Imports,
        constants: State,
        tell: Callable[[Event], None],
        evaluate: Callable[[Flow, ast.expr], Values],
    ) -> None:
        self.scope = scope
        self.imports = imports
        self.nested: list[Scope] = []
        self.lives: dict[Resource, Life] = {}
        self.state = State()
        self.is_reachable = True
        self.statement: ast.stmt = ast.Pass(lineno=1, col_offset=0)
        self.begins: dict[ast.stmt, ast.stmt] = {}
        self.loops = 0
        self.is_refused = False
        self.is_led_elsewhere = False
        self.guards: tuple[Guard, ...] = ()
        self.catching: list[State] = []
        self.leaving: list[list[State]] = []
        self.managed: list[Resource | None] = []
        self.shared_names = reachable_names(scope)
        self._constants = constants
        self._tell = tell
        self._evaluate = evaluate
        self._yields_to_a_manager = _is_decorated(scope, "contextmanager", "asynccontextmanager")
        self._is_fixture = _is_decorated(scope, "fixture", "yield_fixture")

    def values_of(self, node: ast.expr) -> Values:
        """Return what an expression may be, after letting happen what it does."""
        return self._evaluate(self, node)

    def lookup(self, name: str) -> Values:
        """Return what a name stands for here."""
        values = self.state.lookup(name)
        return (self._constants.lookup(name) or ()) if values is None else values

    def tell(
        self,
        kind: Happening,
        node: ast.expr | ast.stmt,
        *,
        resource: Resource | None = None,
        value: Value | None = None,
        values: Values = (),
        life: Life | None = None,
        how: str = "",
    ) -> None:
        """Tell the rules that something happens here."""
        if kind == "touched" and value is not None and not value.is_fixed and self.is_led_elsewhere:
            return
        beneath = resource and resource.made
        self._tell(
            Event(
                kind,
                node,
                self.state,
                self.statement,
                resource=resource,
                files=tuple(one for one in self.lives if beneath is not None and one.made is beneath),
                value=value,
                values=values,
                life=life,
                how=how,
                looks_at_owner=how == "create" and self._looks_at_owner,
                looks_at_platform=kind == "opened by name" and self._looks_at_platform,
            )
        )

    def make(self, resource: Resource) -> None:
        """Begin the life of a resource."""
        self.lives[resource] = Life()
        self.state.mark(resource, "life", "here")
        if resource.kind == "mkstemp":
            self.state.mark(resource, "descriptor", "open")
        elif not resource.is_directory:
            self.state.mark(resource, "file", "open")
            self.state.mark(resource, "position", "start")
            self.state.mark(resource, "buffer", "fresh")
        if self.is_refused:
            self.hand_over((Value("pair", resource),))
            self.life(resource).uses.clear()
        elif self.is_led_elsewhere and "dir" not in resource.arguments:
            self.life(resource).uses.add("inside")

    def waste(self, resource: Resource, node: ast.expr, how: str) -> None:
        """Let go of an object but for its "name", or of "nothing" but it; or of a "descriptor"."""
        if not self.is_refused:
            self.tell("wasted", node, resource=resource, how=how)
        if how == "descriptor":
            self.state.mark(resource, "descriptor", "lost")
        elif resource.deletes:
            self.forget(resource)
            self.state.mark(resource, "life", "gone")

    def life(self, resource: Resource) -> Life:
        """Return what is known of a resource's life."""
        return self.lives.setdefault(resource, Life())

    def remove(self, resource: Resource, node: ast.expr | ast.stmt, how: str) -> None:
        """End the life of a resource."""
        self.tell("removed", node, resource=resource, how=how)
        self.life(resource).removed.append(self.point(node))
        self.state.mark(resource, "life", "gone")

    def hand_over(self, values: Values, *, with_parts: bool = False) -> None:
        """Let somebody else answer for the end of these resources; `with_parts`: also of what a path is below of."""
        for value in values:
            if value.resource is None or (value.what == "below" and not with_parts):
                continue
            for resource in {value.resource, value.resource.made}:
                if value.what in {"descriptor", "pair"}:
                    self.close_descriptor(resource, resource.node)
                if value.what != "descriptor":
                    life = self.life(resource)
                    life.escaped = True
                    life.uses.add("escaped")
                    self.state.mark(resource, "life", "away")
                self.state.mark(resource, "reader", "unknown")

    def escape(self, values: Values, *, with_parts: bool = False) -> None:
        """Let somebody else do with these resources what they like, from here on and at any time."""
        self.hand_over(values, with_parts=with_parts)
        for value in values:
            if value.resource is not None and value.what in {"file", "path"}:
                self.forget(value.resource)

    def forget(self, resource: Resource) -> None:
        """Say that nothing is known any more of where a file object stands."""
        for aspect in ("position", "buffer", "file"):
            self.state.mark(resource, aspect, "unknown")

    def forget_attributes(self) -> None:
        """Say that another method may have done anything with what is stored in attributes."""
        for resource in self.state.stored():
            self.forget(resource)

    def close_descriptor(self, resource: Resource, node: ast.AST) -> None:
        """Let the descriptor of a resource be closed, or be somebody else's."""
        self.life(resource).closed.append(self.point(node))
        self.state.mark(resource, "descriptor", "closed")

    def may_raise(self, node: ast.AST, apart_from: Values = ()) -> None:
        """Say that an exception may leave from here, and take with it who would have removed something."""
        spared = {value.resource.made for value in apart_from if value.resource is not None}
        for resource, life in self.lives.items():
            if resource in spared or resource.beneath is not None:
                continue
            if self.state.only(resource, "life", "here"):
                life.raising.append(self.point(node))
            if self.state.only(resource, "descriptor", "open"):
                life.closing.append(self.point(node))

    def point(self, node: ast.AST) -> Point:
        """Return a node with the try statements around it."""
        return Point(node, self.guards)

    def stop(self) -> None:
        """Say that no path goes on from here."""
        self.is_reachable = False

    def iterate(self, values: Values, node: ast.expr) -> None:
        """Let something be iterated over."""
        for value in whole(values, "file"):
            if value.resource is not None:
                self.read(value.resource, node)

    def read(self, resource: Resource, node: ast.expr) -> None:
        """Read from a file object."""
        self.tell("read", node, resource=resource)
        self.life(resource).uses.add("read")
        self.state.mark(resource, "position", "moved")

    def write(self, resource: Resource, node: ast.expr, *, is_buffered: bool = True, how: str = "") -> None:
        """Write to a file object."""
        self.tell("written", node, resource=resource, how=how)
        self.life(resource).uses.add("write in a loop" if self.loops else "write")
        self.state.mark(resource, "position", "written")
        if is_buffered and resource.is_buffered:
            self.state.mark(resource, "buffer", "dirty")

    def close(self, resource: Resource, node: ast.expr | ast.stmt) -> None:
        """Close a file object."""
        self.state.mark(resource, "file", "closed")
        self.state.mark(resource, "buffer", "clean")
        if resource.deletes and resource.has_name:
            self.remove(resource, node, "close")

    def pass_on(self, values: Values) -> None:
        """Let somebody else use file objects: nobody knows how."""
        for value in of(values, "file"):
            if value.resource is not None:
                self.life(value.resource).uses.add("passed")
                self.forget(value.resource)

    def finish(self, values: Values) -> None:
        """Say that what was started has ended."""
        for value in of(values, "reader"):
            if value.resource is not None:
                self.state.mark(value.resource, "reader", "done")

    def finish_all(self) -> None:
        """Say that whatever was started has ended."""
        for resource in self.lives:
            self.state.mark(resource, "reader", "done")

    def yielded(self, node: ast.Yield | ast.YieldFrom, values: Values) -> None:
        """Let a generator stop here: with values that others see, and an exception that may come in."""
        if self._yields_to_a_manager:
            self.may_raise(node)
            for value in values:
                if value.resource is not None:
                    self.life(value.resource.made).uses.add("yielded")
        elif not self._is_fixture:
            self.escape(values)
        for value in whole(values, "path"):
            self.tell("handed on", node, resource=value.resource, value=value, how="who gets this name")
        for value in of(values, "file"):
            if value.resource is not None:
                self.forget(value.resource)

    @cached_property
    def _looks_at_owner(self) -> bool:
        return any(isinstance(one, ast.Attribute) and one.attr == "st_uid" for one in ast.walk(self.scope))

    @cached_property
    def _looks_at_platform(self) -> bool:
        names = (dotted_name(one) for one in ast.walk(self.scope) if isinstance(one, (ast.Name, ast.Attribute)))
        return any(_PLATFORM.fullmatch(name) for name in names)


def _is_decorated(scope: Scope, *names: str) -> bool:
    for decorator in getattr(scope, "decorator_list", ()):
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if dotted_name(target).rpartition(".")[2] in names:
            return True
    return False
