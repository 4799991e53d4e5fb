from __future__ import annotations

import os
from pathlib import Path

import pytest

from scratchwork import Retention, Root
from scratchwork.roots.records import Record
from tests.roots import deaths


def _kept(since: float, size: int = 1) -> Record:
    return Record("x", "always", since=since, until=since + 1, bytes=size)


def test_the_oldest_are_the_surplus_whatever_the_order() -> None:
    kept = [("new", _kept(3.0)), ("old", _kept(1.0)), ("middle", _kept(2.0))]
    assert [name for name, _ in Retention(count=1).surplus(kept)] == ["old", "middle"]
    assert [name for name, _ in Retention(bytes=2).surplus(kept)] == ["old"]
    assert Retention().surplus(kept) == []


@pytest.mark.parametrize(
    "values",
    [{"age": -1.0}, {"count": -1}, {"bytes": -1}, {"age": float("inf")}, {"age": float("nan")}, {"age": 1e18}],
    ids=repr,
)
def test_what_makes_no_sense_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"negative|at most"):
        Retention(**values)  # type: ignore[arg-type]


def test_a_thousand_years_can_be_asked_for_and_shown(root: Root, caplog: pytest.LogCaptureFixture) -> None:
    limited = Root("app", retention=Retention(age=365_000 * 24 * 3600.0))
    with limited.workspace(keep="always") as ws:
        pass
    assert ws.path.exists()
    assert "(until 3" in caplog.text


def test_an_age_is_fixed_when_a_workspace_is_kept(root: Root) -> None:
    with Root("app", retention=Retention(age=1000.0)).workspace(keep="always") as long:
        pass
    with Root("app", retention=Retention(age=0.0)).workspace(keep="always") as short:
        pass
    swept = Root("app", retention=Retention(age=1000.0), sweep_first=False).sweep()
    assert [gone.name for gone in swept.removed] == [short.name]
    assert long.path.exists()


def test_not_expired_it_stays(root: Root) -> None:
    with root.workspace(keep="always") as ws:
        pass
    for _ in range(3):
        assert Root("app").sweep().retained == 1
    assert ws.path.exists()


@pytest.mark.parametrize("dry_run", [True, False])
def test_kept_and_dropped_in_one_sweep_it_is_counted_once(temp: Path, dry_run: bool) -> None:
    (path,) = deaths.leave("app", "failure")
    root = Root("app", retention=Retention(count=0), sweep_first=False)
    swept = root.sweep(dry_run=dry_run)
    name = os.path.basename(path)
    assert [ended.name for ended in swept.kept] == [ended.name for ended in swept.removed] == [name]
    assert swept.retained == 0
    assert Path(path).exists() == dry_run


@pytest.mark.parametrize("settings", ["age=inf\n", "age=nan\n", "age=-1\n", "age=x\n", "count=1.5\n", "\xff\0"])
def test_settings_that_make_no_sense_are_as_if_not_there(root: Root, settings: str) -> None:
    text = Path(root.path, "root.conf").read_text() + "age=1\ncount=2\nbytes=3\n" + settings
    Path(root.path, "root.conf").write_bytes(text.encode("latin-1"))
    if settings == "\xff\0":
        assert Root("app").retention == Retention(age=1.0, count=2, bytes=3)
    else:
        assert Root("app").retention == Retention()
    assert Root("app")._store.leases.kind == root._store.leases.kind


@pytest.mark.parametrize("settings", [b"", b"lease=magic\n", b"\xff" * 9000])
def test_settings_without_a_lease_are_found_out_anew(temp: Path, settings: bytes) -> None:
    conf = Path(Root("app").path, "root.conf")
    conf.write_bytes(settings)
    with Root("app").workspace() as ws:
        assert Root("app").sweep().alive == 1
        assert ws.path.exists()
    assert conf.read_text() == "lease=directory\n"
