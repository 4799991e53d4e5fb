"""Where the temp folder leads while tests run, and that it is given back."""

from __future__ import annotations

from tests.plugin.suites import Suite

ERROR = "--scratch-leaks=error"


def test_children_follow_and_all_is_given_back(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        import os, sys, tempfile
        def say():
            return tempfile.tempdir, *(os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP"))
        before = say()
        def pytest_unconfigure():
            print("as before" if say() == before else f"{before} {say()}")
        """,
    )
    suite.write(
        "test_it.py",
        """
        import os, subprocess, sys, tempfile
        folders = set()
        def test_children():
            here = tempfile.gettempdir()
            assert "session-" in here
            folders.add(here)
            program = "import os, tempfile; print(tempfile.gettempdir(), os.environ['TMP'], os.environ['TEMP'])"
            assert subprocess.check_output([sys.executable, "-c", program], text=True).split() == [here] * 3
            tempfile.mkdtemp()
        def test_the_same_folder_in_each_test():
            folders.add(tempfile.gettempdir())
            assert len(folders) == 1
        """,
    )
    session = suite.run("--scratch-leaks=warn", "-s")
    assert session.counts == {"passed": 2}
    assert "as before" in session.out


def test_who_sets_it_himself_keeps_it(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import os, tempfile
        def test_set_for_itself(monkeypatch, tmp_path):
            monkeypatch.setenv("TMPDIR", str(tmp_path))
            monkeypatch.setattr(tempfile, "tempdir", None)
            assert tempfile.mkdtemp().startswith(str(tmp_path))
        def test_led_again():
            assert "session-" in tempfile.gettempdir() == os.environ["TMPDIR"]
        def test_none_leads_nowhere_else():
            tempfile.tempdir = None
            assert "session-" in tempfile.gettempdir()
        def test_set_for_good(tmp_path_factory):
            tempfile.tempdir = str(tmp_path_factory.mktemp("own"))
        def test_stays():
            assert os.path.basename(tempfile.mkdtemp(prefix="unseen-")) in os.listdir(tempfile.tempdir)
            assert "own" in tempfile.tempdir
            assert "session-" in os.environ["TMPDIR"]
        """,
    )
    session = suite.run(ERROR)
    assert session.counts == {"passed": 5}
    assert "scratch leaks: 1 test ran with a temp folder that the tests had set themselves" in session.out


def test_a_conftest_that_sets_it_decides_where_sessions_lie(suite: Suite) -> None:
    other = suite.temp / "other"
    other.mkdir()
    suite.write("conftest.py", f"import tempfile\ntempfile.tempdir = {str(other)!r}\n")
    suite.write("test_it.py", f"import tempfile\ndef test_it(): assert tempfile.mkdtemp().startswith({str(other)!r})\n")
    session = suite.run(ERROR)
    assert "left directory tmp" in session.report("at teardown of test_it")
    assert [path.name for path in other.iterdir()] == [suite.root.name]


def test_tmp_path_lies_where_it_always_did(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import tempfile
        def test_first(): tempfile.mkdtemp()
        def test_it(tmp_path): assert "session-" not in str(tmp_path)
        def test_factory(tmp_path_factory): assert "session-" not in str(tmp_path_factory.mktemp("a"))
        def test_old(tmpdir): assert "session-" not in str(tmpdir)
        """,
    )
    assert suite.run("--scratch-leaks=warn").counts == {"passed": 4}


def test_an_interrupted_session_gives_it_back_and_leaves_nothing(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        "import os, tempfile\ndef pytest_unconfigure(): print('now', os.environ['TMPDIR'], tempfile.tempdir)\n",
    )
    suite.write(
        "test_it.py",
        """
        import tempfile, pytest
        @pytest.fixture(scope="module", autouse=True)
        def careless(): tempfile.mkdtemp(prefix="careless-")
        def test_it(scratch):
            tempfile.mkdtemp()
            (scratch / "a").write_text("a")
            raise KeyboardInterrupt
        """,
    )
    session = suite.run(ERROR, "-s")
    assert f"now {suite.temp} {suite.temp}" in session.out.replace("None", str(suite.temp))
    assert "left by fixture careless" in session.summary
    assert suite.left() == []


def test_a_session_within_a_test_has_places_of_its_own(suite: Suite) -> None:
    suite.write("conftest.py", "pytest_plugins = ['pytester']\n")
    suite.write(
        "test_outer.py",
        '''
        import tempfile, pytest
        INNER = """
        import tempfile
        def test_inner(): tempfile.mkdtemp(prefix="inner-")
        def test_scratch(scratch): assert 0, scratch
        """
        @pytest.mark.parametrize("how", ["inprocess", "subprocess"])
        def test_outer(pytester, how):
            here = tempfile.gettempdir()
            pytester.makepyfile(INNER)
            result = pytester.runpytest("--scratch-leaks=error", "-p", "no:cacheprovider")
            assert "left directory inner-" in result.stdout.str()
            assert "outer" not in result.stdout.str().partition("scratch leaks")[2].partition("short test summary")[0]
            assert tempfile.gettempdir() == here
            result.assert_outcomes(passed=1, failed=1, errors=1)
        def test_after():
            tempfile.mkdtemp(prefix="outer-")
        ''',
    )
    for how in ("inprocess", "subprocess"):
        session = suite.run(ERROR, f"--runpytest={how}", "-k", f"{how} or after")
        assert "left directory outer-" in session.report("at teardown of test_after"), session.out


def test_a_test_may_remove_it(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import os, shutil, tempfile
        def test_leaves(): tempfile.mkdtemp(prefix="left-")
        def test_removes(): shutil.rmtree(tempfile.gettempdir())
        def test_after(): os.rmdir(tempfile.mkdtemp())
        def test_leaves_again(): os.mkdir(os.path.join(tempfile.gettempdir(), "left-again"))
        """,
    )
    session = suite.run(ERROR)
    assert session.counts == {"passed": 4, "error": 2}


def test_what_children_leave_is_found_each_time(suite: Suite) -> None:
    """They make no audit event: only the folder's time tells, and in a root not even that."""
    suite.write(
        "test_it.py",
        """
        import os, subprocess, sys, tempfile
        import pytest
        def child(program):
            subprocess.run([sys.executable, "-c", "import os, tempfile, scratchwork; " + program], check=True)
        LEAVES = "tempfile.mkstemp(prefix='left-')"
        KILLED = "ws = scratchwork.workspace('dead'); os.kill(os.getpid(), 9)"
        TIDY = "scratchwork.workspace('tidy').cleanup(); os.rmdir(tempfile.mkdtemp())"
        def test_1(): child(TIDY)
        def test_2(): child(LEAVES)
        def test_3(): pass
        def test_4(): child(TIDY)
        @pytest.mark.parametrize("turn", range(2))
        def test_5(turn):
            with pytest.raises(subprocess.CalledProcessError):
                child("scratchwork.Root.sweep = lambda self, **_: None; " + KILLED)
        def test_6(): child(LEAVES)
        """,
    )
    session = suite.run(ERROR)
    assert session.counts == {"passed": 7, "error": 4}
    for test, what in (
        ("test_2", "file left-"),
        ("test_5[0]", "directory scratch-"),
        ("test_5[1]", "directory scratch-"),
    ):
        assert session.report(f"at teardown of {test}").startswith(f"left {what}")


def test_an_expected_failure_is_no_error(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import pytest, tempfile
        @pytest.mark.xfail
        def test_it():
            tempfile.mkdtemp(prefix="left-")
            assert 0
        """,
    )
    session = suite.run(ERROR)
    assert session.counts == {"xfailed": 1}
    assert "directory left-" in session.summary


def test_what_plugins_make_between_two_tests_is_no_tests(suite: Suite) -> None:
    suite.write(
        "conftest.py", "import tempfile\ndef pytest_runtest_logfinish(): tempfile.mkdtemp(prefix='of-a-plugin-')\n"
    )
    suite.write("test_it.py", "def test_1(): pass\ndef test_2(): pass\ndef test_3(): pass\n")
    assert suite.run(ERROR).counts == {"passed": 3}
