from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import scratchwork

SOURCE = str(Path(scratchwork.__file__).parents[1])
SLOW = {
    *("typing", "dataclasses", "enum", "json", "logging", "re", "tempfile", "shutil", "random", "pathlib"),
    *("subprocess", "threading", "inspect", "contextlib", "functools", "collections", "asyncio"),
    *("click", "rich", "anyio", "structlog"),
}
SHOW = "\nprint(*set(sys.modules) - before)"


def bare(program: str) -> set[str]:
    """Run a program in an interpreter that has loaded no site packages; return the words it prints."""
    first = f"import sys; sys.path.insert(0, {SOURCE!r}); before = set(sys.modules)\n"
    command = [sys.executable, "-I", "-S", "-c", first + program]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_face_loads_nothing_but_itself(temp: Path) -> None:
    assert bare("import scratchwork" + SHOW) == {"scratchwork", "__future__"}


@pytest.mark.parametrize(
    "program",
    [
        "from scratchwork import Root, Workspace, Retention, ScratchError",
        "import scratchwork\nwith scratchwork.workspace(): pass",
        "from scratchwork import Root\nwith Root('app').workspace() as ws: open(f'{ws}/file', 'w').close()",
    ],
)
def test_working_with_it_loads_nothing_slow_and_nothing_foreign(temp: Path, program: str) -> None:
    loaded = bare(program + SHOW)
    assert loaded & SLOW == set()
    tops = {name.partition(".")[0] for name in loaded}
    assert tops - {"scratchwork"} <= set(sys.stdlib_module_names)


def test_install_loads_tempfile_and_nothing_foreign(temp: Path) -> None:
    loaded = bare("import scratchwork\nscratchwork.install('app')" + SHOW)
    assert {name.partition(".")[0] for name in loaded} - {"scratchwork"} <= set(sys.stdlib_module_names)


def test_all_modules_load_without_anything_installed(temp: Path) -> None:
    modules = [
        ".".join(("scratchwork", *path.relative_to(Path(SOURCE, "scratchwork")).with_suffix("").parts))
        for path in Path(SOURCE, "scratchwork", "roots").glob("*.py")
        if path.name != "__init__.py"
    ]
    assert len(modules) > 5
    for module in modules:  # each first, so that no cycle hides behind another's order
        bare(f"import {module}")


@pytest.mark.parametrize("name", scratchwork.__all__)
def test_each_public_name_is_there(name: str) -> None:
    value = getattr(scratchwork, name)
    assert value.__name__ == name
    assert value.__doc__
    assert value.__module__.startswith(f"scratchwork.{scratchwork._HOMES[name]}")


def test_the_names_agree() -> None:
    assert set(scratchwork._HOMES) == set(scratchwork.__all__)
    assert scratchwork.__all__ == sorted(scratchwork.__all__)
    assert set(scratchwork.__all__) <= set(dir(scratchwork))
    assert len(set(dir(scratchwork))) <= len(dir(scratchwork))


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        scratchwork.nonsense  # noqa: B018
    assert not hasattr(scratchwork, "os")
    with pytest.raises(ImportError):
        exec("from scratchwork import nonsense")


def test_importing_touches_nothing(temp: Path) -> None:
    bare("import scratchwork; scratchwork.Root; scratchwork.install")
    assert os.listdir(temp) == []
