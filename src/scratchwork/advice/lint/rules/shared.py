"""The temp folder that all share: what is done to it as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scratchwork.advice.lint.following.events import Event
from scratchwork.advice.lint.mistakes import Mistake
from scratchwork.advice.lint.rules.commands import command
from scratchwork.advice.lint.rules.registry import rule

_TEMP = r"(?:/var)?/tmp\b"
_DELETES = re.compile(
    rf"\bfind\s+{_TEMP}/?\s.*(?:-delete|-exec\s+rm|xargs\s.*rm)|\brm\s+(?:-\w+\s+)*{_TEMP}/[^/\s]*[*?\[]", re.DOTALL
)


@rule("SCR501", "cleans-the-shared-folder", "touched", "command")
def cleans_the_shared_folder(event: Event) -> Iterator[Mistake]:
    """Things are removed from the shared temp folder by their age or by a pattern.

    An old file may be in use: a long job's input, an archive that was unpacked with its old times. A pattern also fits
    what another run of the same program, or another user's, is using now.

    Remove what you made yourself, or use a lease that says what is in use: `scratch sweep`, and for old junk
    `scratch sweep --unleased`. Who asks for locks or processes before removing is not reported.
    """
    is_entry = event.kind == "touched" and event.value is not None and event.value.what == "entry"
    if (is_entry and event.how == "remove") or (event.kind == "command" and _DELETES.search(command(event))):
        yield event.mistake(
            "SCR501",
            "this removes by age or pattern what others may be using; remove what you made, or use 'scratch sweep'",
        )


@rule("SCR602", "tempdir-set-globally", "tempdir")
def tempdir_set_globally(event: Event) -> Iterator[Mistake]:
    """tempfile.tempdir is set, for the whole program.

    Every library and every thread of the process puts its files there from now on, and nothing says why; child
    processes do not.

    Give `dir=` to what you call, set TMPDIR before the program starts, or use `scratch run`. Setting it back to None or
    to what it was is not reported.
    """
    if event.how != "as it was":
        yield event.mistake(
            "SCR602", "this moves the temporary files of every library and thread of the process; give dir= instead"
        )
