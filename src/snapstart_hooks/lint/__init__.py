"""The static companion: a plugin of flake8 that finds in the source what breaks under AWS Lambda SnapStart.

::

    flake8 --select SSH src             # or snapstart-hooks lint src

It imports nothing else of this package and runs nothing of what it reads.
``docs/lint.md`` has all rules.
"""

from __future__ import annotations

from snapstart_hooks.lint._hooks import Registration
from snapstart_hooks.lint._plugin import Finding, SnapStartChecker, check, declarations
from snapstart_hooks.lint._rules import RULES, Kind, Rule

__all__ = ("RULES", "Finding", "Kind", "Registration", "Rule", "SnapStartChecker", "check", "declarations")
