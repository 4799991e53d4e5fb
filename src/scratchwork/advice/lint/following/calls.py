"""What calls do, as far as temporary files go: by their full name, by what they are called on, and all others."""

from __future__ import annotations

import ast
from collections.abc import Callable

from scratchwork.advice.lint.following import hints
from scratchwork.advice.lint.following.flow import Flow
from scratchwork.advice.lint.following.values import Value, Values, What, of, whole

Meaning = Callable[["Call"], Values]
FUNCTIONS: dict[str, Meaning] = {}
"""What functions do, by their full name."""
METHODS: dict[tuple[str, str], Meaning] = {}
"""What methods do, by what they are called on and their name. ("file", "") is any other method of a file,
("anything", "submit") one that is known by its name alone."""

_FAKES = frozenset({"builtins.open", "setUpPyfakefs", "mock_open"})


class Call:
    """One call: its full name, what it is called on, and the values of its arguments."""

    __slots__ = ("arguments", "flow", "keywords", "method", "name", "node", "receiver")

    def __init__(self, flow: Flow, node: ast.Call) -> None:
        self.flow = flow
        self.node = node
        self.name = flow.imports.qualified(node.func)
        self.method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        self.receiver: Values = ()
        if isinstance(node.func, ast.Attribute):
            self.receiver = flow.values_of(node.func.value)
        elif isinstance(node.func, ast.Call):
            flow.values_of(node.func)
        self.arguments = [flow.values_of(one) for one in node.args]
        self.keywords = {one.arg or "**": flow.values_of(one.value) for one in node.keywords}

    def argument(self, index: int, *names: str) -> Values:
        """Return the values of an argument, by its position or one of its names."""
        for name in names:
            if name in self.keywords:
                return self.keywords[name]
        return self.arguments[index] if index < len(self.arguments) else ()

    def source(self, index: int, *names: str) -> ast.expr | None:
        """Return the source of an argument, by its position or one of its names."""
        for keyword in self.node.keywords:
            if keyword.arg in names:
                return keyword.value
        return self.node.args[index] if 0 <= index < len(self.node.args) else None

    def text(self, index: int, name: str, default: str = "") -> str | None:
        """Return an argument that is written out as a string; None if it is given in any other way."""
        given = self.source(index, name)
        if given is None:
            return default
        return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None

    @property
    def all(self) -> Values:
        """The values of all arguments."""
        return tuple(value for values in (*self.arguments, *self.keywords.values()) for value in values)

    @property
    def last_name(self) -> str:
        """The last part of its name."""
        return self.method or self.name.rpartition(".")[2]


def function(*names: str) -> Callable[[Meaning], Meaning]:
    """Register what some functions do."""

    def register(meaning: Meaning) -> Meaning:
        FUNCTIONS.update(dict.fromkeys(names, meaning))
        return meaning

    return register


def method(whats: str, *names: str) -> Callable[[Meaning], Meaning]:
    """Register what some methods of some values ("path below") do."""

    def register(meaning: Meaning) -> Meaning:
        METHODS.update({(what, name): meaning for what in whats.split() for name in names})
        return meaning

    return register


def call(flow: Flow, node: ast.Call) -> Values:
    """Let a call happen, and return what it gives."""
    made = Call(flow, node)
    meaning = FUNCTIONS.get(made.name)
    if meaning is not None:
        return meaning(made)
    for value in made.receiver:
        if value.is_part:
            continue
        known = METHODS.get((value.what, made.method)) or METHODS.get((value.what, ""))
        if known is not None:
            return known(made)
    known = METHODS.get(("anything", made.method))
    return known(made) if known is not None else unknown(made)


def unknown(made: Call) -> Values:
    """Let a call happen of which only the name is known."""
    flow, values, name = made.flow, made.all, made.name or made.method
    if hints.MOVES.fullmatch(made.last_name):
        moved(made, values)
    if hints.REMOVES.fullmatch(made.last_name):
        for value in of(values, "path"):
            if value.resource is not None:
                flow.remove(value.resource, made.node, name)
        return ()
    if hints.CONVERTS.fullmatch(made.name):
        return made.argument(1 if made.name.endswith("cast") else 0)
    if not hints.NEUTRAL.fullmatch(name):
        for value in of(values, "path", "below"):
            flow.tell("handed on", made.node, resource=value.resource, value=value, how=name)
    _let_others_have(made, values)  # also when it raises: `callback(os.unlink, path)` is whose it is from its start
    if not hints.HARMLESS.fullmatch(name):
        flow.may_raise(made.node)
    return ()


