"""What the names in a module's source stand for, by its imports."""

from __future__ import annotations

import ast

_SAME = {"scratchwork.tempfile": "tempfile", "io.open": "open", "pathlib.PosixPath": "pathlib.Path"}


class Imports:
    """The imports of one module, wherever in it they stand."""

    def __init__(self, tree: ast.Module) -> None:
        self._full: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._full[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self._full[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def qualified(self, node: ast.expr) -> str:
        """Return the full name of a function or attribute, such as "os.path.join"; "" if it is none."""
        dotted = dotted_name(node)
        first, dot, rest = dotted.partition(".")
        full = self._full.get(first, first) + dot + rest
        for name, same in _SAME.items():
            if full == name or full.startswith(name + "."):
                return same + full[len(name) :]
        return full

    def has(self, name: str) -> bool:
        """Whether this name comes from an import."""
        return name in self._full


def dotted_name(node: ast.expr) -> str:
    """Return `a.b.c` as it is written; "" if it is anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    names.append(node.id)
    return ".".join(reversed(names))
