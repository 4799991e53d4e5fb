"""A tmpfs of exactly one size, which this process and its children alone see, and which dies with the last of them.

`enter` puts this process into a mount namespace of its own, with a user namespace around it where that is what lets it
mount; `mount` mounts a tmpfs there. When the last process in the namespace is gone, however it died, the kernel drops
the namespace and with it what the tmpfs holds (mount_namespaces(7)). `refusal` says why none of this can be had here.
"""

from __future__ import annotations

import sys

if sys.platform == "linux":
    from .linux import PAGE, enter, mount, refusal, uncover
else:
    from .none import PAGE, enter, mount, refusal, uncover

__all__ = ["PAGE", "enter", "mount", "refusal", "uncover"]
