"""`Factory`: a callable that makes a value, with its name and location, and the check that it can be one."""

from __future__ import annotations

import contextlib
import functools
import operator
import sys
import types
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from ..errors import HookSignatureError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping

__all__ = ("Factory", "refuse", "refuse_single_use")

# The values of inspect.CO_*.
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200

_CACHED: Final[type[object]] = type(functools.cache(lambda: None))
_DEPTH: Final = 1000
"""Wrappers around a function that are looked behind: more are a circle."""


class Factory:
    """A callable without required arguments.

    Attributes:
        func: The callable.
        module: The module of the callable.
        qualname: The qualified name in the module.
        name: The module and the qualified name.
        doc: The docstring.
        location: ``file:line`` of the code; empty for a callable without Python code.
        yields: Whether the callable is a generator function, sync or async.
    """

    def __init__(self, func: object) -> None:
        """Inspect a callable.

        Args:
            func: The callable.

        Raises:
            HookSignatureError: `func` is not callable, needs arguments, or is a coroutine function.
        """
        if not callable(func):
            refuse(func, "it is not callable. Give the function that makes it, such as a lambda")
        self._code: Final = _function(func)
        self.func: Final[Callable[[], object]] = func
        named = _behind_partials(func)
        if _text(named, "__qualname__"):  # else it is an object with `__call__`, and bears the name of its type
            named = self._code or named
        self.module: Final = _text(named, "__module__") or type(named).__module__
        self.qualname: Final = _text(named, "__qualname__") or type(named).__qualname__
        self.name: Final = f"{self.module}.{self.qualname}"
        self.doc: Final = _text(func, "__doc__")
        self.location: Final = _location(self._code)
        flags = _flags(func)
        self.yields: Final = bool(flags & (_GENERATOR | _ASYNC_GENERATOR))
        if flags & _COROUTINE:
            refuse(
                func,
                "it is a coroutine function. For a resource, write an async generator function, which yields the value",
            )
        if missing := _missing(func):
            refuse(func, f"it needs arguments: {', '.join(missing)}")

    @property
    def is_async(self) -> bool:
        """Whether a coroutine opens the value; for a function without ``yield`` by its annotation."""
        if self.yields:
            return bool(_flags(self.func) & _ASYNC_GENERATOR)
        if isinstance(self.func, type):
            return _only_async(self.func)
        if self._code is None:
            return False
        flags = self._code.__code__.co_flags
        if flags & (_GENERATOR | _ASYNC_GENERATOR):  # below @contextmanager, @asynccontextmanager, or other decorators
            return bool(flags & _ASYNC_GENERATOR)
        from typing import get_origin, get_type_hints

        try:
            given: object = get_type_hints(self._code).get("return")
        except Exception:  # noqa: BLE001 - a name that is there for type checkers only
            return "Async" in _outermost(self._code)
        return _only_async(get_origin(given) or given)

    def manager(self) -> object:
        """Make the context manager, sync or async; a generator that the function returns becomes one."""
        value = self.func()
        if isinstance(value, types.GeneratorType):
            return contextlib.contextmanager(lambda: cast("Generator[object]", value))()
        if isinstance(value, types.AsyncGeneratorType):
            return contextlib.asynccontextmanager(lambda: cast("AsyncGenerator[object]", value))()
        return value

    def standing_for(self, method: Callable[[], object]) -> Callable[[], object]:
        """Return `method` as a hook that has the location of this callable in reports."""
        is_async = bool(_flags(method) & _COROUTINE)
        if self._code is None:
            return method if is_async else functools.partial(operator.call, method)
        hook = _later(cast("Callable[[], Awaitable[None]]", method)) if is_async else _now(method)
        hook.__dict__["__wrapped__"] = self._code
        return hook


def _now(method: Callable[[], object]) -> Callable[[], object]:
    def hook() -> None:
        method()

    return hook


def _later(method: Callable[[], Awaitable[None]]) -> Callable[[], object]:
    async def hook() -> None:
        await method()

    return hook


def refuse(func: object, why: str) -> NoReturn:
    """Refuse a callable.

    Args:
        func: The callable.
        why: The reason, for the message.

    Raises:
        HookSignatureError: Always.
    """
    location = _location(_function(func))
    where = f" ({location})" if location else ""
    msg = f"{_text(func, '__qualname__') or _shown(func)}{where} cannot be used for values of a restore: {why}."
    raise HookSignatureError(msg)


