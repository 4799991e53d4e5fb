"""What the linter found as SARIF 2.1.0, the format of OASIS that code scanning services read."""

from __future__ import annotations

import json
import os
import urllib.parse

import scratchwork
from scratchwork.advice.lint.catalogue import UNREADABLE, all_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from scratchwork.advice.lint.mistakes import Mistake
    from scratchwork.advice.lint.rules.registry import Rule
    from scratchwork.advice.lint.running import Looked

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_BASE = "%SRCROOT%"


def as_sarif(looked: Sequence[Looked]) -> str:
    """Return one document with one run. Paths below the current directory are relative to it, as services want them."""
    rules = all_rules()
    numbers = {code: number for number, code in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "scratch lint",
                "version": scratchwork.__version__,
                "semanticVersion": scratchwork.__version__,
                "rules": [_rule(rule) for rule in rules.values()],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_BASE: {"uri": f"file://{_quoted(os.getcwd()).rstrip('/')}/"}},
        "results": [_result(one.path, mistake, numbers) for one in looked for mistake in one.found],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": rule.explanation or rule.summary, "markdown": rule.explanation or rule.summary},
        "defaultConfiguration": {"level": _level(rule.code), "enabled": rule.by_default},
        "properties": {"tags": ["temporary-files"]},
    }


def _result(path: str, mistake: Mistake, numbers: dict[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": mistake.code,
        "level": _level(mistake.code),
        "message": {"text": mistake.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _location(path),
                    "region": {
                        "startLine": mistake.line,
                        "startColumn": mistake.column + 1,
                        "endLine": mistake.end_line,
                        "endColumn": mistake.end_column + 1,
                    },
                }
            }
        ],
    }
    if mistake.code in numbers:
        result["ruleIndex"] = numbers[mistake.code]
    return result


def _location(path: str) -> dict[str, str]:
    relative = os.path.relpath(path)
    if relative.startswith(os.pardir + os.sep) or os.path.isabs(relative):
        return {"uri": f"file://{_quoted(os.path.abspath(path))}"}
    return {"uri": _quoted(relative), "uriBaseId": _BASE}


def _quoted(path: str) -> str:
    return urllib.parse.quote(os.fsencode(path.replace(os.sep, "/")))


def _level(code: str) -> str:
    return "error" if code == UNREADABLE.code else "warning"
