"""The command ``snapstart-hooks``, which ``python -m snapstart_hooks`` runs, too.

It is outside of `snapstart_hooks.cli`, because a deployment may leave that out: then it says what is missing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from snapstart_hooks._pages import page

__all__ = ("main",)

DEVELOPMENT: Final = ("cli", "lint", "testing")
"""The subpackages that are for development: nothing that runs on Lambda imports them."""


def main() -> int:
    """Run the command with the arguments of this process; return its exit code."""
    try:
        from snapstart_hooks.cli import main as command

        return command()
    except ModuleNotFoundError as error:
        package, _, missing = (error.name or "").partition(".")
        subpackage = missing.partition(".")[0]
        if package != "snapstart_hooks" or subpackage not in DEVELOPMENT:
            raise
    sys.stderr.write(
        f"snapstart-hooks: {Path(__file__).with_name(subpackage)} does not exist. This installation leaves out the "
        "subpackages for development, as a deployment may; its hooks run without them. For the command, install "
        "the whole package where you develop: pip install --force-reinstall 'snapstart-hooks[cli]'. "
        f"See {page('deploying', 'without-the-subpackages-for-development')}\n"
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
