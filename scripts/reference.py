"""What mkdocstrings needs to know of our docstrings: ``::`` announces an example, names of ours are links."""

from __future__ import annotations

import importlib
import re
from textwrap import dedent

import griffe
from typing_extensions import override

_MODULES = ("errors", "lint", "observers", "priming", "resources", "testing")
_EXAMPLE = re.compile(r"(\S?)::\n\n((?:(?: {4}.*)?\n)+|(?: {4}.*(?:\n|$))+)")
_NAME = re.compile(r"(?<![`\[\w])`([A-Z]\w+)((?:\.\w+)?)`(?!`)")


def public_names() -> dict[str, str]:
    """Where each public class is documented: its path, by its name."""
    modules = ("snapstart_hooks", *(f"snapstart_hooks.{name}" for name in _MODULES))
    return {name: f"{module}.{name}" for module in modules for name in importlib.import_module(module).__all__}


def fenced(docstring: str) -> str:
    """A docstring with its examples as fenced blocks, which Markdown gives colours."""

    def block(match: re.Match[str]) -> str:
        announced = f"{match[1]}:\n\n" if match[1] else ""
        return f"{announced}```python\n{dedent(match[2]).strip()}\n```\n\n"

    return _EXAMPLE.sub(block, f"{docstring}\n").strip()


def linked(docstring: str, names: dict[str, str]) -> str:
    """A docstring in which each of `names` that stands in backticks leads to its place."""

    def link(match: re.Match[str]) -> str:
        path = names.get(match[1])
        return f"[{match[0]}][{path}{match[2]}]" if path else match[0]

    return _NAME.sub(link, docstring)


class Examples(griffe.Extension):
    """Rewrites each docstring before it is parsed, and has the exceptions in it found."""

    def __init__(self) -> None:
        self._names = public_names()

    @override
    def on_instance(self, *, obj: griffe.Object, **kwargs: object) -> None:
        if obj.docstring:
            obj.docstring.value = linked(fenced(obj.docstring.value), self._names)

    @override
    def on_module_members(self, *, mod: griffe.Module, **kwargs: object) -> None:
        for name, path in self._names.items():
            if name not in mod.members and not path.startswith(f"{mod.path}."):
                mod.set_member(name, griffe.Alias(name, path))
