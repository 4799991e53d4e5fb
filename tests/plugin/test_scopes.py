"""Fixtures that outlive a test, and what they leave: told when they end, and by their name."""

from __future__ import annotations

import pytest

from tests.plugin.suites import Session, Suite

CONFTEST = """\
import os, tempfile, pytest

@pytest.fixture(scope="session")
def tidy():
    with tempfile.TemporaryDirectory(prefix="tidy-") as folder:
        yield folder
        assert os.path.isdir(folder)

@pytest.fixture(scope="session")
def untidy(tidy):
    return tempfile.mkdtemp(prefix="untidy-")

@pytest.fixture(scope="session", params=["a", "b"])
def parameter(request):
    return tempfile.mkdtemp(prefix=f"parameter-{request.param}-")
"""
FIRST = """\
import os, subprocess, sys, tempfile, unittest
import pytest

@pytest.fixture(scope="module")
def server():
    program = "import tempfile; input(); tempfile.mkstemp(prefix='late-'); print('made', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.communicate("\\n")

@pytest.fixture(scope="module")
def opens():
    with tempfile.TemporaryFile() as file:
        os.dup(file.fileno())

@pytest.fixture(scope="module")
def goes_with_its_value():
    class Cache(tempfile.TemporaryDirectory):
        def __del__(self):
            self.cleanup()
    return Cache()

@pytest.fixture
def short():
    with tempfile.TemporaryDirectory() as folder:
        yield folder

def setup_module():
    tempfile.mkdtemp(prefix="of-module-")

def test_uses_all(tidy, untidy, short):
    assert os.path.dirname(tidy) != os.path.dirname(short) == tempfile.gettempdir()

def test_parameter(parameter):
    assert os.path.isdir(parameter)

def test_server(server):
    server.stdin.write("\\n")
    server.stdin.flush()
    assert server.stdout.readline() == "made\\n"

def test_opens(opens, goes_with_its_value):
    pass

class TestUnit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="of-class-")

    def setUp(self):
        self.mine = tempfile.mkdtemp(prefix="of-test-")
        self.addCleanup(os.rmdir, self.mine)

    def test_one(self):
        assert os.path.isdir(self.folder)

    def test_two(self):
        assert os.path.isdir(self.folder)

def test_last_of_module():
    pass
"""
SECOND = """\
import asyncio, contextlib, os, tempfile
import pytest

pytestmark = pytest.mark.anyio

@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"

@pytest.fixture(scope="module")
async def awaited(anyio_backend):
    yield tempfile.mkdtemp(prefix="awaited-")

async def test_async(awaited):
    await asyncio.to_thread(tempfile.mkdtemp, prefix="in-thread-")

def test_last():
    pass
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    suite = Suite(tmp_path_factory.mktemp("scopes"))
    suite.write("conftest.py", CONFTEST)
    suite.write("test_first.py", FIRST)
    suite.write("test_second.py", SECOND)
    session = suite.run("--scratch-leaks=error")
    assert suite.left() == []
    return session


def test_each_leak_is_told_once_and_no_more(session: Session) -> None:
    assert session.counts == {"passed": 10, "error": 5}, "a fixture's leak is an error of the test that it ended with"
    assert session.summary.startswith("scratch leaks: 9 things")


@pytest.mark.parametrize(
    ("test", "who", "what"),
    [
        ("TestUnit.test_two", "setUpClass of TestUnit (scope class, test_first.py::TestUnit)", "of-class-"),
        ("test_last_of_module", "setup_module of test_first (scope module, test_first.py)", "of-module-"),
        ("test_last_of_module", "fixture server (scope module, test_first.py)", "late-"),
        ("test_last_of_module", "fixture opens (scope module, test_first.py)", "open file "),
        ("test_last", "fixture awaited (scope module, test_second.py)", "awaited-"),
        ("test_last", "fixture untidy (scope session)", "untidy-"),
    ],
)
def test_a_fixture_is_named(session: Session, test: str, who: str, what: str) -> None:
    report = session.report(f"at teardown of {test}")
    assert f"{who} left " in report
    assert what in report.partition(f"{who} left ")[2].splitlines()[0]


def test_a_parametrised_fixture_is_told_of_for_each_parameter(session: Session) -> None:
    assert "2 things, such as directory parameter-a-" in session.summary
    for parameter in ("a", "b"):
        assert f"left directory parameter-{parameter}-" in session.out


def test_what_a_thread_of_a_coroutine_made_is_its_tests(session: Session) -> None:
    assert "left directory in-thread-" in session.report("at teardown of test_async")
