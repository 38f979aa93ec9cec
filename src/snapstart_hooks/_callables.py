"""What a callable is: its name, its place, and whether it can be a hook.

Works on code objects, because `inspect` costs an import of 4 ms; it is asked
only for what has no Python code (classes, builtins).
"""

from __future__ import annotations

import contextlib
import functools
import sys
import types
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ("examine", "place", "site", "title")

# The values of inspect.CO_*.
_VARARGS, _VARKEYWORDS = 0x04, 0x08
_GENERATOR, _COROUTINE, _ITERABLE_COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x100, 0x200

_CACHED: type[object] = type(functools.cache(lambda: None))


def _unwrap(
    func: object, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> tuple[object, tuple[object, ...], Mapping[str, object]]:
    """The function that a call reaches in the end, and the arguments that it will be called with.

    Looks behind bound methods, partials, caches and objects with ``__call__``.
    ``__wrapped__`` of an ordinary wrapper is not followed: what a wrapper
    accepts need not be what the function inside it needs.
    """
    while not isinstance(func, (types.FunctionType, type)):
        if isinstance(func, functools.partial):
            args, kwargs = (*func.args, *args), {**func.keywords, **kwargs}
            func = func.func
        elif isinstance(func, types.MethodType):
            args, func = (func.__self__, *args), func.__func__
        elif isinstance(func, staticmethod):
            func = func.__func__
        elif isinstance(func, _CACHED):
            func = getattr(func, "__wrapped__")  # noqa: B009 - typeshed's cache wrapper is generic
        else:
            call = getattr(type(func), "__call__", None)  # noqa: B004 - the function itself is wanted
            if not isinstance(call, types.FunctionType):
                break
            args, func = (func, *args), call
    return func, args, kwargs


def title(func: object) -> str:
    """``module.qualname`` of `func`, or of its type if it is a plain object."""
    if isinstance(func, functools.partial):
        return title(func.func)
    named = func if hasattr(func, "__qualname__") else type(func)
    module = getattr(named, "__module__", None)
    owner = getattr(func, "__self__", None)
    if module is None and owner is not None and not isinstance(owner, types.ModuleType):
        module = type(owner).__module__  # methods of builtin types carry no module
    qualname: object = getattr(named, "__qualname__", "?")
    return f"{module}.{qualname}" if isinstance(module, str) else str(qualname)


def place(func: object) -> str:
    """``file:line`` where `func` is written, behind all its decorators; empty for classes and builtins."""
    inner, _, _ = _unwrap(func, (), {})
    while isinstance(wrapped := getattr(inner, "__wrapped__", None), types.FunctionType) and wrapped is not inner:
        inner = wrapped
    if not isinstance(inner, types.FunctionType):
        return ""
    return f"{inner.__code__.co_filename}:{inner.__code__.co_firstlineno}"


def site() -> str:
    """``file:line`` of the code that is registering: the place of callables that have no code of their own."""
    frame = sys._getframe()  # noqa: SLF001 - public in all but name; traceback would cost milliseconds
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "snapstart_hooks":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def examine(func: object, args: tuple[object, ...], kwargs: Mapping[str, object], *, phase: str, where: str) -> bool:
    """Tell whether calling `func` gives a coroutine; refuse what cannot be a hook.

    Args:
        func: What is to be registered.
        args: The positional arguments that it is registered with.
        kwargs: The keyword arguments that it is registered with.
        phase: The phase's name, for the message.
        where: ``file:line`` of `func` or of its registration, for the message.

    Raises:
        HookSignatureError: If `func` is not callable, is a generator function,
            or does not fit the arguments.
    """
    if not callable(func):
        from snapstart_hooks.errors import HookSignatureError

        msg = f"{_short(func)} ({where}) cannot be a hook of {phase}: {_why_not_callable(func)}"
        raise HookSignatureError(msg)
    inner, all_args, all_kwargs = _unwrap(func, args, kwargs)
    if isinstance(inner, types.FunctionType):
        code = inner.__code__
        flags = code.co_flags
        generator = _is_generator(code)
        if generator or (code.co_filename == contextlib.__file__ and _wraps_generator(inner)):
            from snapstart_hooks.errors import HookSignatureError

            kind = "generator function" if generator else "context manager function"
            msg = (
                f"{title(func)} ({where}) cannot be a hook of {phase}: a call of a {kind} runs nothing of its body, "
                "which contains `yield`. Make it a plain or async function."
            )
            raise HookSignatureError(msg)
        fault = _misfit(inner, all_args, all_kwargs)
        is_async = bool(flags & (_COROUTINE | _ITERABLE_COROUTINE))
    else:
        fault = _misfit_by_inspect(inner, all_args, all_kwargs)
        is_async = False
    if fault:
        from snapstart_hooks.errors import HookSignatureError

        msg = f"{title(func)} ({where}) cannot be a hook of {phase}: {fault} {_advice(func, inner, phase)}"
        raise HookSignatureError(msg)
    return is_async


def _is_generator(code: types.CodeType) -> bool:
    flags = code.co_flags
    return bool(flags & (_GENERATOR | _ASYNC_GENERATOR)) and not flags & _ITERABLE_COROUTINE


def _wraps_generator(func: types.FunctionType) -> bool:
    wrapped = getattr(func, "__wrapped__", None)
    return isinstance(wrapped, types.FunctionType) and _is_generator(wrapped.__code__)


def _misfit(func: types.FunctionType, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    """Say how `args` and `kwargs` do not fit `func`; empty if they do."""
    code = func.__code__
    count, given = code.co_argcount, len(args)
    positional = code.co_varnames[:count]
    keyword_only = code.co_varnames[count : count + code.co_kwonlyargcount]
    if given > count and not code.co_flags & _VARARGS:
        return f"it takes {count} positional argument{'s' * (count != 1)} but would be given {given}."
    by_keyword = {*positional[code.co_posonlyargcount :], *keyword_only}
    for name in kwargs:
        if name in positional[:given] and name in by_keyword:
            return f"it would be given two values for the argument {name!r}."
        if name not in by_keyword and not code.co_flags & _VARKEYWORDS:
            return f"it has no argument {name!r}."
    needed = positional[given : count - len(func.__defaults__ or ())]
    defaults = func.__kwdefaults__ or {}
    missing = [name for name in (*needed, *keyword_only) if name not in kwargs and name not in defaults]
    if missing:
        return f"it needs the argument{'s' * (len(missing) != 1)} {', '.join(map(repr, missing))}."
    return ""


def _misfit_by_inspect(func: object, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    """As `_misfit`, for classes and builtins; empty also where nobody can know."""
    if isinstance(func, type):
        abstract: frozenset[str] = getattr(func, "__abstractmethods__", frozenset())
        if abstract:
            return f"it is an abstract class (without {', '.join(sorted(abstract))})."
    import inspect

    try:
        inspect.signature(cast("Callable[[], object]", func)).bind(*args, **kwargs)
    except ValueError:
        return ""  # a builtin that does not tell its signature
    except TypeError as error:
        return f"it cannot be called so: {error}."
    return ""


def _advice(func: object, inner: object, phase: str) -> str:
    qualname: str = getattr(func, "__qualname__", "")
    owner, _, name = qualname.rpartition(".")
    code = inner.__code__ if isinstance(inner, types.FunctionType) else None
    first = code.co_varnames[0] if code is not None and code.co_argcount else ""
    if owner and not owner.endswith("<locals>") and func is inner and first in {"self", "cls"}:
        return (
            f"It looks like a method that is not bound to an object: register `instance.{name}` "
            f"with register_{phase}(instance.{name})."
        )
    name = name or "func"
    return (
        f"Hooks are called without arguments; give them when you register it: "
        f"register_{phase}({name}, ...) or {phase}(...).call({name}, ...)."
    )


def _short(value: object) -> str:
    kind = type(value).__qualname__
    return f"`{value}`" if value is None else f"an object of type {kind!r}"


def _why_not_callable(value: object) -> str:
    if isinstance(value, types.CoroutineType):
        name: str = value.__qualname__
        value.close()  # it will never be awaited, and that is said here
        return f"it is the coroutine of a call. Register the function itself: `{name}`, not `{name}()`."
    if isinstance(value, classmethod):
        return "it is a classmethod inside its class body. Register `Class.method` after the class."
    if value is None:
        return "it is no function. Does a decorator below this one return nothing?"
    return "it is not callable. Register a function, a bound method or an object with `__call__`."
