"""``python -m snapstart_hooks``: the same as the command ``snapstart-hooks``."""

from __future__ import annotations

import sys

from snapstart_hooks.cli import main

if __name__ == "__main__":
    sys.exit(main())
