"""The fixer alone: a text and mistakes with fixes in, a text out."""

from __future__ import annotations

import ast

import pytest

from scratchwork.advice.lint.fixing import apply, mend
from scratchwork.advice.lint.mistakes import Fix, Mistake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.advice.lint.mistakes import FixKind


def at(text: str, part: str, kind: FixKind, change: str) -> Mistake:
    """A mistake that spans a part of a text, and its fix."""
    start = text.index(part)
    lines = text[:start].split("\n")
    end = text[: start + len(part)].split("\n")
    fix = Fix(kind, len(lines), len(lines[-1]), change)
    return Mistake("SCR401", "", len(lines), len(lines[-1]), len(end), len(end[-1]), fix)


def changed(text: str, kind: FixKind, change: str, part: str | None = None) -> str:
    """The text after one round with one fix, for the part that is named, or else the whole."""
    return apply(text, [at(text, text.strip() if part is None else part, kind, change)])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f()", "f(k=1)"),
        ("f( )", "f( k=1)"),
        ("f(a)", "f(a, k=1)"),
        ("f(a,)", "f(a, k=1,)"),
        ("f(a, b=2)", "f(a, b=2, k=1)"),
        ("f(*a, **b)", "f(*a, **b, k=1)"),
        ("f(x for x in y)", "f((x for x in y), k=1)"),
        ("f((x for x in y))", "f((x for x in y), k=1)"),
        ("f(k=2)", "f(k=2)"),
        ("f(\n    a,\n    b,\n)", "f(\n    a,\n    b,\n    k=1,\n)"),
        ("f(\n    a,\n    b\n)", "f(\n    a,\n    b,\n    k=1\n)"),
        ("f(\n    a\n)", "f(\n    a,\n    k=1\n)"),
        ("f(\n    a, b\n)", "f(\n    a, b, k=1\n)"),
        ("f(a,\n  b)", "f(a,\n  b,\n  k=1)"),
        ("f(\n    a,  # why\n    b,  # because\n)", "f(\n    a,  # why\n    b,  # because\n    k=1,\n)"),
        ("f(\n    a,\n    b  # because\n)", "f(\n    a,\n    b,  # because\n    k=1\n)"),
        ("f(a)  # f(a)", "f(a, k=1)  # f(a)"),
    ],
)
def test_a_keyword_added(before: str, after: str) -> None:
    call = before.removesuffix("  # f(a)")
    assert changed(f"{before}\n", "add keyword", "k=1", call) == f"{after}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f(k=1)", "f()"),
        ("f(a, k=1)", "f(a)"),
        ("f(a, k=1,)", "f(a,)"),
        ("f(k=1, b=2)", "f(b=2)"),
        ("f(a, k=1, b=2)", "f(a, b=2)"),
        ("f(a)", "f(a)"),
        ("f(k)", "f(k)"),
        ("f(**k)", "f(**k)"),
        ("f(\n    a,\n    k=1,\n)", "f(\n    a,\n)"),
        ("f(\n    a,\n    k=1\n)", "f(\n    a\n)"),
        ("f(\n    k=1,\n)", "f()"),
        ("f(\n    # why\n    k=1,\n)", "f(\n    # why\n    )"),
        ("f(\n    a,  # why\n    k=1,  # because\n)", "f(\n    a,  # why\n)"),
        ("f(\n    k=1,  # because\n    a=2,  # why\n)", "f(\n    a=2,  # why\n)"),
        ("f(a,  # why\n  k=1)", "f(a,  # why\n  )"),
    ],
)
def test_a_keyword_taken_out(before: str, after: str) -> None:
    assert changed(f"{before}\n", "drop keyword", "k") == f"{after}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("run()\n", "file.flush()\nrun()\n"),
        ("if a:\n\trun()  # c\n", "if a:\n\tfile.flush()\n\trun()  # c\n"),
        ("# about it\nrun()\n", "# about it\nfile.flush()\nrun()\n"),
        ("a; run(); b\n", "a; file.flush(); run(); b\n"),
        ("if a: run()\n", "if a: file.flush(); run()\n"),
        ("x = 1\nwith run():\n    pass\n", None),
    ],
)
def test_a_statement_inserted(before: str, after: str | None) -> None:
    part = "with run()" if "with" in before else "run()"
    expected = after or before.replace("with", "file.flush()\nwith")
    assert changed(before, "insert before", "file.flush()", part) == expected


