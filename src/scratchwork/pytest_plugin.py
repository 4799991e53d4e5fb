"""The pytest plugin: the fixtures `scratch` and `scratch_faults`, and the detection of what tests leave behind.

It is there for everybody who has scratchwork installed, so it does nothing that was not asked for: two fixtures whose
code is loaded when a test asks for one, and the detection, which is off unless `--scratch-leaks` or the option
`scratch_leaks` turns it on. `-p no:scratchwork` takes it out altogether.

- `scratch`: a `scratchwork.Workspace` for the test, kept if the test fails.
- `scratch_faults`: makes the n-th write, open or unlink in that workspace fail.
- `--scratch-leaks=warn`: a summary at the end of what tests left in the temp folder, or left open there, and of the
  line that made it. No warning for each: with `-W error` that would be an error. `error`: the test's teardown fails.

Safe with pytest-xdist and with other sessions at once: each process has leased workspaces of its own, in one root for
all of a user's sessions. A session that is killed leaves them to the next one, which removes them when it makes its
own. Of what stays when a test was killed nothing is kept: nobody is there to say that it failed.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchwork.roots.root import Root
    from scratchwork.roots.workspace import Workspace
    from scratchwork.testing.faults import Faults
    from scratchwork.testing.keeping import Keeping

APP = "pytest"
"""The application whose root it is, in the temp folder."""
_MODES = ("off", "warn", "error")
_parent: pytest.StashKey[str | None] = pytest.StashKey()
_root: pytest.StashKey[Root] = pytest.StashKey()
_keeping: pytest.StashKey[Keeping] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("scratchwork", "scratch space")
    group.addoption(
        "--scratch-leaks",
        choices=_MODES,
        help="what becomes of a test that leaves something in the temp folder, or open there: nothing is looked for "
        "(off, the default), it is told at the end (warn), or the test fails (error)",
    )
    parser.addini("scratch_leaks", "the default of --scratch-leaks: off, warn or error", default="off")
    parser.addini(
        "scratch_leaks_allow", "patterns of names that may be left in the temp folder, such as numba-*", type="linelist"
    )
    parser.addini("scratch_keep_for", "how long a failed test's workspace is kept", default="3 days")
    parser.addini("scratch_keep_count", "how many of them, of all sessions, are kept", default="50")
    parser.addini("scratch_keep_size", "how many bytes in all of them, of all sessions, are kept", default="1 GiB")


def pytest_configure(config: pytest.Config) -> None:
    """Note where the temp folder is, before any test can change it, and begin the detection where it is on."""
    from scratchwork.system.tempdirs import tempdir

    config.addinivalue_line(
        "markers",
        "scratch_leaks_allow(*patterns): let the test leave what has one of these names; any, if none is given",
    )
    try:
        config.stash[_parent] = tempdir()
    except OSError:  # there is none: told to whoever needs it
        config.stash[_parent] = None
    mode = config.getoption("scratch_leaks") or config.getini("scratch_leaks")
    if mode not in _MODES:
        raise pytest.UsageError(f"scratch_leaks is one of {', '.join(_MODES)}, not {mode!r}")
    if mode != "off":
        with _plain_imports():
            _detect(config, mode)


def _detect(config: pytest.Config, mode: str) -> None:
    from scratchwork.testing.detection import Detection, Summary

    detection = None
    if config.getoption("dist", "no") == "no":  # else this is xdist's controller, which runs no test
        try:
            detection = Detection(mode, root_of(config), config)  # type: ignore[arg-type]
        except OSError as error:
            raise pytest.UsageError(f"--scratch-leaks={mode}: {error}") from error
        config.pluginmanager.register(detection, "scratchwork-detection")
    config.pluginmanager.register(Summary(detection), "scratchwork-summary")


@contextmanager
def _plain_imports() -> Iterator[None]:
    """Import as Python does. Pytest rewrites the asserts of each package with a plugin, and takes twice as long."""
    finders = sys.meta_path[:]
    sys.meta_path[:] = [one for one in finders if type(one).__module__ != "_pytest.assertion.rewrite"]
    try:
        yield
    finally:
        sys.meta_path[:] = finders


def root_of(config: pytest.Config) -> Root:
    """Return the root of all sessions' workspaces, opened, and swept, at the first call. Raises as `Root` does."""
    root = config.stash.get(_root, None)
    if root is None:
        from scratchwork.roots.retention import Retention
        from scratchwork.roots.root import Root
        from scratchwork.system.amounts import bytes_of, count_of, seconds_of

        try:
            retention = Retention(
                age=seconds_of(config.getini("scratch_keep_for")),
                count=count_of(config.getini("scratch_keep_count")),
                bytes=bytes_of(config.getini("scratch_keep_size")),
            )
        except ValueError as error:
            raise pytest.UsageError(f"scratch_keep_...: {error}") from error
        root = config.stash[_root] = Root(APP, config.stash[_parent], retention=retention)
    return root


@pytest.fixture
def scratch(request: pytest.FixtureRequest) -> Workspace:
    """A `scratchwork.Workspace` for this test: a leased directory and an `os.PathLike`; `scratch / "name"` is a Path.

    It is removed after the test's teardown. If the setup, the call or the teardown fails it is kept, and the report of
    the test says where: for 3 days, and of all sessions' workspaces together the newest 50, and 1 GiB (the options
    `scratch_keep_for`, `scratch_keep_count` and `scratch_keep_size`); `scratch ls` lists them. KEEP_TEMP=1 keeps all.
    If the session is killed, the next one removes it.
    """
    config = request.config
    keeping = config.stash.get(_keeping, None)
    if keeping is None:
        from scratchwork.testing.keeping import Keeping

        keeping = config.stash[_keeping] = Keeping(root_of(config))
        config.pluginmanager.register(keeping, "scratchwork-keeping")
    return keeping.make(request.node)


@pytest.fixture
def scratch_faults(scratch: Workspace) -> Iterator[Faults]:
    """Make the n-th write, open or unlink in this test's workspace, `scratch`, fail as a full or broken disk would.

        def test_says_so_when_the_disk_is_full(scratch, scratch_faults):
            fault = scratch_faults.fail("write", nth=3, error=errno.ENOSPC)
            with pytest.raises(OSError):
                export(scratch / "out.csv")
            assert fault.happened == 1

    What it catches, and what not: `scratchwork.testing.faults.Faults`.
    """
    from scratchwork.testing.faults import Faults

    with Faults(scratch) as faults:
        yield faults
