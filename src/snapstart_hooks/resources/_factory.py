"""`Factory`: a callable that makes a value, with its name and location, and the check that it can be one."""

from __future__ import annotations

import contextlib
import functools
import operator
import types
from typing import TYPE_CHECKING, Final, NoReturn, cast

from ..errors import HookSignatureError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

__all__ = ("Factory", "refuse", "refuse_single_use")

# The values of inspect.CO_*.
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200


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
            refuse(func, "it is not callable")
        self._code: Final = _function(func)
        self.func: Final[Callable[[], object]] = func
        named = self._code or func
        self.module: Final = str(getattr(func, "__module__", None) or type(func).__module__)
        self.qualname: Final = str(getattr(named, "__qualname__", None) or type(named).__qualname__)
        self.name: Final = f"{self.module}.{self.qualname}"
        self.doc: Final[str | None] = getattr(func, "__doc__", None)
        self.location: Final = _location(self._code)
        flags = _flags(func)
        self.yields: Final = bool(flags & (_GENERATOR | _ASYNC_GENERATOR))
        if flags & _COROUTINE:
            refuse(
                func,
                "it is a coroutine function. For a resource, write an async generator function, which yields the value",
            )
        if self._code is not None and (missing := _missing(func, self._code)):
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
        if self._code.__code__.co_flags & _ASYNC_GENERATOR:  # below @asynccontextmanager
            return True
        from typing import get_origin, get_type_hints

        try:
            given: object = get_type_hints(self._code).get("return")
        except Exception:  # noqa: BLE001 - a name that is there for type checkers only
            return "Async" in str(self._code.__annotations__["return"])
        return _only_async(get_origin(given) or given)

    def manager(self) -> Callable[[], AbstractContextManager[object]]:
        """Return the callable that makes the context manager."""
        if self.yields:
            return contextlib.contextmanager(cast("Callable[[], Generator[object, None, None]]", self.func))
        return cast("Callable[[], AbstractContextManager[object]]", self.func)

    def async_manager(self) -> Callable[[], AbstractAsyncContextManager[object]]:
        """Return the callable that makes the async context manager."""
        if self.yields:
            return contextlib.asynccontextmanager(cast("Callable[[], AsyncGenerator[object, None]]", self.func))
        return cast("Callable[[], AbstractAsyncContextManager[object]]", self.func)

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
    msg = f"{getattr(func, '__qualname__', repr(func))}{where} cannot be used for values of a restore: {why}."
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
    if _flags(func) & (_COROUTINE | _GENERATOR | _ASYNC_GENERATOR):
        refuse(func, "the result of a coroutine or generator function can be used only once, so it cannot be cached")


def _only_async(kind: object) -> bool:
    return hasattr(kind, "__aenter__") and not hasattr(kind, "__enter__")


def _location(func: types.FunctionType | None) -> str:
    return "" if func is None else f"{func.__code__.co_filename}:{func.__code__.co_firstlineno}"


def _flags(func: object) -> int:
    """Return the flags of the function itself, not of a function that it wraps."""
    while isinstance(func, functools.partial):
        func = cast("object", func.func)
    return func.__code__.co_flags if isinstance(func, types.FunctionType | types.MethodType) else 0


def _function(func: object) -> types.FunctionType | None:
    """Return the function behind partials and decorators; ``None`` for classes, builtins and other objects."""
    while True:
        if isinstance(func, functools.partial):
            func = cast("object", func.func)
        elif isinstance(func, types.MethodType):
            func = func.__func__
        elif not isinstance(func, types.FunctionType):
            return None
        elif "__wrapped__" in func.__dict__:
            func = cast("object", func.__dict__["__wrapped__"])
        else:
            return func


def _missing(func: object, inner: types.FunctionType) -> list[str]:
    """Return the required arguments; none for a partial, where they are not known."""
    if isinstance(func, functools.partial):
        return []
    code = inner.__code__
    first, last = int(isinstance(func, types.MethodType)), code.co_argcount - len(inner.__defaults__ or ())
    named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return [*code.co_varnames[first:last], *(name for name in named if name not in (inner.__kwdefaults__ or {}))]
