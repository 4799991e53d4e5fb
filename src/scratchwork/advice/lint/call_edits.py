"""Adding a keyword to the text of a call, and taking one out, with its layout and comments kept."""

from __future__ import annotations

import libcst as cst

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchwork.advice.lint.mistakes import FixKind

    Space = cst.BaseParenthesizableWhitespace

_NOTHING = cst.SimpleWhitespace("")
_ONE = cst.SimpleWhitespace(" ")
_PLAIN_END = cst.TrailingWhitespace()


def edited(text: str, kind: FixKind, change: str) -> str | None:
    """Return the text of a call with `change` made to it; None if nothing is to be changed, or it can't be.

    "add keyword": `change` is such as `newline=""`; a keyword that is there already stays as it is. "drop keyword":
    it is the name of one.
    """
    call = _parse(text)
    if call is None:
        return None
    if kind == "drop keyword":
        new = _without(call, change)
    else:
        there = {arg.keyword.value for arg in call.args if arg.keyword}
        more = [arg for arg in _arguments(change) if arg.keyword and arg.keyword.value not in there]
        new = call
        for arg in more:
            new = _with(new, arg)
    return None if new is call else _code(new, text)


def _parse(text: str) -> cst.Call | None:
    """Return a call, or None if it is none or would not come back as it was.

    It may go on in further lines outside its own parentheses, so it gets others around it.
    """
    try:
        parsed = cst.parse_expression(f"({_normal(text)})")
    except cst.ParserSyntaxError:
        return None
    if not isinstance(parsed, cst.Call):
        return None
    return parsed if _code(parsed, text) == text else None


def _arguments(change: str) -> Sequence[cst.Arg]:
    parsed = cst.parse_expression(f"f({change})")
    return parsed.args if isinstance(parsed, cst.Call) else ()


def _code(call: cst.Call, text: str) -> str:
    """Return the text of a call, with the line endings of what it was."""
    code = cst.Module([]).code_for_node(call)[1:-1]
    return code.replace("\n", "\r\n") if "\r\n" in text else code.replace("\n", "\r") if "\r" in text else code


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _with(call: cst.Call, arg: cst.Arg) -> cst.Call:
    if not call.args:
        return call.with_changes(args=[arg.with_changes(comma=cst.MaybeSentinel.DEFAULT)])
    *before, last = call.args
    if not before and isinstance(last.value, cst.GeneratorExp) and not last.value.lpar:
        value = last.value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        last = last.with_changes(value=value)
    space = _space_between(call)
    tail = _tail(last)
    if isinstance(tail, cst.ParenthesizedWhitespace) and isinstance(space, cst.ParenthesizedWhitespace):
        space = space.with_changes(first_line=tail.first_line)  # with the comment on the argument before
        tail = tail.with_changes(first_line=_PLAIN_END)
    new = _with_tail(arg, tail, comma=isinstance(last.comma, cst.Comma))
    last = last.with_changes(comma=cst.Comma(whitespace_after=space), whitespace_after_arg=_NOTHING)
    return call.with_changes(args=[*before, last, new])


def _without(call: cst.Call, name: str) -> cst.Call:
    names = [arg.keyword.value if arg.keyword else None for arg in call.args]
    if name not in names:
        return call
    index = names.index(name)
    arg = call.args[index]
    before, after = list(call.args[:index]), call.args[index + 1 :]
    if after:
        return call.with_changes(args=[*before, *after])
    if not before:
        has_comment = "#" in cst.Module([]).code_for_node(cst.Comma(whitespace_after=call.whitespace_before_args))
        return call.with_changes(
            args=[], whitespace_before_args=call.whitespace_before_args if has_comment else _NOTHING
        )
    last, tail = before[-1], _tail(arg)
    space = _tail(last)
    if isinstance(space, cst.ParenthesizedWhitespace):
        if isinstance(tail, cst.ParenthesizedWhitespace):
            tail = tail.with_changes(first_line=space.first_line)
        elif space.first_line.comment or space.empty_lines:
            return call.with_changes(args=before)  # the comment needs the end of its line
    return call.with_changes(args=[*before[:-1], _with_tail(last, tail, comma=isinstance(arg.comma, cst.Comma))])


def _tail(arg: cst.Arg) -> Space:
    """Return what stands between an argument, or its comma, and what comes after it."""
    return arg.comma.whitespace_after if isinstance(arg.comma, cst.Comma) else arg.whitespace_after_arg


def _with_tail(arg: cst.Arg, tail: Space, *, comma: bool) -> cst.Arg:
    if comma:
        return arg.with_changes(comma=cst.Comma(whitespace_after=tail), whitespace_after_arg=_NOTHING)
    return arg.with_changes(comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=tail)


def _space_between(call: cst.Call) -> Space:
    """Return what goes between the last argument and a new one: what goes between others, without its comments."""
    space = _tail(call.args[-2]) if len(call.args) > 1 else call.whitespace_before_args
    if isinstance(space, cst.ParenthesizedWhitespace):
        return space.with_changes(first_line=_PLAIN_END, empty_lines=[])
    return _ONE