def _let_others_have(made: Call, values: Values) -> None:
    flow = made.flow
    if made.last_name[:1].isupper():  # an object may answer for what it was made with
        flow.escape(values, with_parts=True)
    elif _is_left_to_others(made):
        flow.escape(values)
    flow.escape(of(values, "pair", "descriptor", "folder"))
    flow.pass_on(values)
    for value in of(values, "reader"):  # who gets it may wait for it
        if value.resource is not None:
            flow.state.mark(value.resource, "reader", "unknown")
    if made.name.startswith(("self.", "cls.", "super")) and not hints.OF_UNITTEST.fullmatch(made.name):
        flow.forget_attributes()


def _is_left_to_others(made: Call) -> bool:
    last = made.last_name
    owner = made.name.rpartition(".")[0]
    if hints.TAKES_OVER.fullmatch(last) or last == "__init__" or hints.OWNS.search(owner):
        return True
    sources = (*made.node.args, *(one.value for one in made.node.keywords))
    names = (made.flow.imports.qualified(one).rpartition(".")[2] for one in sources)
    return any(name and hints.REMOVES.fullmatch(name) for name in names)


def paths_of(values: Values) -> Values:
    """Return those that are the path of something, by itself."""
    return whole(values, "path", "below", "child", "root", "entry")


_TEXTS: tuple[What, ...] = ("text", "child", "root", "entry")


def use(made: Call, values: Values, how: str) -> None:
    """Let a path be used: in the shared temp folder, for "create", "read", "look" and the like."""
    if whole(values, "child", "root", "entry") and _is_only_played(made.flow):
        return
    for value in whole(values, "child", "root", "entry"):
        made.flow.tell("touched", made.node, value=value, values=whole(values, *_TEXTS), how=how)


def moved(made: Call, values: Values) -> None:
    """Say that what a path leads to goes to its place."""
    for value in of(values, "path"):
        if value.resource is not None:
            made.flow.life(value.resource.made).uses.add("moved")


def set_mode(made: Call, values: Values, mode: ast.expr | None) -> None:
    """Let the permissions be set; what is below of a directory is private there in any case."""
    for value in whole(values, "path", "descriptor"):
        if value.resource is not None and mode is not None:
            made.flow.life(value.resource.made).modes.append(mode)


def says_only_ascii(made: Call) -> bool:
    """Whether what a call writes is certainly ASCII: the same in every locale."""
    return all(_is_ascii(made, one) for one in made.node.args)


def _is_ascii(made: Call, node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, str) or node.value.isascii()
    if isinstance(node, (ast.List, ast.Tuple, ast.JoinedStr)):
        return all(_is_ascii(made, one) for one in (node.values if isinstance(node, ast.JoinedStr) else node.elts))
    if isinstance(node, ast.BinOp):
        return _is_ascii(made, node.left) and _is_ascii(made, node.right)
    if not isinstance(node, ast.Call):
        return False
    texts = list(node.args)
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant):  # "...".strip()
        texts.append(node.func.value)
    name = made.flow.imports.qualified(node.func)
    if name == "json.dumps":
        return escapes(node)
    return (name == "textwrap.dedent" or len(texts) > len(node.args)) and all(_is_ascii(made, one) for one in texts)


def escapes(node: ast.Call) -> bool:
    """Whether json.dump or json.dumps is called so that it writes anything but ASCII in escapes."""
    return not any(one.arg in {None, "ensure_ascii"} for one in node.keywords)


def _is_only_played(flow: Flow) -> bool:
    """Whether a test has put something else in the place of `open` or of the file system."""
    nodes = list(ast.walk(flow.scope))
    names = {one.attr for one in nodes if isinstance(one, ast.Attribute)}
    names |= {one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    is_given_one = flow.imports.has("pyfakefs") or any(isinstance(one, ast.arg) and one.arg == "fs" for one in nodes)
    name = getattr(flow.scope, "name", "")
    return not _FAKES.isdisjoint(names) or (is_given_one and name.startswith("test"))


def open_by_name(made: Call, values: Values) -> None:
    """Let paths be opened in this process."""
    for value in of(values, "path", "below"):
        made.flow.tell("opened by name", made.node, resource=value.resource, value=value, how=made.name or made.method)


def hand_on(made: Call, values: Values) -> Values:
    """Let paths go to a program or a thread; return what still reads them."""
    readers = []
    for value in of(values, "path", "below"):
        made.flow.tell("handed on", made.node, resource=value.resource, value=value, how=made.name or made.method)
        if value.resource is not None:
            readers.append(Value("reader", value.resource.made))
    return tuple(readers)


def keep_reading(made: Call, readers: Values) -> Values:
    """Say that what was started goes on reading; return it."""
    for value in readers:
        if value.resource is not None:
            made.flow.state.mark(value.resource, "reader", "busy")
    return readers
