"""Which rules are on where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scratchwork.advice.lint.settings import Settings, read_settings
from scratchwork.errors import InvalidSettings

pytestmark = pytest.mark.usefixtures("sample_rules")
DEFAULT = {"SCR001", "SCR301", "SCR401", "SCR501"}


def wanted(**settings: object) -> set[str]:
    return set(Settings("/p", **settings).wanted("/p/a.py"))  # type: ignore[arg-type]


def test_what_is_on_by_default() -> None:
    assert wanted() == DEFAULT
    assert wanted(extend_select=["SCR6"]) == DEFAULT | {"SCR601"}
    assert wanted(ignore=["SCR3", "scr401"]) == {"SCR001", "SCR501"}


def test_the_longer_of_two_counts_and_of_equal_ones_ignore() -> None:
    assert wanted(select=["SCR"], ignore=["SCR4"]) == {"SCR001", "SCR301", "SCR501", "SCR601"}
    assert wanted(select=["SCR301"], ignore=["SCR3"]) == {"SCR001", "SCR301"}
    assert wanted(select=["SCR301"], ignore=["SCR301"]) == {"SCR001"}


def test_what_can_not_be_read_is_always_told() -> None:
    assert wanted(select=["SCR301"], ignore=["SCR0"], per_file_ignores={"*.py": ["SCR"]}) == {"SCR001"}


def test_per_file() -> None:
    settings = Settings("/p", per_file_ignores={"tests/*": ["SCR3"], "a.py": ["SCR4"]})
    assert settings.wanted("/p/tests/x/a.py") == DEFAULT - {"SCR301", "SCR401"}
    assert settings.wanted("/p/src/b.py") == DEFAULT


def test_options_add_and_select_sets_the_file_aside() -> None:
    file = Settings("/p", select=["SCR3"], ignore=["SCR301"], extend_select=["SCR6"], exclude=["a"])
    options = {"select": [], "extend_select": ["SCR4"], "ignore": ["SCR6"], "exclude": ["b"]}
    both = file.with_options(**options)
    assert both.wanted("/p/x.py") == {"SCR001", "SCR401"}
    assert both.exclude == ["a", "b"]
    only = file.with_options(**{**options, "select": ["SCR301"], "extend_select": [], "ignore": []})
    assert only.wanted("/p/x.py") == {"SCR001", "SCR301"}


def test_the_nearest_file_with_a_table(write: Callable[..., Path], project: Path) -> None:
    write("pyproject.toml", '[tool.scratchwork.lint]\nselect = ["SCR4"]\nper-file-ignores = {"t/*" = ["SCR4"]}\n')
    write("inner/pyproject.toml", '[project]\nname = "inner"\n')
    write("inner/a.py")
    write("inner/b/c.py")
    settings = read_settings([str(project / "inner" / "a.py"), str(project / "inner" / "b")])
    assert (settings.folder, settings.select) == (str(project), ["SCR4"])
    write("inner/b/pyproject.toml", "[tool.scratchwork.lint]\n")
    assert read_settings([str(project / "inner" / "b" / "c.py")]).select is None
    assert read_settings([str(project / "inner")]).select == ["SCR4"], "what lies below does not count"


def test_without_a_table_the_project_is_where_pyproject_is(write: Callable[..., Path], project: Path) -> None:
    write("a/b/c.py")
    assert read_settings([str(project / "a" / "b")]).folder == str(project / "a" / "b")
    write("pyproject.toml")
    assert read_settings([str(project / "a" / "b")]) == Settings(str(project))


def test_patterns_of_options_are_relative_to_where_one_is(
    write: Callable[..., Path], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("pyproject.toml", '[tool.scratchwork.lint]\nexclude = ["src/made/*"]\n')
    write("src/a.py")
    monkeypatch.chdir(project / "src")
    settings = read_settings(["."]).with_options(select=[], extend_select=[], ignore=[], exclude=["old/*", "name"])
    assert settings.exclude == ["src/made/*", "./src/old/*", "name"]


def test_a_file_that_can_not_be_read(project: Path, write: Callable[..., Path]) -> None:
    path = write("pyproject.toml")
    path.unlink()
    path.symlink_to("/proc/self/mem")  # a regular file that gives an I/O error, even to root
    with pytest.raises(InvalidSettings, match="can't be read"):
        read_settings([str(project)])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('selct = ["SCR3"]', "has no key 'selct'; did you mean 'select'?"),
        ("x = 1", "has no key 'x'; there are select,"),
        ('ignore = ["SCR9"]', "'ignore' names 'SCR9', and no rule's code begins so"),
        ('select = [""]', "'select' names '', and no"),
        ('select = "SCR3"', "'select' is a list of strings"),
        ("exclude = [1]", "'exclude' is a list of strings"),
        ('per-file-ignores = ["a"]', "'per-file-ignores' is a table"),
        ('per-file-ignores = {a = ["X1"]}', "'per-file-ignores of a' names 'X1'"),
        ("=", "is no TOML"),
    ],
)
def test_what_means_nothing(write: Callable[..., Path], project: Path, table: str, message: str) -> None:
    path = write("pyproject.toml", f"[tool.scratchwork.lint]\n{table}\n")
    with pytest.raises(InvalidSettings) as caught:
        read_settings([str(project)])
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_table_that_is_none(write: Callable[..., Path], project: Path) -> None:
    for text in ("[tool]\nscratchwork = 1\n", "[tool.scratchwork]\nlint = 1\n"):
        write("pyproject.toml", text)
        with pytest.raises(InvalidSettings, match="is no table"):
            read_settings([str(project)])


def test_an_option_that_means_nothing() -> None:
    with pytest.raises(InvalidSettings, match="the command line: '--select' names 'E501'"):
        Settings("/p").with_options(select=["E501"], extend_select=[], ignore=[], exclude=[])
