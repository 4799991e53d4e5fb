"""The standard library's `tempfile`, every public name of it, faster and with its known faults mended.

    from scratchwork import tempfile

is the only change that a program needs. Which one to use:

- `TemporaryFile()`: nobody needs its name. The kernel removes it however the process dies.
- `SpooledTemporaryFile(max_size)`: the same, in memory while it is small; `cap` limits one, a `budget` many.
- `NamedTemporaryFile()`: another program needs its name. `TemporaryDirectory()`: it needs several.
- `mkstemp()`, `mkdtemp()`: somebody else removes them.

Beyond the original: names come from the operating system's CSPRNG; only the process that made something removes it,
and only if the name still leads to it; what a constructor made is gone if it fails; every object can `keep()` or
`publish()` what it holds; files are 0600 and directories 0700 whatever the umask, or have the `permissions` asked
for. A prefix or suffix with a separator, '..' or NUL is refused. A temp folder that has vanished is found anew.

Not guaranteed: after kill -9 a named file or directory stays, unless it lies in a workspace (`scratchwork.install()`,
`scratch run`), whose next sweep removes it.

(PYTEST_DONT_REWRITE: pytest puts names of its own into modules of packages that have a plugin.)
"""

from __future__ import annotations as _annotations

import errno as _errno
import io as _io
import os as _os
import sys as _sys
from _thread import allocate_lock as _allocate_lock

from scratchwork.files import anonymous as _anonymous
from scratchwork.files import making as _making
from scratchwork.files import metering as _metering
from scratchwork.files.directories import OwnedDirectory as _OwnedDirectory
from scratchwork.files.named import NamedFile as _NamedFile
from scratchwork.files.opening import Kinds as _Kinds
from scratchwork.files.opening import open_with as _open_with
from scratchwork.files.spooled import BinarySpool as _BinarySpool
from scratchwork.files.spooled import Storage as _SpoolStorage
from scratchwork.files.spooled import TextSpool as _TextSpool
from scratchwork.system import names as _names
from scratchwork.system.tempdirs import candidates as _candidate_tempdir_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import IO, Any, AnyStr, Self, overload

    from _typeshed import OpenBinaryMode, OpenTextMode

    from scratchwork.files.anonymous import AnonymousRandom, AnonymousText
    from scratchwork.files.budgets import MemoryBudget
    from scratchwork.files.metering import Meters

    AnyPath = str | bytes | _os.PathLike[str] | _os.PathLike[bytes]
else:
    overload = staticmethod  # in the place of `typing.overload`, which takes longer to import than all of this


__all__ = [  # noqa: RUF022 - the original's order
    "NamedTemporaryFile",
    "TemporaryFile",
    "SpooledTemporaryFile",
    "TemporaryDirectory",
    "mkstemp",
    "mkdtemp",
    "mktemp",
    "TMP_MAX",
    "gettempprefix",
    "tempdir",
    "gettempdir",
    "gettempprefixb",
    "gettempdirb",
]

_PRIVATE = (  # what others import, `multiprocessing` and `urllib` among them
    "_RandomNameSequence",
    "_TemporaryFileWrapper",
    "_candidate_tempdir_list",
    "_get_candidate_names",
    "_get_default_tempdir",
    "_infer_return_type",
    "_mkstemp_inner",
)

TMP_MAX: int = getattr(_os, "TMP_MAX", 10000)
"""How many names are tried before giving up."""

template = "tmp"
"""What names begin with if no prefix is given."""

tempdir: str | bytes | None = None
"""The temp folder, if the program sets it; else found at first use and kept here."""

_text_openflags = _os.O_RDWR | _os.O_CREAT | _os.O_EXCL | getattr(_os, "O_NOFOLLOW", 0) | getattr(_os, "O_CLOEXEC", 0)
_bin_openflags = _text_openflags | getattr(_os, "O_BINARY", 0)
_O_TMPFILE_WORKS = hasattr(_os, "O_TMPFILE")
_IS_WINDOWS = _os.name == "nt"
_NAME_LENGTH = 8
_GenericAlias: Any = type(list[int])

