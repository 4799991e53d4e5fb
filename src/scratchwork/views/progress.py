"""A progress bar where a person waits, and nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_WORTH_SHOWING = 200  # entries; fewer are done before anybody could read it
_EVERY = 50


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function to be told (done, total), which draws a bar on stderr if that is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, visible=False)

        def tell(done: int, total: int) -> None:
            if total >= _WORTH_SHOWING and (done % _EVERY == 0 or done == total):
                progress.update(task, completed=done, total=total, visible=True)

        yield tell