def refuse_single_use(func: object) -> None:
    """Refuse a function whose result can be used only once.

    Args:
        func: The function.

    Raises:
        HookSignatureError: `func` is a coroutine or generator function, or not callable.
    """
    if not callable(func):
        refuse(func, "it is not callable")
    if _flags(func) & (_COROUTINE | _GENERATOR | _ASYNC_GENERATOR) or _managed(_called(func)[0]) is not None:
        what = "a coroutine, generator or context manager function"
        refuse(func, f"the result of {what} can be used only once, so it cannot be cached")


def _only_async(kind: object) -> bool:
    return (hasattr(kind, "__aenter__") or hasattr(kind, "__anext__")) and not hasattr(kind, "__enter__")


_AS_TEXT: Final[dict[str, Any]] = {"format": 4} if sys.version_info >= (3, 14) else {}  # type: ignore[explicit-any]  # annotationlib.Format.STRING


def _outermost(func: types.FunctionType) -> str:
    """The name of what `func` is said to return, of which not all can be found: without what it is generic in."""
    from inspect import get_annotations

    annotations: Mapping[str, object] = get_annotations(func, **_AS_TEXT)
    return str(annotations.get("return", "")).strip("'\"").partition("[")[0]


def _text(named: object, attribute: str) -> str | None:
    """An attribute that is text, or nothing: a callable may be anybody's object."""
    try:
        value: object = getattr(named, attribute, None)
    except Exception:  # noqa: BLE001 - whatever `__getattr__` does
        return None
    return value if isinstance(value, str) else None


def _shown(func: object) -> str:
    try:
        return repr(func)
    except Exception:  # noqa: BLE001 - whatever `__repr__` does
        return f"an object of type {type(func).__qualname__!r}"


def _location(func: types.FunctionType | None) -> str:
    return "" if func is None else f"{func.__code__.co_filename}:{func.__code__.co_firstlineno}"


def _behind_partials(func: object) -> object:
    for _ in range(_DEPTH):  # they can be circular
        if not isinstance(func, functools.partial):
            break
        func = cast("object", func.func)
    return func


def _called(func: object) -> tuple[types.FunctionType | None, int, frozenset[str]]:
    """The function that a call runs, and what partials and methods give it: how many arguments, and which by name.

    None of what that function wraps: what a wrapper needs is not what is inside it.  ``None`` for
    classes, builtins and the like, of which nobody knows.
    """
    given, named = 0, frozenset[str]()
    for _ in range(_DEPTH):
        if isinstance(func, types.FunctionType):
            return func, given, named
        if isinstance(func, functools.partial):
            given, named = given + len(func.args), named | func.keywords.keys()
            func = cast("object", func.func)
        elif isinstance(func, types.MethodType):
            given, func = given + 1, func.__func__
        elif isinstance(func, staticmethod) or type(func) is _CACHED:
            func = cast("staticmethod[[], object]", func).__wrapped__
        elif not isinstance(func, type) and isinstance(call := type(func).__call__, types.FunctionType):
            given, func = given + 1, call
        else:
            break
    return None, 0, named


def _managed(func: types.FunctionType | None) -> types.FunctionType | None:
    """What is below `contextlib.contextmanager` or its like, which say that they take any argument."""
    if func is None or func.__code__.co_filename != contextlib.__file__:
        return None
    inner: object = func.__dict__.get("__wrapped__")
    return inner if isinstance(inner, types.FunctionType) else None


def _flags(func: object) -> int:
    """Of the function itself: none of what it wraps."""
    called = _called(func)[0]
    return 0 if called is None else called.__code__.co_flags


def _function(func: object) -> types.FunctionType | None:
    """What is behind partials and decorators; ``None`` for classes, builtins and other objects."""
    for _ in range(_DEPTH):
        func = _called(func)[0]
        if func is None or "__wrapped__" not in func.__dict__:
            return func
        func = cast("object", func.__dict__["__wrapped__"])
    return None


def _missing(func: object) -> list[str]:
    """The arguments that a call would lack."""
    called, given, named = _called(func)
    called = _managed(called) or called
    if called is None:
        return []
    code, defaults = called.__code__, called.__kwdefaults__ or {}
    last = code.co_argcount - len(called.__defaults__ or ())
    by_name = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    needed = (*code.co_varnames[given:last], *(name for name in by_name if name not in defaults))
    return [name for name in needed if name not in named]
