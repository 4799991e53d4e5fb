"""The classes and functions of `scratchwork.tempfile`, for async code; what each does is said there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from scratchwork import tempfile
from scratchwork.aio.calls import call, finish, make
from scratchwork.aio.files import File, Spool, Staying, opening
from scratchwork.aio.opening import Opening

if TYPE_CHECKING:
    from scratchwork import MemoryBudget

    Part = str | bytes | None
    Folder = str | bytes | os.PathLike[str] | os.PathLike[bytes] | None

_sync: Any = tempfile  # whose overloads, by mode and by str or bytes, have no use here


def TemporaryFile(
    mode: str = "w+b",
    buffering: int = -1,
    encoding: str | None = None,
    newline: str | None = None,
    suffix: Part = None,
    prefix: Part = None,
    dir: Folder = None,
    *,
    errors: str | None = None,
) -> Opening[File]:
    """Make a file without a name, for an `async with` or an `await`."""
    return opening(lambda: _sync.TemporaryFile(mode, buffering, encoding, newline, suffix, prefix, dir, errors=errors))


def NamedTemporaryFile(
    mode: str = "w+b",
    buffering: int = -1,
    encoding: str | None = None,
    newline: str | None = None,
    suffix: Part = None,
    prefix: Part = None,
    dir: Folder = None,
    delete: bool = True,
    *,
    errors: str | None = None,
    delete_on_close: bool = True,
    permissions: int = 0o600,
) -> Opening[File]:
    """Make a file with a name, which goes with it, for an `async with` or an `await`."""
    return opening(
        lambda: _sync.NamedTemporaryFile(
            mode,
            buffering,
            encoding,
            newline,
            suffix,
            prefix,
            dir,
            delete,
            errors=errors,
            delete_on_close=delete_on_close,
            permissions=permissions,
        )
    )


def SpooledTemporaryFile(
    max_size: int = 0,
    mode: str = "w+b",
    buffering: int = -1,
    encoding: str | None = None,
    newline: str | None = None,
    suffix: Part = None,
    prefix: Part = None,
    dir: Folder = None,
    *,
    errors: str | None = None,
    cap: int | None = None,
    budget: MemoryBudget | None = None,
) -> Opening[File]:
    """Open a spool, for an `async with` or an `await`; what stays in memory is done at once, without a thread."""
    return opening(
        lambda: _sync.SpooledTemporaryFile(
            max_size,
            mode,
            buffering,
            encoding,
            newline,
            suffix,
            prefix,
            dir,
            errors=errors,
            cap=cap,
            budget=budget,
        ),
        Spool,
    )


class Directory(Staying):
    """A directory that is removed with all that is in it when the block ends, or `cleanup` is called."""

    def __init__(self, wrapped: tempfile.TemporaryDirectory) -> None:
        self.wrapped = self._fp = wrapped

    @property
    def name(self) -> str | bytes:
        """Its absolute path."""
        return self.wrapped.name

    async def cleanup(self) -> None:
        """Remove it now, whatever is cancelled meanwhile. Raises as the original does."""
        await finish(self.wrapped.cleanup)

    async def leave(self, error: BaseException | None) -> None:
        """Remove it at the end of a block, unless it is to stay."""
        del error
        await finish(lambda: self.wrapped.__exit__(None, None, None))

    def __fspath__(self) -> str | bytes:
        return self.wrapped.name


class TemporaryDirectory(Opening[Directory]):
    """Make a directory, for an `async with`, which gives its path, or an `await`, which gives a `Directory`."""

    def __init__(
        self,
        suffix: Part = None,
        prefix: Part = None,
        dir: Folder = None,
        ignore_cleanup_errors: bool = False,
        *,
        delete: bool = True,
        permissions: int = 0o700,
    ) -> None:
        super().__init__(
            lambda: Directory(
                tempfile.TemporaryDirectory(
                    suffix, prefix, dir, ignore_cleanup_errors, delete=delete, permissions=permissions
                )
            ),
            lambda made: made.wrapped.cleanup(),
        )

    async def __aenter__(self) -> Any:
        """Make it; gives its path, as the original does."""
        return (await super().__aenter__()).name


async def mkstemp(
    suffix: Part = None, prefix: Part = None, dir: Folder = None, text: bool = False, *, permissions: int = 0o600
) -> tuple[int, Any]:
    """Make a file that nobody else has, and return its open descriptor and its absolute path."""
    return await make(
        lambda: _sync.mkstemp(suffix, prefix, dir, text, permissions=permissions),
        _remove_file,
    )


async def mkdtemp(suffix: Part = None, prefix: Part = None, dir: Folder = None, *, permissions: int = 0o700) -> Any:
    """Make a directory that nobody else has, and return its absolute path."""
    return await make(lambda: _sync.mkdtemp(suffix, prefix, dir, permissions=permissions), os.rmdir)


async def gettempdir() -> str:
    """Return the temp folder."""
    return await call(tempfile.gettempdir)


async def gettempdirb() -> bytes:
    """Return the temp folder as bytes."""
    return await call(tempfile.gettempdirb)


def _remove_file(made: tuple[int, Any]) -> None:
    descriptor, path = made
    os.close(descriptor)
    os.unlink(path)
