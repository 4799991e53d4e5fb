"""File objects for async code: anyio's, over ours."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import IO, TYPE_CHECKING, Any

from anyio import AsyncFile, Path
from anyio.lowlevel import checkpoint

from scratchwork.aio.calls import call, finish
from scratchwork.aio.opening import Opening
from scratchwork.files.spooled import BinarySpool, TextSpool

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from typing import Self

_PENDING = 8192 + 4  # bytes that may wait in a text file besides what is written to it, and a byte order mark
_WIDEST = 4  # bytes of a character


class _OneAtATime:
    """A file object whose methods run one after the other: a thread may go on after its caller was cancelled."""

    def __init__(self, file: IO[Any]) -> None:
        self.file = file
        self.lock = Lock()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.file, name)
        return partial(self.call, value) if callable(value) else value

    def call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        with self.lock:
            return method(*arguments, **options)


class Staying:
    """What is temporary, and can be kept or published: see the methods of the object that is wrapped."""

    _fp: Any

    async def keep(self) -> Path:
        """Let it stay, and return its path. Raises AttributeError for a file that can't."""
        return Path(await call(self._fp.keep))

    async def publish(
        self,
        destination: str | os.PathLike[str],
        overwrite: bool = True,
        durable: bool = True,
        mode: int | None = None,
        *,
        inherit: bool = False,
    ) -> Path:
        """Move it to where it belongs, atomically. Raises AttributeError for a file that can't."""
        return Path(await call(partial(self._fp.publish, destination, overwrite, durable, mode, inherit=inherit)))


class File(Staying, AsyncFile[Any]):
    """An `anyio.AsyncFile` that is closed whatever is cancelled. For one task at a time."""

    def __init__(self, file: IO[Any]) -> None:
        super().__init__(_OneAtATime(file))  # type: ignore[arg-type] # it does all that the file does

    @property
    def wrapped(self) -> Any:
        """The file object itself."""
        return self._fp.file

    async def aclose(self) -> None:
        """Close the file, and remove what is removed then."""
        await finish(self._fp.close)

    async def leave(self, error: BaseException | None) -> None:
        """End a block: close the file, and remove what is removed then."""
        del error
        await finish(partial(self._fp.__getattr__("__exit__"), None, None, None))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.leave(None)

    def __fspath__(self) -> str | bytes:
        path: str | bytes = self._fp.__fspath__()
        return path


class Spool(File):
    """A spool: what stays in memory is read and written at once, without a thread."""

    async def rollover(self) -> None:
        """Go to disk now."""
        await call(self._fp.rollover)

    async def write(self, b: Any) -> int:
        """Write; in a thread if it may go to disk."""
        return await self._do(self.wrapped.write, b) if self._fits(b) else await super().write(b)

    async def read(self, size: int = -1) -> Any:
        """Read; in a thread if it is on disk."""
        return await self._do(self.wrapped.read, size) if self._fits(b"") else await super().read(size)

    async def seek(self, offset: int, whence: int | None = 0) -> int:
        """Seek; in a thread if it is on disk."""
        return (
            await self._do(self.wrapped.seek, offset, whence) if self._fits(b"") else await super().seek(offset, whence)
        )

    def _fits(self, data: Any) -> bool:
        """Whether all is in memory, also when that is written. It takes that much from the spool's budget."""
        spool: BinarySpool | TextSpool = self.wrapped
        if isinstance(spool, TextSpool):
            return not spool.closed and spool.buffer.fits(_WIDEST * len(data) + _PENDING)
        return not spool.closed and spool.fits(memoryview(data).nbytes)

    async def _do(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """Call a method that does not block, unless a thread that was given up is at the file."""
        await checkpoint()
        if not self._fp.lock.acquire(blocking=False):
            return await call(partial(self._fp.call, method, *arguments))
        try:
            return method(*arguments)
        finally:
            self._fp.lock.release()


def opening(function: Callable[[], IO[Any]], kind: type[File] = File) -> Opening[File]:
    """Return what opens a file by calling `function` in a thread."""
    return Opening(lambda: kind(function()), lambda file: file._fp.__getattr__("__exit__")(None, None, None))  # noqa: SLF001 - our own
