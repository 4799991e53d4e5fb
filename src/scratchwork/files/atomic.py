"""Writing a file so that readers see the old one, or the new one whole."""

from __future__ import annotations

import io
import os

from scratchwork.errors import DestinationExists
from scratchwork.files import metering, owning
from scratchwork.system.publishing import open_draft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import IO, Any

    from scratchwork.files.metering import Meters
    from scratchwork.system.publishing import Draft


class atomic_write:  # noqa: N801 - used as a function
    r"""A context manager that gives a file to write, and publishes it at `path` when the block ends without an error.

        with scratchwork.atomic_write("report.csv", encoding="utf-8") as file:
            file.write("id,name\n")

    Readers of `path` see the old file, or the new one whole, also across a crash or kill -9. An exception in the block
    leaves the old file as it was. Until the end, the content is in a file without a name beside `path`, so that nothing
    is left however the process dies (where the file system can't, it is a hidden `.NAME.RANDOM.part`).

    `mode`: of `open`, with "w" or "x" in it ("x" means that `overwrite` is False); `buffering`, `encoding`, `errors`,
    `newline` too. `overwrite`, `durable`, `inherit`: as `scratchwork.publish` has them. `permissions`: its `mode`.

    In a workspace with a quota what is written counts, beside the old file as long as that is there; a write that would
    exceed it raises QuotaExceeded.

    Raises what `open` raises for a bad mode or encoding, and CannotPublish and DestinationExists when the block begins
    or ends. One object serves one block, in one thread. In a forked child that leaves the block nothing is published.
    """

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
        if not {"w", "x"} & set(mode):
            raise ValueError(f"a file is written anew: its mode has 'w' or 'x' in it, not {mode!r}")
        self._path = path
        self._mode = mode
        self._how: dict[str, Any] = {
            "buffering": buffering,
            "encoding": encoding if "b" in mode else io.text_encoding(encoding),
            "errors": errors,
            "newline": newline,
        }
        self._terms: dict[str, Any] = {
            "overwrite": overwrite and "x" not in mode,
            "durable": durable,
            "mode": permissions,
            "inherit": inherit,
        }
        self._maker = owning.process

    def __enter__(self) -> IO[Any]:
        if not self._terms["overwrite"] and os.path.lexists(self._path):
            raise DestinationExists(os.fspath(self._path), None, "check")  # now, not after all the work
        meters = metering.over_file(os.path.abspath(self._path)) if metering.is_needed() else None
        self._draft = _open_draft(self._path, meters)
        try:
            if meters is None:
                self._file = io.open(self._draft.fd, self._mode, closefd=False, **self._how)  # noqa: UP020 - says which
            else:
                self._file = self._open_metered(meters)
        except BaseException:
            self._draft.close()
            raise
        return self._file

    def _open_metered(self, meters: Meters) -> IO[Any]:
        from scratchwork.files.opening import Kinds, open_with

        def open_it(_path: str, _flags: int) -> int:
            return os.dup(self._draft.fd)

        file: IO[Any] = open_with(Kinds(), open_it, self._mode, **self._how, meters=meters)
        buffered: Any = getattr(file, "buffer", file)
        getattr(buffered, "raw", buffered).name = self._draft.fd
        return file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None and self._maker == owning.process:
                self._file.close()  # which writes what is left; the descriptor stays open
                self._draft.commit(**self._terms)
        finally:
            try:
                self._file.close()
            except OSError:
                pass  # there is no room for what is thrown away, or the error of the first attempt is on its way
            self._draft.close()
            del self._draft, self._file  # and with it the descriptor of the folder


def _open_draft(path: str | os.PathLike[str], meters: Meters | None) -> Draft:
    if meters is None:
        return open_draft(path)
    with meters:
        meters.take_file()
        try:
            return open_draft(path)
        except BaseException:
            meters.give(0, 1)
            raise