_once_lock = _allocate_lock()
if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_once_lock._at_fork_reinit)  # type: ignore[attr-defined]  # noqa: SLF001

_found: str | None = None  # what was found for `tempdir`, to tell it from what a program sets
_standard: ModuleType | None = None  # the original, once these functions were put into it (`scratchwork.install`)


# Names


class _RandomNameSequence:
    """An endless iterator of names of eight characters, from the CSPRNG; safe across threads and forks."""

    characters = _names.ALPHABET

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        return _names.draw(_NAME_LENGTH)


_name_sequence = _RandomNameSequence()


def _get_candidate_names() -> _RandomNameSequence:
    return _name_sequence


def _infer_return_type(*parts: Any) -> type[str | bytes]:
    """Return str or bytes, whichever all `parts` that are given are. Raises TypeError if they differ."""
    kinds = {bytes if isinstance(_os.fspath(part), bytes) else str for part in parts if part is not None}
    if len(kinds) > 1:
        raise TypeError("Can't mix bytes and non-bytes in path components.")
    if kinds:
        return kinds.pop()
    chosen = _chosen_tempdir()
    return str if chosen is None or isinstance(chosen, str) else bytes


def _sanitize_params(
    prefix: Any,
    suffix: Any,
    dir: Any,
) -> tuple[str, str, str, type[str | bytes]]:
    """Return prefix, suffix and folder as str, with their defaults, and the type that the caller wants back."""
    if prefix is suffix is dir is None and tempdir.__class__ is str and _standard is None:
        return template, "", tempdir, str  # what most ask for
    kind = _infer_return_type(prefix, suffix, dir)
    return (
        gettempprefix() if prefix is None else _making.harmless(prefix, "prefix"),
        "" if suffix is None else _making.harmless(suffix, "suffix"),
        _os.fsdecode(_gettempdir() if dir is None else dir),
        kind,
    )


# The temp folder


def _get_default_tempdir() -> str:
    """Return the first candidate in which a file can be made and written. Raises FileNotFoundError if there is none."""
    candidates = _candidate_tempdir_list()
    for candidate in candidates:
        path = candidate if candidate == _os.curdir else _os.path.abspath(candidate)
        for _ in range(100):
            probe = _os.path.join(path, next(_name_sequence))
            try:
                descriptor = _os.open(probe, _bin_openflags, _making.FILE_PERMISSIONS)
            except FileExistsError:
                continue
            except OSError:
                break
            if _can_write(descriptor, probe):
                return path
            break
    raise FileNotFoundError(_errno.ENOENT, f"No usable temporary directory found in {candidates}")


def _can_write(descriptor: int, path: str) -> bool:
    try:
        try:
            _os.write(descriptor, b"blat")
        finally:
            _os.close(descriptor)
            _os.unlink(path)
    except OSError:
        return False
    return True


def _chosen_tempdir() -> str | bytes | None:
    if _standard is not None and _standard.tempdir is not None:
        chosen: str | bytes = _standard.tempdir
        return chosen
    return tempdir


def _gettempdir() -> str | bytes:
    global tempdir, _found
    chosen = _chosen_tempdir()
    if chosen is None:
        with _once_lock:
            if tempdir is None:
                tempdir = _found = _get_default_tempdir()
            chosen = tempdir
    return chosen


def _forget_vanished() -> bool:
    """Forget the temp folder that was found if it is not there any more; return whether that was so."""
    global tempdir, _found
    with _once_lock:
        if _found is None or tempdir is not _found or _os.path.isdir(_found):
            return False
        tempdir = _found = None
        return True


