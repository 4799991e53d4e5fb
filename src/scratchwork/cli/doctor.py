"""`scratch doctor`: what is wrong with the scratch space of this machine."""

from __future__ import annotations

import click

from scratchwork.advice.doctor import examine
from scratchwork.cli.shared import as_json
from scratchwork.system.tempdirs import tempdir
from scratchwork.views import tables


@click.command("doctor", short_help="Say what is wrong with scratch space here, and how to mend it.")
@click.argument("path", type=click.Path(readable=False), required=False)
@click.option("--quiet", "-q", is_flag=True, help="Only what needs a person.")
@as_json
def command(path: str | None, quiet: bool, as_json: bool) -> int:
    """Say what is wrong with scratch space here, and how to mend it: one line a finding.

    PATH is a directory, by default the temp folder. It is looked at, and tried; whatever is made for that is gone
    again. 'ok' and 'note' are good to know; 'warning' and 'problem' need a person. Exit status 1 if anything does.
    """
    path = tempdir() if path is None else path
    findings = examine(path)
    shown = [one for one in findings if one.needs_person or not quiet]
    if as_json:
        facts = [{name: getattr(one, name) for name in ("topic", "severity", "text", "advice")} for one in shown]
        tables.show_json({"path": path, "findings": facts})
    elif shown:
        rows = [(one.severity, one.topic, f"{one.text}; {one.advice}" if one.advice else one.text) for one in shown]
        tables.show(("SEVERITY", "ABOUT", path), rows)
    return 1 if any(one.needs_person for one in findings) else 0
