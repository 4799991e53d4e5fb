"""What the tests of the plugin share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.suites import Suite


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """A suite of tests with nothing in it yet."""
    return Suite(tmp_path)
