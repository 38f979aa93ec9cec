"""Questions to objects of others, and text of them that is safe to log.

Hooks, exceptions, providers and metadata are anybody's code.  Their truth, equality, repr,
attributes, ``__class__`` and iteration may raise or lie; so nothing is decided by them, and
what has to be asked is asked here.
"""

from __future__ import annotations

import contextlib
import os
from types import CoroutineType
from typing import TYPE_CHECKING, Final, TypeGuard, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

MESSAGE_LIMIT: Final = 2000
"""Characters of what one message says about several things."""

_SHOWN: Final = 200
"""Characters of a value that a message shows."""


def is_a(value: object, of: type[T]) -> TypeGuard[T]:
    """As ``isinstance``, but of the real type: ``__class__`` may be a property that raises or lies."""
    return issubclass(type(value), of)


def after_fork(forget: Callable[[], object]) -> None:
    """Let a forked child forget what is not there; where there is no fork, there is nothing to forget."""
    with contextlib.suppress(AttributeError):
        os.register_at_fork(after_in_child=forget)


def tried(question: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    """What anybody's code answers, or the error that it raises; an interruption is nobody's answer."""
    try:
        return question(), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is theirs
        return None, error


def items(value: object, *of: type[object]) -> list[object] | None:
    """What is in a tuple or list; ``None`` if it is none.  What a subclass makes of iterating is its own matter."""
    for plain in of:
        if issubclass(type(value), plain):
            found: Sequence[object] = plain.__dict__["__getitem__"](value, slice(None))
            return [*found]
    return None


def coroutine(value: object) -> CoroutineType[object, object, object] | None:
    """`value`, if it is the coroutine of an ``async def`` function."""
    return cast("CoroutineType[object, object, object]", value) if issubclass(type(value), CoroutineType) else None


def kind(value: object) -> str:
    """The qualified name of a value's type; a metaclass may hide it from an ordinary access."""
    name: str = type.__dict__["__qualname__"].__get__(type(value))
    return printable(cut(name, _SHOWN))


def special(value: object, name: str) -> object:
    """A special method as the class of a value defines it, ``None`` if it does not: as the interpreter looks it up."""
    classes: tuple[type, ...] = type.__dict__["__mro__"].__get__(type(value))
    for each in classes:
        namespace: dict[str, object] = type.__dict__["__dict__"].__get__(each)
        if name in namespace:
            return namespace[name]
    return None


def attribute(value: object, name: str, missing: object = None) -> object:
    """An attribute that is only wanted for a message: `missing` if it cannot be had."""
    try:
        found: object = getattr(value, name, missing)
    except BaseException:  # noqa: BLE001 - whatever it raises, it is not there
        return missing
    return found


def shown(value: object) -> str:
    """The repr of a value, as much of it as a message needs."""
    try:
        text = str.__str__(repr(value))
    except BaseException as broken:  # noqa: BLE001 - what it is called must not hide that it is wrong
        return f"<{kind(value)}, whose __repr__ raised {kind(broken)}>"
    return printable(cut(text, _SHOWN))


def error_text(error: BaseException) -> str:
    """``Type: message`` on one line that is not too long, also for an exception that cannot say what it is."""
    try:
        text = " ".join(str.__str__(str(error))[: 2 * MESSAGE_LIMIT].split())
    except BaseException as broken:  # noqa: BLE001 - a broken __str__ must not hide which hook failed
        text = f"(its __str__ raised {kind(broken)})"
    return printable(cut(f"{kind(error)}: {text}" if text else kind(error), MESSAGE_LIMIT))


def shortened(parts: Sequence[str], limit: int = MESSAGE_LIMIT) -> str:
    """Join `parts`, each cut to its fair share, so that every one is named within `limit` where that is possible."""
    share = max(80, limit // max(1, len(parts)))
    texts: list[str] = []
    used = 0
    for index, part in enumerate(parts):
        text = cut(part, share)
        if used + len(text) > limit and index:
            texts.append(f"and {len(parts) - index} more")
            break
        texts.append(text)
        used += len(text)
    return "; ".join(texts)


def cut(text: str, limit: int) -> str:
    """`text`, or as much of it as fits."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def printable(text: str) -> str:
    """`text` without power over a terminal or a log: each control character is escaped, also line ends.

    As a plain ``str``, for the methods of a subclass are anybody's code.
    """
    text = str.__str__(text)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)
