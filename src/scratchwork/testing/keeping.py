"""The workspaces of the fixture `scratch`: one for each test that asks for it, kept if the test fails."""

from __future__ import annotations

import logging

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from scratchwork.roots.root import Root
    from scratchwork.roots.workspace import Workspace

SECTION = "scratch workspace"
PROPERTY = "scratch_workspace"
"""The name of the property of a failed test's report that tells the path."""
_MOST_CHARACTERS = 200
_log = logging.getLogger("scratchwork")


class Keeping:
    """The hooks that decide what becomes of a test's workspace, once its last phase is over."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._workspaces: dict[pytest.Item, Workspace] = {}

    def make(self, item: pytest.Item) -> Workspace:
        """Return the workspace of a test, newly made. Raises as `Root.workspace` does."""
        self._end(item)  # of a run before: plugins repeat tests
        item.user_properties[:] = [one for one in item.user_properties if one[0] != PROPERTY]
        workspace = self._workspaces[item] = self._root.workspace(_label(item.nodeid))
        return workspace

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep the workspace of a test that fails, say so in its report, and end it after the last phase."""
        report = yield
        workspace = self._workspaces.get(item)
        if workspace is None:
            return report
        if report.failed and not workspace.has_ended:
            report.sections.append((SECTION, self._keep(workspace, f"{item.nodeid} failed in its {report.when}")))
            if all(name != PROPERTY for name, _ in item.user_properties):
                told = (PROPERTY, str(workspace))
                item.user_properties.append(told)
                report.user_properties.append(told)
        if report.when == "teardown":
            problem = self._end(item)
            if problem is not None:
                report.sections.append((SECTION, str(problem)))
        return report

    @staticmethod
    def _keep(workspace: Workspace, why: str) -> str:
        try:
            workspace.keep(why)
        except OSError as error:  # a full disk
            return str(error)
        return str(workspace)

    def _end(self, item: pytest.Item) -> OSError | None:
        workspace = self._workspaces.pop(item, None)
        if workspace is None or workspace.has_ended:
            return None
        level = _log.level
        _log.setLevel(logging.ERROR)  # that it is kept, its report says
        try:
            workspace.cleanup()
        except OSError as error:  # CleanupIncomplete: a later session's sweep tries again
            return error
        finally:
            _log.setLevel(level)
        return None

    def pytest_sessionfinish(self) -> None:
        """End what a test was using when the session was interrupted."""
        for item in list(self._workspaces):
            self._end(item)


def _label(nodeid: str) -> str:
    """Return a label from which a person knows the test: a label has no slashes."""
    text = nodeid.replace("/", ".").replace("\\", ".")
    return "".join(one if one.isprintable() else "?" for one in text)[-_MOST_CHARACTERS:] or "test"
