"""`scratch lint`: the mistakes that Python source makes with temporary files."""

from __future__ import annotations

import click

_STDIN = "-"


def _codes(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> list[str]:
    return [code.strip() for value in values for code in value.split(",") if code.strip()]


@click.command("lint", short_help="Find the mistakes that Python source makes with temporary files.")
@click.argument("paths", type=click.Path(exists=True, allow_dash=True), nargs=-1, metavar="[PATH]...")
@click.option("--fix", "mode", flag_value="fix", help="Mend what can be mended safely, and show what is left.")
@click.option("--diff", "mode", flag_value="diff", help="Show what --fix would change; change nothing.")
@click.option("--explain", metavar="CODE", help="Say what a rule finds, why, and what to write instead.")
@click.option("--rules", "list_rules", is_flag=True, help="List all rules.")
@click.option("--select", multiple=True, callback=_codes, metavar="CODES", help="Only these rules: SCR301, SCR2, ...")
@click.option("--extend-select", multiple=True, callback=_codes, metavar="CODES", help="These rules, too.")
@click.option("--ignore", multiple=True, callback=_codes, metavar="CODES", help="Not these rules.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Not these files and folders; several times.")
@click.option("--force-exclude", is_flag=True, help="What is excluded is left out also where it is named.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="How to print mistakes.",
)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@click.option("--output", "-o", type=click.Path(dir_okay=False), metavar="FILE", help="Write there, not to stdout.")
@click.option("--no-cache", is_flag=True, help="Look at every file, and remember nothing.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also if there are mistakes.")
@click.option("--stdin-filename", metavar="NAME", help="What to call the source that is read from stdin, with PATH -.")
def command(
    paths: tuple[str, ...],
    mode: str | None,
    explain: str | None,
    list_rules: bool,
    select: list[str],
    extend_select: list[str],
    ignore: list[str],
    exclude: tuple[str, ...],
    force_exclude: bool,
    form: str,
    output: str | None,
    no_cache: bool,
    exit_zero: bool,
    stdin_filename: str | None,
) -> int:
    """Find the mistakes that Python source makes with temporary files, and say what to write instead.

    PATH is a file, or a directory, which is searched for *.py; by default the current one. '-' is stdin. One line a
    mistake: path:line:column: CODE message. '# noqa: CODE' on its line takes it away. [tool.scratchwork.lint] in
    pyproject.toml has select, extend-select, ignore, exclude and per-file-ignores. --select sets aside what it says of
    rules, the other options add to it.

    Exit status 0: no mistakes, or none left after --fix. 1: mistakes, or files that could not be looked at (SCR001).
    2: the command line or the settings are wrong.

    \b
    Examples:
      scratch lint src tests
      scratch lint --explain SCR301
      scratch lint --diff
    """  # noqa: D301 - a raw one would not have the character that keeps click from filling a paragraph
    from scratchwork.advice.lint.settings import read_settings
    from scratchwork.cli import linting

    if explain is not None:
        return linting.explain(explain, form)
    if list_rules:
        return linting.show_rules(form)
    if mode == "diff" and form != "text":
        raise click.UsageError("--diff is a format of its own.")
    if stdin_filename is not None and _STDIN not in paths:
        raise click.UsageError("--stdin-filename is for the path '-'.")
    if len(paths) > 1 and _STDIN in paths:
        raise click.UsageError("'-' stands alone.")
    paths = paths or (".",)
    named = [stdin_filename or "."] if _STDIN in paths else paths
    settings = read_settings(named).with_options(
        select=select, extend_select=extend_select, ignore=ignore, exclude=exclude
    )
    wanted = linting.Wanted(settings, mode or "", form, output)
    if _STDIN in paths:
        status = linting.lint_stdin(wanted, stdin_filename or "<stdin>")
    else:
        status = linting.lint(wanted, paths, force_exclude=force_exclude, no_cache=no_cache)
    return 0 if exit_zero else status