def gettempdir() -> str:
    """Return the temp folder: `tempdir` if the program has set it, else the first usable candidate.

    The candidates are TMPDIR, TEMP and TMP in the environment, the platform's usual folders, the current one. What was
    found is kept, as long as it is there. Raises FileNotFoundError if none is usable.
    """
    _gettempdir()
    _forget_vanished()
    return _os.fsdecode(_gettempdir())


def gettempdirb() -> bytes:
    """Return `gettempdir()` as bytes."""
    return _os.fsencode(gettempdir())


def gettempprefix() -> str:
    """Return what names begin with if no prefix is given."""
    return _os.fsdecode(template)


def gettempprefixb() -> bytes:
    """Return `gettempprefix()` as bytes."""
    return _os.fsencode(template)


# Making


def _mkstemp_inner(
    dir: Any,
    pre: Any,
    suf: Any,
    flags: int,
    output_type: type[str | bytes],
) -> tuple[int, Any]:
    """Make a file, and return its descriptor and its absolute path. What `tempfile` has below all that make files."""
    _infer_return_type(dir, pre, suf)
    descriptor, path, _ = _making.make_file(
        _os.path.abspath(_os.fsdecode(dir)),
        _os.fsdecode(pre),
        _get_candidate_names(),
        _os.fsdecode(suf),
        flags,
        _making.FILE_PERMISSIONS,
    )
    return descriptor, path if output_type is str else _os.fsencode(path)


def _new_file(
    suffix: Any,
    prefix: Any,
    dir: Any,
    flags: int,
    permissions: int = _making.FILE_PERMISSIONS,
) -> tuple[int, Any, _os.stat_result]:
    """Make a file where and as the arguments of a public function say; return descriptor, absolute path and status."""
    pre, suf, folder, kind = _sanitize_params(prefix, suffix, dir)
    if folder is not _found:
        folder = _os.path.abspath(folder)
    _take_one(_metering.over(folder))
    try:
        descriptor, path, status = _making.make_file(folder, pre, _get_candidate_names(), suf, flags, permissions)
    except FileNotFoundError:
        if dir is not None or not _forget_vanished():
            raise
        return _new_file(suffix, prefix, None, flags, permissions)
    return descriptor, path if kind is str else _os.fsencode(path), status


def _meters(dir: Any) -> Meters | None:
    """Return what a file that is made in a folder counts against; None, at no cost, where no quota can be in force."""
    if dir is not None and dir.__class__ is not str:
        dir = _os.fspath(dir)  # which may make a workspace, and with it the first quota of this process
    if not _metering.is_needed():
        return None
    folder = _gettempdir() if dir is None else dir
    if folder.__class__ is not str or not folder.startswith(_os.sep):
        folder = _os.path.abspath(_os.fsdecode(folder))
    return _metering.over(folder)


def _take_one(meters: Meters | None) -> None:
    """Take one file from a quota. Raises QuotaExceeded. If it can't be made then, the next recount tells."""
    if meters is not None:
        with meters:
            meters.take_file()


def _new_folder(suffix: Any, prefix: Any, dir: Any, permissions: int) -> tuple[Any, _os.stat_result]:
    """Make a directory where and as the arguments of a public function say; return its absolute path and status."""
    pre, suf, folder, kind = _sanitize_params(prefix, suffix, dir)
    if folder is not _found:
        folder = _os.path.abspath(folder)
    _take_one(_metering.over(folder))
    try:
        path, status = _making.make_folder(folder, pre, _get_candidate_names(), suf, permissions)
    except FileNotFoundError:
        if dir is not None or not _forget_vanished():
            raise
        return _new_folder(suffix, prefix, None, permissions)
    return path if kind is str else _os.fsencode(path), status


