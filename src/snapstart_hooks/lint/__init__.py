"""A plugin of flake8 that finds code which breaks under AWS Lambda SnapStart, without running it.

::

    flake8 --select SSH src             # or snapstart-hooks lint src

It imports nothing else of this package.  Each rule is explained at
https://snapstart-hooks.github.io/snapstart-hooks/lint/#rules
"""

from __future__ import annotations

from snapstart_hooks.lint._hooks import Registration
from snapstart_hooks.lint._plugin import Finding, SnapStartChecker, check, declarations
from snapstart_hooks.lint._rules import RULES, Kind, Rule

__all__ = ("RULES", "Finding", "Kind", "Registration", "Rule", "SnapStartChecker", "check", "declarations")
