"""What `scratch lint` does, and what it says of it; imported only then."""

from __future__ import annotations

import shutil
import sys
from functools import partial

import click

from scratchwork.advice.lint.cache import Cache
from scratchwork.advice.lint.catalogue import all_rules, find_rule
from scratchwork.advice.lint.files import find_files
from scratchwork.advice.lint.reading import decode, look_at
from scratchwork.advice.lint.running import Looked, look_at_files
from scratchwork.files.atomic import atomic_write
from scratchwork.system import words
from scratchwork.views import diffs, mistakes, rules, tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from scratchwork.advice.lint.mending import Mended
    from scratchwork.advice.lint.mistakes import Mistake
    from scratchwork.advice.lint.settings import Settings

_WIDEST = 100


class Wanted:
    """What is to be done with what is found."""

    def __init__(self, settings: Settings, mode: str, form: str, output: str | None) -> None:
        self.settings = settings
        self.mode = mode
        self.form = form
        self.output = output

    def choose(self, path: str, found: Sequence[Mistake]) -> list[Mistake]:
        """Return those of the mistakes in a file that are wanted."""
        wanted = self.settings.wanted(path) if found else ()
        return [mistake for mistake in found if mistake.code in wanted]


def lint(wanted: Wanted, paths: Sequence[str], *, force_exclude: bool, no_cache: bool) -> int:
    """Look at files, and mend them if that is asked for; return the exit status."""
    settings = wanted.settings
    files = list(find_files(paths, settings.exclude, settings.folder, force=force_exclude))
    cache = None if no_cache else Cache(settings.folder)
    looked = [Looked(one.path, wanted.choose(one.path, one.found)) for one in look_at_files(files, cache)]
    if not wanted.mode:
        return _report(wanted, looked, len(files))
    from_before = sum(len(one.found) for one in looked)
    left, changes = [], []
    for one in looked:
        mended = _mended(one, wanted)
        left.append(Looked(one.path, mended.left) if mended else one)
        if mended:
            changes.append(diffs.unified(words.printable(one.path), mended.before, mended.after))
    count = max(0, from_before - sum(len(one.found) for one in left))
    if wanted.mode == "fix":
        return _report(wanted, left, len(files), count)
    _print(wanted, "".join(changes))
    _say(f"would mend {words.plural(count, 'mistake')} of {from_before:,}")
    return 1 if from_before else 0


def _mended(one: Looked, wanted: Wanted) -> Mended | None:
    """Return what became of a file with mistakes that have a fix; None if none has, or they can't be mended."""
    if not any(mistake.fix for mistake in one.found):
        return None
    mending = _mending()
    try:
        result: Mended = mending.mend_file(one.path, partial(wanted.choose, one.path), write=wanted.mode == "fix")
    except mending.NotMended as error:
        _say(f"scratch: not mended: {one.path}: {error}")
        return None
    return result


def lint_stdin(wanted: Wanted, name: str) -> int:
    """Do the same for what comes on stdin; what is mended goes to stdout. Return the exit status."""
    data = sys.stdin.buffer.read()
    looked = Looked(name, wanted.choose(name, look_at(data)))
    if not wanted.mode:
        return _report(wanted, [looked], 1)
    choose = partial(wanted.choose, name)
    mended: Mended | None = None
    if any(mistake.fix for mistake in looked.found):
        source = decode(data)
        mended = _mending().mend_source(source, choose)
    if wanted.mode == "diff":
        _print(wanted, diffs.unified(name, mended.before, mended.after) if mended else "")
        return 1 if looked.found else 0
    sys.stdout.buffer.write(source.encode(mended.after) if mended else data)
    sys.stdout.buffer.flush()
    left = mended.left if mended else looked.found
    for line in mistakes.lines([Looked(name, left)]):
        click.echo(line, err=True)
    return 1 if left else 0


def _mending() -> ModuleType:
    try:
        from scratchwork.advice.lint import mending
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "libcst":
            raise
        raise click.UsageError("Mending needs libcst: pip install 'scratchwork[lint]'.") from None
    return mending


def _report(wanted: Wanted, looked: Sequence[Looked], files: int, mended: int = 0) -> int:
    if wanted.form == "text" and wanted.output is None:
        mistakes.show_lines(looked, sys.stdout)
    else:
        _print(wanted, _rendered(wanted.form, looked))
    if wanted.form == "text":
        _say(mistakes.summary(looked, files, mended))
    return 1 if any(one.found for one in looked) else 0


def _rendered(form: str, looked: Sequence[Looked]) -> str:
    if form == "sarif":
        from scratchwork.views import sarif

        return sarif.as_sarif(looked) + "\n"
    if form == "json":
        return mistakes.as_json(looked) + "\n"
    lines = mistakes.as_github(looked) if form == "github" else mistakes.lines(looked)
    return "".join(f"{line}\n" for line in lines)


def _print(wanted: Wanted, text: str) -> None:
    if wanted.output is None:
        click.echo(text, nl=False)
    else:
        with atomic_write(wanted.output, encoding="utf-8", newline="") as file:
            file.write(text)


def explain(code: str, form: str) -> int:
    """Print all that there is to say of a rule."""
    rule = find_rule(code)
    if rule is None:
        raise click.UsageError(f"There is no rule {code!r}; --rules lists them.")
    if form == "json":
        tables.show_json(rules.facts(rule))
    else:
        click.echo(rules.explained(rule, min(shutil.get_terminal_size().columns, _WIDEST)))
    return 0


def show_rules(form: str) -> int:
    """Print a table of all rules."""
    if form == "json":
        tables.show_json([rules.facts(rule) for rule in all_rules().values()])
    else:
        tables.show(rules.COLUMNS, rules.rows(all_rules().values()), whole=("CODE", "NAME"))
    return 0


def _say(message: str) -> None:
    click.echo(words.printable(message), err=True)