def mkstemp(
    suffix: AnyStr | None = None,
    prefix: AnyStr | None = None,
    dir: Any = None,
    text: bool = False,
    *,
    permissions: int = _making.FILE_PERMISSIONS,
) -> tuple[int, AnyStr]:
    """Make a file that nobody else has, and return its open descriptor and its absolute path.

    The caller removes it. `suffix`, `prefix`: what its name ends and begins with (default: '' and "tmp"). `dir`: the
    folder it lies in (default: `gettempdir()`); a relative one is taken as it is now. If they are bytes, so is the
    path; they can't be mixed. `text`: open it in text mode, which makes a difference on Windows. `permissions`: exactly
    those, whatever the umask; never wider, not for an instant.

    Raises ValueError for a prefix or suffix with a separator, '..' or NUL, TypeError, and OSError. Children don't
    inherit the descriptor. Safe in several threads.
    """
    descriptor, path, _ = _new_file(suffix, prefix, dir, _text_openflags if text else _bin_openflags, permissions)
    return descriptor, path


def mkdtemp(
    suffix: AnyStr | None = None,
    prefix: AnyStr | None = None,
    dir: Any = None,
    *,
    permissions: int = _making.FOLDER_PERMISSIONS,
) -> AnyStr:
    """Make a directory that nobody else has, and return its absolute path. The caller removes it.

    Arguments and errors are those of `mkstemp`.
    """
    path: AnyStr
    path, _ = _new_folder(suffix, prefix, dir, permissions)
    return path


def mktemp(suffix: str = "", prefix: str = template, dir: Any = None) -> str:
    """Return a path that nothing has at this moment. UNSAFE: somebody else may have it in the next. Use `mkstemp`."""
    _making.harmless(prefix, "prefix")
    _making.harmless(suffix, "suffix")
    folder = gettempdir() if dir is None else dir
    candidates = iter(_get_candidate_names())
    for _ in range(TMP_MAX):
        path: str = _os.path.join(folder, prefix + next(candidates) + suffix)
        if not _os.path.lexists(path):
            return path
    raise FileExistsError(_errno.EEXIST, "No usable temporary filename found")


# Named files


_TemporaryFileWrapper = _NamedFile


@overload
def NamedTemporaryFile(
    mode: OpenTextMode,
    buffering: int = ...,
    encoding: str | None = ...,
    newline: str | None = ...,
    suffix: AnyStr | None = ...,
    prefix: AnyStr | None = ...,
    dir: AnyPath | None = ...,
    delete: bool = ...,
    *,
    errors: str | None = ...,
    delete_on_close: bool = ...,
    permissions: int = ...,
) -> _NamedFile[str]: ...
@overload
def NamedTemporaryFile(
    mode: OpenBinaryMode = ...,
    buffering: int = ...,
    encoding: str | None = ...,
    newline: str | None = ...,
    suffix: AnyStr | None = ...,
    prefix: AnyStr | None = ...,
    dir: AnyPath | None = ...,
    delete: bool = ...,
    *,
    errors: str | None = ...,
    delete_on_close: bool = ...,
    permissions: int = ...,
) -> _NamedFile[bytes]: ...
@overload
def NamedTemporaryFile(
    mode: str = ...,
    buffering: int = ...,
    encoding: str | None = ...,
    newline: str | None = ...,
    suffix: AnyStr | None = ...,
    prefix: AnyStr | None = ...,
    dir: AnyPath | None = ...,
    delete: bool = ...,
    *,
    errors: str | None = ...,
    delete_on_close: bool = ...,
    permissions: int = ...,
) -> _NamedFile[Any]: ...
def NamedTemporaryFile(
    mode: str = "w+b",
    buffering: int = -1,
    encoding: str | None = None,
    newline: str | None = None,
    suffix: Any = None,
    prefix: Any = None,
    dir: Any = None,
    delete: bool = True,
    *,
    errors: str | None = None,
    delete_on_close: bool = True,
    permissions: int = _making.FILE_PERMISSIONS,
) -> _NamedFile[Any]:
    """Make a file with a name, and return a file object that removes it when it is closed.

    `mode`, `buffering`, `encoding`, `newline`, `errors`: as `open` has them. `suffix`, `prefix`, `dir`,
    `permissions`: as `mkstemp` has them. `delete`: whether it is removed at all; may be changed on the object.
    `delete_on_close`: remove it when it is closed, else when a `with` block ends or the object is collected.

    The object is an `os.PathLike`; `name` is the file's absolute path; `keep()` and `publish()` let it stay. One that
    is collected without having been closed warns with a ResourceWarning. Raises what `open` and `mkstemp` raise, and
    leaves nothing behind then. Only the process that made it removes it, at its exit at the latest.
    """
    flags = _bin_openflags
    if _IS_WINDOWS and delete and delete_on_close:
        flags |= getattr(_os, "O_TEMPORARY", 0)  # Windows removes it when it is closed
    if mode == "w+b" and buffering == -1 and encoding is errors is newline is None:
        descriptor, path, status = _new_file(suffix, prefix, dir, flags, permissions)
        try:
            made_file = _TemporaryFileWrapper(descriptor, path, delete, delete_on_close, status)
        except BaseException:
            _os.close(descriptor)
            _unlink_unless_windows_has(path)
            raise
        if _metering.is_needed():
            made_file.meters = _meters(dir)
        return made_file
    if "b" not in mode:
        encoding = _io.text_encoding(encoding)
    made: list[Any] = []

    def open_it(_path: str, _flags: int) -> int:
        made[:] = _new_file(suffix, prefix, dir, flags, permissions)
        return made[0]  # type: ignore[no-any-return]

    try:
        file = _open_with(_Kinds(), open_it, mode, buffering, encoding, errors, newline, _meters(dir))
        try:
            buffered = getattr(file, "buffer", file)
            getattr(buffered, "raw", buffered).name = made[1]
            return _TemporaryFileWrapper(file, made[1], delete, delete_on_close, made[2])
        except BaseException:
            file.close()
            raise
    except BaseException:
        if made:
            _unlink_unless_windows_has(made[1])
        raise


