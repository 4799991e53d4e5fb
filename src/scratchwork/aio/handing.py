"""Hand-off, publishing and atomic writes, for async code; what each does is said in `scratchwork`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import Path

from scratchwork.aio.calls import call, finish, make
from scratchwork.aio.files import File
from scratchwork.aio.opening import Entering
from scratchwork.files import atomic
from scratchwork.jobs import handoff as handing
from scratchwork.system import publishing

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterable
    from types import TracebackType


def temp_path(
    suffix: str = "",
    prefix: str = "tmp",
    dir: str | os.PathLike[str] | None = None,
) -> Entering:
    """Give a private path with nothing there yet, for an `async with`."""
    return Entering(handing.temp_path(suffix, prefix, dir))


class handoff(Entering):  # noqa: N801 - used as a function
    """Give data to another program as a path: `async with handoff(data, ".json") as path`.

    `data` may also be an async iterable of chunks, or a `File`. A file or an iterable that is not async is read to its
    end in a thread, which is waited for, also when we are cancelled: one that may block for ever is to be async.
    """

    def __init__(
        self,
        data: Any,
        suffix: str = "",
        encoding: str = "utf-8",
        newline: str | None = None,
        *,
        memory: bool = False,
        dir: str | os.PathLike[str] | None = None,
    ) -> None:
        if isinstance(data, File):
            data = data.wrapped
        self._chunks: AsyncIterable[Any] | None = data if hasattr(data, "__aiter__") else None
        self._handoff = handing.handoff(
            b"" if self._chunks is not None else data, suffix, encoding, newline, memory=memory, dir=dir
        )
        super().__init__(self._handoff)

    async def __aenter__(self) -> Path:
        if self._chunks is None:
            return await super().__aenter__()
        try:
            return await self._take(self._chunks)
        finally:
            if isinstance(self._chunks, AsyncGenerator):
                await self._chunks.aclose()  # else one that is given up half-way is ended who knows when

    async def _take(self, chunks: AsyncIterable[Any]) -> Path:
        path = Path(await make(self._handoff.begin, lambda _: self._handoff.__exit__(None, None, None)))
        try:
            async for chunk in chunks:
                await call(partial(self._handoff.append, chunk))
            await call(self._handoff.finish)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return path


async def publish(
    source: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    destination: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    overwrite: bool = True,
    durable: bool = True,
    mode: int | None = None,
    *,
    inherit: bool = False,
) -> Path:
    """Move a finished file or directory to where it belongs, in one step. Cancelled, it is moved or it is not."""
    move = partial(publishing.publish, source, destination, overwrite, durable, mode, inherit=inherit)
    return Path(await call(move, is_long=True))


class atomic_write:  # noqa: N801 - used as a function
    """Give a file to write, published when the block ends without an error: `async with atomic_write(path) as file`."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        mode: str = "w",
        *,
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        overwrite: bool = True,
        durable: bool = True,
        permissions: int | None = None,
        inherit: bool = False,
    ) -> None:
        self._writing = atomic.atomic_write(
            path,
            mode,
            buffering=buffering,
            encoding=encoding,
            errors=errors,
            newline=newline,
            overwrite=overwrite,
            durable=durable,
            permissions=permissions,
            inherit=inherit,
        )

    async def __aenter__(self) -> File:
        thrown_away = RuntimeError()
        self._file = File(
            await make(self._writing.__enter__, lambda _: self._writing.__exit__(RuntimeError, thrown_away, None))
        )
        return self._file

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await finish(partial(self._file._fp.call, self._writing.__exit__, kind, error, traceback))  # noqa: SLF001 - our own