def test_where_no_statement_can_be_inserted() -> None:
    for text in ("if a:\n    pass\nelif b:\n    pass\n", "x = (\n    b)\n"):
        assert changed(text, "insert before", "c()", "elif b" if "elif" in text else "b)") == text
    assert changed("@d\ndef f(): pass\n", "insert before", "c()", "def f") == "c()\n@d\ndef f(): pass\n"


def test_which_call_is_meant() -> None:
    text = "open(a).read().strip()\n"
    assert changed(text, "add keyword", "k=1", "open(a)") == "open(a, k=1).read().strip()\n"
    assert changed(text, "add keyword", "k=1", "open(a).read()") == "open(a).read(k=1).strip()\n"
    assert changed(text, "add keyword", "k=1", text.strip()) == "open(a).read().strip(k=1)\n"
    assert changed(text, "add keyword", "k=1", "open") == "open(a, k=1).read().strip()\n", "the innermost"
    assert changed("x = (a\n     .b(1)  # c\n     .d())\n", "add keyword", "k=1", "a\n     .b(1)  # c\n     .d()") == (
        "x = (a\n     .b(1)  # c\n     .d(k=1))\n"
    )


def test_nothing_but_the_call_changes() -> None:
    odd = "\x0cif a:\n\tb\n        \n  # c\nx = f(é, 'é')  ;y=1  \n\n\n# end"
    assert changed(odd, "add keyword", "k=1", "f(é, 'é')") == odd.replace("'é')", "'é', k=1)")
    for end in ("\r\n", "\r"):
        text = f"x = 1{end}f({end}    'é',{end}    '''{end}''',{end}){end}"
        normal = text.replace("\r\n", "\n").replace("\r", "\n")
        mistake = at(normal, normal[6:-1], "add keyword", "k=1")
        assert apply(text, [mistake]) == text.replace(f"''',{end})", f"''',{end}    k=1,{end})")
    mixed = "a\nrun()\r\n"
    assert changed(mixed, "insert before", "b", "run()") == "a\nb\nrun()\r\n"


def test_columns_count_characters() -> None:
    text = "x = 'äöü', f('é', g())\n"
    assert changed(text, "add keyword", "k=1", "g()") == "x = 'äöü', f('é', g(k=1))\n"


def test_what_overlaps_is_mended_one_after_the_other() -> None:
    text = "f(g(), h=2)\n"
    mistakes = [at(text, "f(g(), h=2)", "add keyword", "k=1"), at(text, "g()", "add keyword", "k=1")]
    assert apply(text, mistakes) == "f(g(), h=2, k=1)\n"
    assert apply(text, mistakes[1:]) == "f(g(k=1), h=2)\n"

    def find(source: str) -> list[Mistake]:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
        lacking = [ast.unparse(call) for call in calls if "k" not in {one.arg for one in call.keywords}]
        return [at(source, call, "add keyword", "k=1") for call in lacking]

    assert mend("f(g(h()))\n", find) == ("f(g(h(k=1), k=1), k=1)\n", [])
    both = [at(text, text.strip(), "add keyword", "k=1"), at(text, text.strip(), "drop keyword", "h")]
    assert apply(text, both) == "f(g(), h=2, k=1)\n"


def test_a_fix_that_breaks_the_text_is_left_out() -> None:
    text = "f(1)\ng(2)\n"
    bad, good = at(text, "f(1)", "insert before", "if:"), at(text, "g(2)", "add keyword", "k=1")
    assert apply(text, [bad, good]) == "f(1)\ng(2, k=1)\n"
    assert apply(text, [bad]) == text
    assert mend(text, lambda _: [bad]) == (text, [bad])


def test_fixes_that_never_end_do_end() -> None:
    text, _ = mend("run()\n", lambda source: [at(source, "run()", "insert before", "x")])
    assert text.endswith("x\nrun()\n")


@pytest.mark.parametrize("change", ["", "1", "*a"])
def test_a_change_that_is_no_keyword(change: str) -> None:
    assert changed("f(a)\n", "add keyword", change) == "f(a)\n"


@pytest.mark.parametrize("text", ["x = f'{f(1)}'\n", "f = 1\n", ""])
def test_where_there_is_no_such_call(text: str) -> None:
    part = "f(1)" if "f(1)" in text else text.strip()
    assert changed(text, "add keyword", "k=1", part) == text
    assert apply(text, [Mistake("SCR401", "", 9, 9, 9, 9, Fix("drop keyword", 9, 9, "k"))]) == text
