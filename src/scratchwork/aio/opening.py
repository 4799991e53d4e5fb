"""What is opened by `await`, to be ended by hand, or for the block of an `async with`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from anyio import Path

from scratchwork.aio.calls import finish, make

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager
    from types import TracebackType


class Leavable(Protocol):
    """Something that a block can leave."""

    async def leave(self, error: BaseException | None) -> None:
        """End it; `error` is what leaves the block, if anything does."""


T = TypeVar("T", bound=Leavable)


class Opening(Generic[T]):
    """`await` it, or use it once as an async context manager. Cancelled at any time, it leaves nothing behind."""

    def __init__(self, function: Callable[[], T], undo: Callable[[T], object]) -> None:
        """`function` makes it, `undo` unmakes it, both in a worker thread."""
        self._function = function
        self._undo = undo

    def __await__(self) -> Generator[Any, Any, T]:
        return make(self._function, self._undo).__await__()

    async def __aenter__(self) -> T:
        self._opened = await self
        return self._opened

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._opened.leave(error)


class Entering:
    """A context manager that gives a path, as an async one that gives an `anyio.Path`."""

    def __init__(self, manager: AbstractContextManager[os.PathLike[str], Any]) -> None:
        self._manager = manager

    async def __aenter__(self) -> Path:
        return Path(await make(self._manager.__enter__, lambda _: self._manager.__exit__(None, None, None)))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await finish(lambda: self._manager.__exit__(kind, error, traceback))
