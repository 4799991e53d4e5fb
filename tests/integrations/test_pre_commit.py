"""The hooks in pre-commit itself, but for the environment that it would make for them: that needs a network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.advice.lint.conftest import REPOSITORY
from tests.advice.lint.sample import ENTRY
from tests.helpers_processes import SOURCE

MANIFEST = Path(REPOSITORY) / ".pre-commit-hooks.yaml"


def _hooks() -> list[dict[str, Any]]:
    hooks: list[dict[str, Any]] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return hooks


def _run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    names = ("PATH", "XDG_CACHE_HOME", "TMPDIR", "XDG_STATE_HOME")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    environment |= {
        "PYTHONPATH": f"{SOURCE}:{REPOSITORY}",
        "PRE_COMMIT_HOME": str(folder.parent / "pre-commit"),
        "HOME": str(folder.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository that uses the hooks as their manifest has them, run by this Python."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "p"
    folder.mkdir()
    assert _run("git", "init", "-q", folder=folder).returncode == 0
    hooks = []
    for hook in _hooks():
        command, *arguments = hook.pop("entry").split()
        assert (command, hook.pop("language"), hook.pop("additional_dependencies")) == (
            "scratch",
            "python",
            [".[lint]"],
        )
        hooks.append({**hook, "language": "system", "entry": f'"{sys.executable}" -c "{ENTRY}" {" ".join(arguments)}'})
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (folder / "pyproject.toml").write_text('[tool.scratchwork.lint]\nexclude = ["made"]\n')
    (folder / "made").mkdir()
    for name in ("a.py", "script", "made/b.py", "c.txt"):
        (folder / name).write_text("#!/usr/bin/env python3\nopen(x)\n")
    (folder / "script").chmod(0o755)
    assert _run("git", "add", ".", folder=folder).returncode == 0
    return folder


def test_the_manifest_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "p"  # what pre-commit keeps lies beside it
    folder.mkdir()
    done = _run(sys.executable, "-m", "pre_commit", "validate-manifest", str(MANIFEST), folder=folder)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_hooks_find_and_mend(repository: Path) -> None:
    run = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
    found = _run(*run, "scratch-lint", folder=repository)
    assert found.returncode == 1
    assert "a.py:2:1: SCR401" in found.stdout
    assert "script:2:1: SCR401" in found.stdout, "a script is known by its first line"
    assert "2 mistakes in 2 files" in found.stdout, "and what is excluded stays so"
    mended = _run(*run, "scratch-lint-fix", folder=repository)
    assert "files were modified by this hook" in mended.stdout
    assert (repository / "a.py").read_text().endswith('open(x, newline="")\n')
    assert (repository / "made" / "b.py").read_text().endswith("open(x)\n")
    assert _run(*run, "scratch-lint", folder=repository).returncode == 0
