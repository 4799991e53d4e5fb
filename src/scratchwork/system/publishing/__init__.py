"""Moving a finished result to where it belongs, in one step: readers see the old one whole, or the new one.

`publish` takes a path, `publish_descriptor` an open file without a name. `open_draft` gives a file to be written beside
its destination, and put in place when it is whole; copies to another device are drafts, too.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from .windows import Draft, open_draft, publish, publish_descriptor
else:
    from .drafts import Draft, open_draft
    from .moving import publish, publish_descriptor

__all__ = ["Draft", "open_draft", "publish", "publish_descriptor"]
