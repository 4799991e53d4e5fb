"""What the tests of integrations share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.servers import Server, many_descriptors, serving


@pytest.fixture
def serve(temp: Path) -> Iterator[Callable[..., Server]]:
    """Give a function that starts a server until the test ends: the kind, its terms and its environment."""
    with ExitStack() as stack:
        stack.enter_context(many_descriptors())

        def start(kind: str, environment: dict[str, str] | None = None, **terms: Any) -> Server:
            return stack.enter_context(serving(kind, temp, terms, **environment or {}))

        yield start