def _unlink_unless_windows_has(path: Any) -> None:
    try:
        _os.unlink(path)
    except FileNotFoundError:
        if not _IS_WINDOWS:
            raise


# Files without a name


def _open_unnamed(suffix: Any, prefix: Any, dir: Any, meters: Meters | None) -> int:
    """Return the descriptor of a file without a name."""
    if _O_TMPFILE_WORKS:
        _take_one(meters)
        descriptor = _anonymous.unnamed_descriptor(_gettempdir() if dir is None else dir)
        if descriptor is not None:
            return descriptor
    descriptor, path, _ = _new_file(suffix, prefix, dir, _bin_openflags)
    try:
        _os.unlink(path)
    except BaseException:
        _os.close(descriptor)
        raise
    return descriptor


@overload
def TemporaryFile(
    mode: OpenTextMode,
    buffering: int = ...,
    encoding: str | None = ...,
    newline: str | None = ...,
    suffix: AnyStr | None = ...,
    prefix: AnyStr | None = ...,
    dir: AnyPath | None = ...,
    *,
    errors: str | None = ...,
) -> AnonymousText: ...
@overload
def TemporaryFile(
    mode: OpenBinaryMode = ...,
    buffering: int = ...,
    encoding: str | None = ...,
    newline: str | None = ...,
    suffix: AnyStr | None = ...,
    prefix: AnyStr | None = ...,
    dir: AnyPath | None = ...,
    *,
    errors: str | None = ...,
) -> AnonymousRandom: ...
@overload
def TemporaryFile(
    mode: str = ...,
    buffering: int = ...,
    encoding: str | None = ...,
    newline: str | None = ...,
    suffix: AnyStr | None = ...,
    prefix: AnyStr | None = ...,
    dir: AnyPath | None = ...,
    *,
    errors: str | None = ...,
) -> IO[Any]: ...
def TemporaryFile(
    mode: str = "w+b",
    buffering: int = -1,
    encoding: str | None = None,
    newline: str | None = None,
    suffix: Any = None,
    prefix: Any = None,
    dir: Any = None,
    *,
    errors: str | None = None,
) -> Any:
    """Make a file without a name, and return a file object; the kernel removes it when it is closed.

    `mode`, `buffering`, `encoding`, `newline`, `errors`: as `open` has them. `dir`: the folder on whose device it lies
    (default: `gettempdir()`). `prefix`, `suffix`: of the name that it has for an instant where the file system can't
    do without one.

    `keep()` and `publish()` give it a name, so that it stays. Raises what `open` and `mkstemp` raise. However the
    process dies, nothing stays.
    """
    if not (suffix is prefix is None):
        _sanitize_params(prefix, suffix, dir)
    meters = _meters(dir)
    if mode == "w+b" and buffering == -1 and encoding is errors is newline is None:
        file: Any = _anonymous.over(_open_unnamed(suffix, prefix, dir, meters), meters)
    else:
        if "b" not in mode:
            encoding = _io.text_encoding(encoding)
        file = _anonymous.open_anonymous(
            lambda: _open_unnamed(suffix, prefix, dir, meters), mode, buffering, encoding, errors, newline, meters
        )
    file.home = tempdir if dir is None else _os.path.abspath(dir)
    return file


