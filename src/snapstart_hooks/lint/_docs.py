"""The chapter of ``docs/lint.md`` that lists the rules, made from the rules.

``python -m snapstart_hooks.lint._docs docs/lint.md`` writes it into the file.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import Final

from snapstart_hooks.lint._rules import RULES, Rule

__all__ = ("BEGIN", "END", "chapter", "embed")

BEGIN: Final = "<!-- rules: begin (made by `python -m snapstart_hooks.lint._docs docs/lint.md`) -->"
END: Final = "<!-- rules: end -->"


def chapter() -> str:
    """The table of all rules, then one section for each."""
    parts = ["| code | name | severity | finds |\n| --- | --- | --- | --- |\n" + "".join(_row(one) for one in RULES)]
    for group, rules in groupby(RULES, key=lambda one: one.group):
        parts.append(f"### {group}\n")
        parts += [_section(one) for one in rules]
    return "\n".join(parts)


def embed(text: str) -> str:
    """A document with the chapter between its marks made anew.

    Raises:
        ValueError: The marks are missing.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        msg = f"the marks {BEGIN!r} and {END!r} are missing"
        raise ValueError(msg)
    return f"{head}{BEGIN}\n\n{chapter()}\n{END}{tail}"


def _row(rule: Rule) -> str:
    anchor = rule.anchor.partition("#")[2]
    return f"| [{rule.code}](#{anchor}) | {rule.name} | {rule.severity.value} | {rule.summary} |\n"


def _section(rule: Rule) -> str:
    return (
        f"#### {rule.code} {rule.name}\n\n{rule.summary} ({rule.severity.value}).\n\n{rule.why}\n\n"
        f"*What to do:* {rule.remedy}\n\nFound:\n\n"
        f"```python\n{rule.wrong}```\n\nNot found:\n\n```python\n{rule.right}```\n"
    )


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(embed(document.read_text(encoding="utf-8")), encoding="utf-8")
