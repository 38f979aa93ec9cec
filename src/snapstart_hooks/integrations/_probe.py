"""Guards an integration against its library: untested versions, and private names that are gone."""

from __future__ import annotations

import logging
import re
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ("Library",)

_logger: Final = logging.getLogger("snapstart_hooks")


class Library:
    """The installed library of an integration; warns once if its version is not one that is tested.

    Attributes:
        name: The name of the library on PyPI.
        version: The installed version; ``"of unknown version"`` if its metadata were stripped.
    """

    def __init__(self, versions: str) -> None:
        """Compare the installed version with the tested ones, such as ``"redis>=5,<9"``."""
        match = re.match(r"[\w.-]+", versions)
        self.name: Final = match[0] if match else versions
        self.version: Final = (
            _installed(self.name) if self.name != "python" else ".".join(map(str, sys.version_info[:3]))
        )
        self._warned: Final[set[str]] = set()
        if not _within(self.version, versions):
            self._warn(f"its hooks for SnapStart are tested with {versions} only, and are run nevertheless")

    def has(self, of: object, *names: str, lost: str) -> bool:
        """Return whether an object has all these private attributes.

        If not, a warning says once what is `lost`: ``"its pools keep their dead connections"``.
        """
        missing = [name for name in names if not _has(of, name)]
        if missing:
            owner: object = of.__name__ if isinstance(of, type | ModuleType) else type(of).__name__
            self._warn(f"{owner} has no {', '.join(missing)}: {lost}")
        return not missing

    @contextmanager
    def attempt(self, lost: str) -> Generator[None]:
        """Guard a block that uses private names: if it raises, a warning says once what is `lost`."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever an untested version raises
            self._warn(f"{type(error).__name__}: {error}: {lost}")

    def _warn(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            _logger.warning("%s %s: %s.", self.name, self.version, message)


def _has(of: object, name: str) -> bool:
    try:
        return hasattr(of, name)
    except Exception:  # noqa: BLE001 - whatever `__getattr__` does
        return False


def _installed(name: str) -> str:
    from importlib.metadata import version

    try:
        found: object = version(name)
    except Exception:  # noqa: BLE001 - it is not there, or cannot be read
        found = None
    return found if isinstance(found, str) else "of unknown version"


def _within(version: str, versions: str) -> bool:
    """Return whether a version is in a range of releases, as far as both can be parsed."""
    installed = _release(version)
    for comparison, limit in re.findall(r"([<>]=?)\s*([\d.]+)", versions):
        bound = _release(limit)
        if (
            installed
            and bound
            and not {
                "<": installed < bound,
                "<=": installed <= bound,
                ">": installed > bound,
                ">=": installed >= bound,
            }[comparison]
        ):
            return False
    return True


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers of a release, without zeros at the end."""
    match = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(number) for number in match[0].split(".")] if match else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