if _os.name != "posix" or _sys.platform == "cygwin":
    TemporaryFile = NamedTemporaryFile  # type: ignore[assignment] # what is open can't be unlinked there


# Spools


class _SpoolType(type):
    def __instancecheck__(cls, instance: object) -> bool:
        """Say that a text spool is a SpooledTemporaryFile, too, which by its layout it can't be."""
        return type.__instancecheck__(cls, instance) or (
            cls is SpooledTemporaryFile and isinstance(instance, _TextSpool)
        )


class _Storage(_SpoolStorage):
    """The raw file below a spool, which goes to the temp folder."""

    place: tuple[Any, Any, Any]
    """Suffix, prefix and folder."""

    def open_file(self) -> _io.FileIO:
        suffix, prefix, dir = self.place
        if TemporaryFile is NamedTemporaryFile:
            return NamedTemporaryFile("w+b", 0, suffix=suffix, prefix=prefix, dir=dir)  # type: ignore[return-value]
        meters = _meters(dir)
        file = _anonymous.over(_open_unnamed(suffix, prefix, dir, meters), meters)
        file.fileno()  # settles its mode: others may reach it by the spool's name
        return file.detach()  # type: ignore[return-value]

    @property
    def home(self) -> str:
        return _os.fsdecode(_gettempdir() if self.place[2] is None else self.place[2])


