"""The interpreter's own tests of `tempfile`, run against ours, also in the interpreters that they start."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
import tempfile as original
from pathlib import Path

import pytest

import scratchwork
from scratchwork import tempfile

SOURCE = Path(scratchwork.__file__).parents[1]
SUITE = "test.test_tempfile"
EXEMPT = {
    # Demands that NamedTemporaryFile calls io.open and the class's constructor in turn. Ours opens no file object
    # before one is needed. That nothing is left when the constructor fails is tested in test_half_made.py.
    "TestNamedTemporaryFile.test_unexpected_error",
}
PRIVATE = (
    *("_RandomNameSequence", "_get_candidate_names", "_get_default_tempdir", "_candidate_tempdir_list"),
    *("_infer_return_type", "_mkstemp_inner", "_TemporaryFileWrapper", "_text_openflags", "_bin_openflags"),
)

pytest.importorskip(SUITE, reason="this Python comes without its tests")


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter whose `tempfile` is ours. By a .pth file, since isolated children heed no PYTHONPATH."""
    home = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text(
        f"import sys; sys.path.insert(0, {str(SOURCE)!r}); "
        "import scratchwork.tempfile; sys.modules['tempfile'] = scratchwork.tempfile\n"
    )
    return home / "bin" / "python"


def give_up_roots_powers() -> None:
    """Make the kernel check permissions as it does for any other user, after the next exec (capabilities(7))."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def run_suite(interpreter: Path, folder: Path, *, as_root: bool) -> dict[str, str]:
    """Run the interpreter's tests; return the outcome of each."""
    done = subprocess.run(
        [interpreter, "-m", "unittest", "-v", SUITE],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=None if as_root else give_up_roots_powers,
    )
    found = re.findall(
        r"^(test_\w+) \(test\.test_tempfile\.(\w+)[^)]*\).*?\.\.\. (\w+)", done.stderr, re.MULTILINE | re.DOTALL
    )
    assert "Ran" in done.stderr, done.stderr
    outcomes = {f"{group}.{name}": outcome for name, group, outcome in found}
    for name in {name for name, outcome in outcomes.items() if outcome not in {"ok", "skipped"}} - EXEMPT:
        print(done.stderr[done.stderr.find(f"{name.partition('.')[2]} (") :][:3000])
    return outcomes


@pytest.mark.parametrize("as_root", [True, False], ids=["as we are", "without root's powers"])
def test_the_interpreters_own_tests_pass(interpreter: Path, temp: Path, as_root: bool) -> None:
    outcomes = run_suite(interpreter, temp, as_root=as_root)
    assert len(outcomes) > 100
    assert {name for name, outcome in outcomes.items() if outcome not in {"ok", "skipped"}} == EXEMPT
    skipped = {name for name, outcome in outcomes.items() if outcome == "skipped"}
    assert len(skipped) < 10, skipped
    if not as_root:
        assert outcomes["TestMkstempInner.test_read_only_directory"] == "ok"
        assert outcomes["TestMkdtemp.test_read_only_directory"] == "ok"
    assert os.listdir(temp) == []


def test_it_is_ours_that_is_tested_also_in_isolated_children(interpreter: Path) -> None:
    show = "import tempfile; print(tempfile.TemporaryDirectory.__module__)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', {show!r}], check=True)"
    done = subprocess.run([interpreter, "-c", child], capture_output=True, text=True, check=True)
    assert done.stdout == "scratchwork.tempfile\n"


def test_the_public_names_are_the_originals() -> None:
    assert tempfile.__all__ == original.__all__
    assert {name for name in vars(tempfile) if not name.startswith("_")} == {*original.__all__, "template"}


@pytest.mark.parametrize("name", PRIVATE)
def test_the_private_names_that_others_use_exist(name: str) -> None:
    assert hasattr(tempfile, name)


@pytest.mark.parametrize(
    "program",
    [
        "import multiprocessing.util, os; print(os.path.isdir(multiprocessing.util.get_temp_dir()))",
        "import urllib.response, io; print(urllib.response.addbase(io.BytesIO(b'x')).read())",
        "import shutil, tarfile, zipfile, logging.handlers, concurrent.futures",
        "import pdb, pydoc, webbrowser, ensurepip, venv, http.server",
    ],
)
def test_the_standard_library_works_on_it(interpreter: Path, program: str) -> None:
    program = program.replace("", "").replace("", "")
    subprocess.run([interpreter, "-W", "ignore", "-c", program], check=True, capture_output=True)
