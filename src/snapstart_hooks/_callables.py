"""What a callable is: its name, its place, and whether it can be a hook.

Works on code objects, because `inspect` costs an import of 4 ms; it is asked
only for what has no Python code (classes, builtins).  A callable may be anybody's
object, so of what it says nothing is believed but its code.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import types
import weakref
from typing import TYPE_CHECKING, Final, cast

from ._foreign import attribute, coroutine, error_text, is_a, kind, printable, special
from .errors import HookSignatureError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The values of inspect.CO_*.
_VARARGS, _VARKEYWORDS = 0x04, 0x08
_GENERATOR, _COROUTINE, _ITERABLE_COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x100, 0x200

# As plain types: what they are generic in does not matter here.
_CACHED: Final[type[object]] = type(functools.cache(lambda: None))
_PARTIAL: Final[type[object]] = functools.partial
_STATIC: Final[type[object]] = staticmethod

_DEPTH: Final = 1000
"""Wrappers around a function that are looked behind: more are a circle."""


def _unwrap(
    func: object, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> tuple[object, tuple[object, ...], Mapping[str, object]]:
    """The function that a call reaches in the end, and the arguments that it will be called with.

    ``__wrapped__`` of an ordinary wrapper is not followed: what a wrapper
    accepts need not be what the function inside it needs.
    """
    given: tuple[object, ...] = args
    for _ in range(_DEPTH):
        if is_a(func, types.FunctionType) or is_a(func, type):
            break
        if issubclass(type(func), _PARTIAL):
            func, bound, keywords = _parts(func)
            given, kwargs = (*bound, *given), {**keywords, **kwargs}
        elif is_a(func, types.MethodType):
            given = (attribute(func, "__self__"), *given)
            func = attribute(func, "__func__")
        elif issubclass(type(func), (_STATIC, _CACHED)):
            func = attribute(func, "__wrapped__")
        elif is_a(call := special(func, "__call__"), types.FunctionType):
            given = (func, *given)
            func = call
        else:
            break
    return func, given, kwargs


def _parts(func: object) -> tuple[object, tuple[object, ...], dict[str, object]]:
    """Function, arguments and keywords of a partial: what a subclass makes of these names is its own matter."""
    get = functools.partial.__dict__
    return get["func"].__get__(func), get["args"].__get__(func), get["keywords"].__get__(func)


def title(func: object) -> str:
    """``module.qualname`` of `func`, or of its type if it is a plain object."""
    for _ in range(_DEPTH):
        if not issubclass(type(func), _PARTIAL):
            break
        func = _parts(func)[0]
    module, qualname = _origin(func)
    if module is None and not is_a(owner := attribute(func, "__self__"), types.ModuleType) and owner is not None:
        module = _origin(type(owner))[0]  # methods of builtin types carry no module
    if qualname is None:
        module, qualname = _origin(type(func))
    return printable(f"{module}.{qualname or kind(func)}" if module else qualname or kind(func))


def _origin(named: object) -> tuple[str | None, str | None]:
    found = attribute(named, "__module__"), attribute(named, "__qualname__")
    module, qualname = (str.__str__(each) if is_a(each, str) else None for each in found)
    return module, qualname


def place(func: object) -> str:
    """``file:line`` where `func` is written, behind all its decorators; empty for classes and builtins."""
    inner, _, _ = _unwrap(func, (), {})
    for _ in range(_DEPTH):  # a decorator may have made a circle
        wrapped, _, _ = _unwrap(attribute(inner, "__wrapped__"), (), {})
        if not is_a(wrapped, types.FunctionType):
            break
        inner = wrapped
    if not is_a(inner, types.FunctionType):
        return ""
    return printable(f"{inner.__code__.co_filename}:{inner.__code__.co_firstlineno}")


def site() -> str:
    """``file:line`` of the code that is registering: the place of callables that have no code of their own."""
    frame = sys._getframe()  # noqa: SLF001 - public in all but name; traceback would cost milliseconds
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__")):
        frame = frame.f_back
    return printable(f"{frame.f_code.co_filename}:{frame.f_lineno}")


def _is_ours(module: object) -> bool:
    return is_a(module, str) and str.partition(module, ".")[0] == __package__


def examine(
    func: object, args: tuple[object, ...], kwargs: Mapping[str, object], *, phase: str, where: str, shipped: bool
) -> bool:
    """Return whether calling `func` gives a coroutine; refuse what cannot be a hook.

    For the message: the phase's name, where `func` is written or registered, and whether a
    library ships it, whose author may not know our functions.

    Raises:
        HookSignatureError: `func` is not callable, is a generator function, or does not fit the arguments.
    """
    inner, given, keywords = _unwrap(func, args, kwargs)
    code = inner.__code__ if is_a(inner, types.FunctionType) else None
    if not callable(func):
        fault = _why_not_callable(func)
    elif issubclass(type(func), weakref.ReferenceType):
        fault = (
            "it is a weak reference, and calling it only gives what it refers to. "
            "Register that; for objects that come and go, a provider has `instances`."
        )
    elif what := _generator(inner):
        fault = (
            f"a call of a {what} runs nothing of its body, which contains `yield`. Make it a plain or async function."
        )
    elif fault := _misfit(inner, given, keywords):
        fault += " " + _advice(func, inner, phase, shipped=shipped)
    if fault:
        named = title(func) if callable(func) else "`None`" if func is None else f"an object of type {kind(func)!r}"
        msg = f"{named} ({where}) cannot be a hook of {phase}: {fault}"
        raise HookSignatureError(msg)
    return code is not None and bool(code.co_flags & (_COROUTINE | _ITERABLE_COROUTINE))


def _generator(func: object) -> str:
    """Which kind of generator function it is; empty if it is none."""
    if not is_a(func, types.FunctionType):
        return ""
    flags = func.__code__.co_flags
    if flags & (_GENERATOR | _ASYNC_GENERATOR) and not flags & _ITERABLE_COROUTINE:
        return "generator function"
    managed = func.__code__.co_filename == contextlib.__file__ and _generator(attribute(func, "__wrapped__"))
    return "context manager function" if managed else ""


def _misfit(func: object, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    """Say how `args` and `kwargs` do not fit `func`; empty if they do."""
    if not is_a(func, types.FunctionType):
        return _misfit_by_inspect(func, args, kwargs)
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
    if is_a(func, type):
        abstract = attribute(func, "__abstractmethods__")
        if type(abstract) is frozenset and abstract:
            names = sorted(map(str, cast("frozenset[object]", abstract)))
            return f"it is an abstract class (without {', '.join(names)})."
    import inspect

    try:
        signature = inspect.signature(cast("Callable[[], object]", func))
    except (ValueError, TypeError):
        return ""  # a builtin that does not tell its signature
    except BaseException as error:  # noqa: BLE001 - what `__signature__` and the like do is anybody's code
        return f"asking for its signature raised {error_text(error)}."
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        return f"it cannot be called so: {error}."
    return ""


def _advice(func: object, inner: object, phase: str, *, shipped: bool) -> str:
    if shipped:
        return (
            f"`{phase}` of a library is called without arguments, or with one object if it has `instances`: "
            "a function that gives those that live."
        )
    owner, _, name = printable(_origin(func)[1] or "").rpartition(".")
    code = inner.__code__ if is_a(inner, types.FunctionType) else None
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


def _why_not_callable(value: object) -> str:
    if (called := coroutine(value)) is not None:
        name = called.__qualname__
        called.close()  # it will never be awaited, and that is said here
        return f"it is the coroutine of a call. Register the function itself: `{name}`, not `{name}()`."
    if is_a(value, classmethod):
        return "it is a classmethod inside its class body. Register `Class.method` after the class."
    if value is None:
        return "it is no function. Does a decorator below this one return nothing?"
    return "it is not callable. Register a function, a bound method or an object with `__call__`."
