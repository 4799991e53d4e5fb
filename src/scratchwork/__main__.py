"""`python -m scratchwork`: the command `scratch`."""

import sys

from scratchwork.cli import main

sys.exit(main())
