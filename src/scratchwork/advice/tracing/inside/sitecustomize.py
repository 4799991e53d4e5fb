"""Begins the recording in a traced program, and then does what the program's own `sitecustomize` does.

Any Python that meets it must be able to read it, Python 2 too, and whatever fails here must not be noticed.
"""

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
_place = os.environ.get("SCRATCH_TRACE")
try:
    if _place and sys.version_info < (3, 8):
        with open(os.path.join(_place, "record"), "ab", 0) as _record:  # a line as `lines` describes it
            _facts = (os.getpid(), sys.version_info[0], sys.version_info[1], sys.executable)
            _record.write(("\nX\t%d\t%d.%d\t%s\t\x1e" % _facts).encode("utf-8"))
    elif _place:
        # A package of another name, since this Python need not have scratchwork, or may have another one.
        _package = type(sys)("_scratchwork_tracing")
        _package.__path__ = [os.path.dirname(os.path.dirname(_here))]
        sys.modules["_scratchwork_tracing"] = _package
        from _scratchwork_tracing.tracing.recorder import begin  # type: ignore[import-not-found]

        begin(_place)
except Exception:
    try:
        os.unlink(os.path.join(_place or "", "complete"))
    except Exception:
        pass

_ours = sys.modules.pop(__name__, None)
sys.path[:] = [path for path in sys.path if path != _here]
try:
    __import__("sitecustomize")
except ImportError as error:
    if getattr(error, "name", "sitecustomize") != "sitecustomize":
        raise
finally:
    if _ours is not None:
        sys.modules.setdefault(__name__, _ours)  # whoever imported us looks for us there
