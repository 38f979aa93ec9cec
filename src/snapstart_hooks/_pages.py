"""Addresses of the documentation, for messages and docstrings: whoever installed the package has no file of it."""

from __future__ import annotations

from typing import Final

__all__ = ("SITE", "page")

SITE: Final = "https://snapstart-hooks.github.io/snapstart-hooks/"
"""Where the documentation is, as ``[project.urls]`` in ``pyproject.toml`` has it."""


def page(name: str, section: str = "") -> str:
    """Return the address of a page of the documentation, or of a section of it.

    Args:
        name: The page: ``"hazards"``.
        section: The anchor of the section: ``"accepting-one"``.  Default: the top of the page.
    """
    return f"{SITE}{name}/{section and f'#{section}'}"
