"""Finding what tests leave in the temp folder: the part of the plugin that is loaded where that was asked for.

From the first test's setup to the last one's teardown the temp folder is a place of the session's own, in a leased
workspace: the same one for every test, so that a path that is remembered by one is good in the next. A fixture of a
wider scope is set up with a place of its own, which is looked at when the fixture ends. What was reported stays until
the session ends, since other tests may have come to depend on it; then the workspace goes. After kill -9 the next
session removes it.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial

import pytest

from scratchwork.system.words import plural, size
from scratchwork.testing import wording
from scratchwork.testing.leaks import find
from scratchwork.testing.places import Place, Places, TempFolder
from scratchwork.testing.wording import Told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any, Literal

    from scratchwork.advice.observing import Stack
    from scratchwork.roots.root import Root
    from scratchwork.roots.workspace import Workspace

    Mode = Literal["off", "warn", "error"]

PROPERTY = "scratch_leak"
"""The name of the property of a test's report that tells of a leak."""
ALLOWED = "scratch_leaks_allow"
"""The marker and the option that allow leaks, by patterns of names."""


class Detection:
    """The hooks of one process that runs tests. The name of each is pytest's."""

    def __init__(self, mode: Mode, root: Root, config: pytest.Config) -> None:
        """`root`: where the session's workspace is made, at the first test. Raises nothing."""
        self._mode = mode
        self._root = root
        self._rootpath = str(config.rootpath)
        self._allowed = tuple(config.getini(ALLOWED))
        self._workspace: Workspace | None = None
        self._places: Places
        self._temp: TempFolder
        self._place: Place
        self._in_test = False
        self._failed: pytest.Item | None = None
        self._told: set[Stack] = set()
        self._ended: list[tuple[Place, str]] = []  # of fixtures that have ended, not looked at yet, and their names
        self.late: list[Told] = []
        self.unwatched = 0

    def _start(self) -> None:
        workspace = self._root.workspace("session")
        try:
            base = os.path.realpath(workspace)
            self._places = Places(base)
            self._temp = TempFolder(base)
            self._place = self._places.borrow()
        except BaseException:
            workspace.cleanup()
            raise
        self._places.begin()
        self._workspace = workspace

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Lead the temp folder to the place of tests."""
        if self._workspace is None:
            self._start()
        if item.user_properties:  # it may run again
            item.user_properties[:] = [one for one in item.user_properties if one[0] != PROPERTY]
        if not self._temp.leads_to(self._place.path):
            self._temp.lead(self._place.path)
            self.unwatched += tempfile.tempdir != self._place.path
        if self._place.made or self._place.anonymous:  # between two tests, so by a plugin
            find(self._place, (), self._told)
        self._in_test = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
        """Look at what the test left; after the last, give the temp folder back."""
        if not self._in_test:  # its setup did not come to us
            return (yield)
        leaks = []
        try:
            yield
        finally:
            self._in_test = False
            if nextitem is None:
                self._temp.restore()
            if self._ended or not self._place.is_untouched():
                leaks = self._look(item)
        if leaks and self._mode == "error" and not self._may_fail(item):
            pytest.fail(wording.failure(leaks, item.nodeid, ALLOWED), pytrace=False)

    def _may_fail(self, item: pytest.Item) -> bool:
        """Tell whether a test has failed, or was expected to: then it may not have come to where it cleans up."""
        return self._failed is item or item.get_closest_marker("xfail") is not None

    def _look(self, item: pytest.Item) -> list[Told]:
        """Return what was left by a test, and by fixtures that ended with it, and note it in the test's report."""
        found = find(self._place, self._allowed, self._told)
        for marker in item.iter_markers(ALLOWED):
            found = [leak for leak in found if not leak.matches(marker.args or ("*",))]
        told = [Told.of(leak, item.nodeid, self._rootpath) for leak in found] + self._of_fixtures()
        item.user_properties += [(PROPERTY, one.as_json()) for one in told]
        return told

    def _of_fixtures(self) -> list[Told]:
        """Return what was left by fixtures that have ended. Their values are gone by now, and what went with these."""
        told = []
        while self._ended:
            place, name = self._ended.pop(0)
            told += [Told.of(leak, name, self._rootpath) for leak in find(place, self._allowed, self._told)]
            self._places.give_back(place)
        return told

    def pytest_exception_interact(self, node: pytest.Item | pytest.Collector) -> None:
        """Remember which test has failed: what it left then is told of, and is no error besides."""
        self._failed = node if isinstance(node, pytest.Item) else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Lead the temp folder to a place of the fixture's own, if it outlives a test."""
        scope = fixturedef.scope
        if scope == "function" or not self._in_test:
            return (yield)
        if fixturedef.argname == "tmp_path_factory":
            return (yield from self._outside())
        place = self._places.borrow()
        base = "" if scope == "session" else request.node.nodeid
        ended = place, wording.fixture(fixturedef.argname, scope, base)
        fixturedef.addfinalizer(partial(self._ended.append, ended))
        before = self._temp.lead(place.path)
        try:
            return (yield)
        finally:
            self._temp.give_back(place.path, before)

    def _outside(self) -> Generator[None, Any, object]:
        """Let pytest make the folder for all `tmp_path`s where it would have made it."""
        now = self._temp.now()
        self._temp.put(self._temp.original)
        try:
            factory = yield
            factory.getbasetemp()
        finally:
            self._temp.put(now)
        return factory

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """End the session's workspace, and with it all that was left."""
        try:
            return (yield)
        finally:
            self._finish()
            output = getattr(session.config, "workeroutput", None)  # xdist: what goes to the controller
            if output is not None:
                output[PROPERTY] = {"late": [one.as_json() for one in self.late], "unwatched": self.unwatched}

    def _finish(self) -> None:
        if self._workspace is None:
            return
        self._temp.restore()
        self.late = self._of_fixtures()
        self._places.end()
        workspace, self._workspace = self._workspace, None
        try:
            workspace.cleanup()
        except OSError as error:  # CleanupIncomplete, above all: a later session's sweep tries again
            self.late.append(Told(f"{error}", 0, wording.UNSEEN, "the session"))


