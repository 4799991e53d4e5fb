"""What a program's environment must say for its temporary files to go into a workspace."""

from __future__ import annotations

from scratchwork.files.metering import WORKSPACE_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TEMP_VARIABLES = ("TMPDIR", "TEMP", "TMP")
_JAVA_OPTIONS = "JDK_JAVA_OPTIONS"
_JAVA_TEMPDIR = "-Djava.io.tmpdir="


def environment(path: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return what to add to a program's environment so that its temporary files go to `path`.

    Java heeds no TMPDIR, only a property, which its launcher takes from JDK_JAVA_OPTIONS (JDK 9 and later).
    """
    added = dict.fromkeys(TEMP_VARIABLES, path)
    added[WORKSPACE_VARIABLE] = path
    java = inherited.get(_JAVA_OPTIONS, "")
    if _JAVA_TEMPDIR not in java and " " not in path:
        added[_JAVA_OPTIONS] = f"{java} {_JAVA_TEMPDIR}{path}".strip()
    return added
