"""An integration without its library says what to install."""

from __future__ import annotations

import pytest

from tests.helpers_programs import python


@pytest.mark.parametrize("library", ["starlette", "django", "werkzeug"])
def test_it_names_the_extra(library: str) -> None:
    program = f"import sys; sys.modules[{library!r}] = None; import scratchwork.integrations.{library}"
    done = python(program, check=False)
    assert done.returncode == 1
    assert f"pip install 'scratchwork[{library}]'" in done.stderr.splitlines()[-1]
