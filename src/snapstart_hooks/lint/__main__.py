"""``python -m snapstart_hooks.lint PATH...``."""

from __future__ import annotations

import sys

from snapstart_hooks.lint._command import main

if __name__ == "__main__":
    sys.exit(main())