class Summary:
    """The hooks of the process that people look at: with xdist another one than those that run the tests."""

    def __init__(self, detection: Detection | None) -> None:
        self._detection = detection
        self._late: list[Told] = []
        self._unwatched = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - xdist's, which has no types
        """Take over what one of xdist's workers found after its last report."""
        output = (getattr(node, "workeroutput", None) or {}).get(PROPERTY)
        if output:
            self._late += [Told.from_json(text) for text in output["late"]]
            self._unwatched += output["unwatched"]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell of all leaks, the most bytes first."""
        late, unwatched = self._late, self._unwatched
        if self._detection is not None:
            late, unwatched = [*late, *self._detection.late], unwatched + self._detection.unwatched
        properties = [
            pair
            for reports in terminalreporter.stats.values()
            for report in reports
            if getattr(report, "when", None) == "teardown"
            for pair in report.user_properties
        ]
        leaks = [Told.from_json(str(value)) for name, value in properties if name == PROPERTY] + late
        if leaks:
            total = size(sum(leak.bytes for leak in leaks))
            title = f"scratch leaks: {plural(len(leaks), 'thing')}, {total}"
            terminalreporter.section(title, sep="=", yellow=True)
            for line in wording.summary(leaks, everything=terminalreporter.verbosity > 0):
                terminalreporter.line(line)
            terminalreporter.line("All of it went with the session, unless KEEP_TEMP=1 was set.")
        if unwatched:
            said = "ran with a temp folder that the tests had set themselves: what is left there is not looked for."
            terminalreporter.line(f"scratch leaks: {plural(unwatched, 'test')} {said}")