class SpooledTemporaryFile(_BinarySpool, metaclass=_SpoolType):  # type: ignore[metaclass]
    """A file that lives in memory until it outgrows `max_size`, or `rollover()` or `fileno()` is called.

    A binary one is a real `io.BufferedRandom`; with a text mode you get a real `io.TextIOWrapper` over one, which
    `isinstance` calls a SpooledTemporaryFile as well. Subclasses are binary.
    """

    def __new__(cls, max_size: int = 0, mode: str = "w+b", *arguments: Any, **options: Any) -> Any:
        """Make a binary one, or hand over to a text spool."""
        if "b" in mode or cls is not SpooledTemporaryFile:
            return _io.BufferedRandom.__new__(cls)
        return _text_spool(max_size, mode, *arguments, **options)

    def __init__(
        self,
        max_size: int = 0,
        mode: str = "w+b",
        buffering: int = -1,
        encoding: str | None = None,
        newline: str | None = None,
        suffix: Any = None,
        prefix: Any = None,
        dir: Any = None,
        *,
        errors: str | None = None,
        cap: int | None = None,
        budget: MemoryBudget | None = None,
    ) -> None:
        """Open an empty spool.

        `max_size`: the bytes that it may hold in memory; 0: no limit. `cap`: the bytes that it may hold at all, in
        memory or on disk; a write that would exceed it raises SpoolFull and changes nothing. `budget`: shared by many
        spools; once it is spent, a spool that asks for more goes to disk. The rest is as `TemporaryFile` has it.

        Whatever is written may raise OSError when it goes to disk; what was in memory stays there then. `name` is None,
        and on disk a path that leads to the file as long as it is open.
        """
        if "b" not in mode:
            raise TypeError(f"a subclass of SpooledTemporaryFile is binary; mode is {mode!r}")
        if not (encoding is errors is newline is None):
            raise ValueError("binary mode doesn't take an encoding, errors or newline argument")
        if not (suffix is prefix is None):
            _sanitize_params(prefix, suffix, dir)
        raw = _Storage(max_size)
        raw.place = suffix, prefix, dir  # the rest in one step, since many spools hold a few bytes for an instant
        _io.BufferedRandom.__init__(self, raw, buffering if buffering > 1 else _io.DEFAULT_BUFFER_SIZE)
        if cap is not None or budget is not None:
            self.limit(cap, budget)
        if cap is None and _metering.is_needed():
            raw.serve(self)

    @classmethod
    def __class_getitem__(cls, item: Any) -> Any:
        return _GenericAlias(cls, item)

    # A binary file has none of these, but programs look for them on the class.
    encoding = property(lambda self: self._lacks("encoding"))
    errors = property(lambda self: self._lacks("errors"))
    newlines = property(lambda self: self._lacks("newlines"))

    def _lacks(self, name: str) -> Any:
        raise AttributeError(f"a binary {type(self).__name__} has no {name}")


def _text_spool(
    max_size: int,
    mode: str,
    buffering: int = -1,
    encoding: str | None = None,
    newline: str | None = None,
    suffix: Any = None,
    prefix: Any = None,
    dir: Any = None,
    *,
    errors: str | None = None,
    cap: int | None = None,
    budget: MemoryBudget | None = None,
) -> _TextSpool:
    binary = SpooledTemporaryFile(max_size, "w+b", -1, None, None, suffix, prefix, dir, cap=cap, budget=budget)
    try:
        return _TextSpool(binary, mode, buffering, _io.text_encoding(encoding), errors, newline)
    except BaseException:
        binary.close()
        raise


# Directories


class TemporaryDirectory(_OwnedDirectory):
    """A directory that is removed with all that is in it when the block ends, or the object is collected.

    As a context manager it gives its absolute path. `suffix`, `prefix`, `dir`, `permissions`: as `mkstemp` has them.
    `ignore_cleanup_errors`: say nothing of what can't be removed. `delete`: whether it is removed at all; may be
    changed on the object. It is an `os.PathLike`, and can be kept or published.

    Making it raises what `mkdtemp` raises; ending it OSError, of the kind and with the path of the first thing that
    can't be removed. One that is left to the garbage collector or the exit warns with a ResourceWarning.
    """

    def __init__(
        self,
        suffix: Any = None,
        prefix: Any = None,
        dir: Any = None,
        ignore_cleanup_errors: bool = False,
        *,
        delete: bool = True,
        permissions: int = _making.FOLDER_PERMISSIONS,
    ) -> None:
        path, status = _new_folder(suffix, prefix, dir, permissions)
        self._take(path, status, delete=delete, ignore_cleanup_errors=ignore_cleanup_errors)

    @classmethod
    def __class_getitem__(cls, item: Any) -> Any:
        return _GenericAlias(cls, item)


def _put_into(standard: ModuleType) -> None:
    """Put these functions and classes into the standard library's module, whose `tempdir` they heed from then on."""
    global _standard
    _standard = standard
    for name in (*__all__, *_PRIVATE):
        if callable(value := globals()[name]):
            setattr(standard, name, value)


_metering.join_own()

del TYPE_CHECKING, overload  # so that the public names are the original's
