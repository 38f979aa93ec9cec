"""The typed decorators and call forms: each turns a function and options into a `Hook` of a registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast, overload

from ._callables import site
from ._compat import override
from ._hook import Hook, read_options

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Iterable
    from typing import Unpack

    from ._hook import Phase
    from ._instances import Instance
    from ._provider import HookOptions
    from ._state import State

F = TypeVar("F", bound=Callable[[], object])
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_MISSING: Final = object()


class HookDecorator:
    """Registers functions as hooks of one phase of one registry.

    ::

        @after_restore
        def reconnect() -> None: ...

        @after_restore(priority=Priority.CONNECTIONS, timeout=2.0)
        async def warm() -> None: ...

        after_restore(priority=5).call(client.reconnect, hard=True)

    The decorated object is returned as it is.  A registry makes one for each phase.
    """

    def __init__(self, phase: Phase, state: Callable[[], State]) -> None:
        self.phase: Final = phase
        self._state: Final = state

    @overload
    def __call__(self, func: F, /) -> F: ...
    @overload
    # The same as `HookOptions`: one of the type checkers accepts any name for an unpacked TypedDict.
    def __call__(
        self,
        /,
        *,
        priority: int | None = ...,
        name: str | None = ...,
        after: tuple[str, ...] | list[str] = ...,
        timeout: float | None = ...,
        required: bool = ...,
        concurrent: bool = ...,
    ) -> ConfiguredDecorator: ...
    def __call__(self, func: object = _MISSING, /, **options: Unpack[HookOptions]) -> object:
        """Register `func`, or return a decorator with these options.

        Args:
            func: A callable that needs no argument, sync or async.
            **options: See `HookOptions`. By default a hook has `Priority.APPLICATION`, the name
                ``module.qualname`` and no timeout, is required, and runs alone.

        Raises:
            HookSignatureError: `func` is not callable, needs arguments, or is a generator function.
            HookOptionError: An option has the wrong type or value.
        """
        configured = ConfiguredDecorator(self.phase, self._state, options)
        return configured if func is _MISSING else configured(cast("Callable[[], object]", func))

    def each(
        self,
        instances: Callable[[], Iterable[T]],
        /,
        *,
        loop: Callable[[T], AbstractEventLoop | None] | None = None,
        priority: int | None = None,
        name: str | None = None,
        after: tuple[str, ...] | list[str] = (),
        timeout: float | None = None,
        required: bool = True,
        concurrent: bool = False,
    ) -> Callable[[Callable[[T], R]], Callable[[T], R]]:
        """Make a hook of the decorated function for each of several live objects, its only argument.

        Args:
            instances: Returns the objects when ``before_snapshot`` begins; they are referenced weakly.  Hooks of
                ``after_restore`` are for the objects that were alive at the snapshot.
            loop: Returns the event loop on which an object's coroutines must run, ``None`` for any.
            priority: As in `HookOptions`, like all that follow.
            name: The object's own name, or a number, follows it in brackets.
            after: The hooks and providers that are restored before these.
            timeout: In seconds, for each object.
            required: Whether a failure fails the phase.
            concurrent: Whether these hooks may overlap, with each other too.

        Raises:
            HookSignatureError: The function cannot be called with one object.
            HookOptionError: An option has the wrong type or value.
        """
        where = site()
        options = read_options(
            lambda: f"@{self.phase.value}.each(...) ({where})",
            {
                "priority": priority,
                "name": name,
                "after": after,
                "timeout": timeout,
                "required": required,
                "concurrent": concurrent,
            },
        )

        def decorate(func: Callable[[T], R]) -> Callable[[T], R]:
            from ._instances import Each

            def make(instance: Instance) -> Hook:
                # pyrefly: ignore[open-unpacking]  # only PEP 728 lets a TypedDict say that it has no other keys
                return Hook(self.phase, func, registered_at=where, instance=instance, **options)

            their_loop = cast("Callable[[object], object] | None", loop)
            self._state().each.append(Each(instances, their_loop, [make], where=where))
            return func

        return decorate

    @override
    def __repr__(self) -> str:
        return f"<decorator {self.phase.value}>"


class ConfiguredDecorator:
    """A `HookDecorator` with options, waiting for its function: calling the decorator with options makes one."""

    def __init__(self, phase: Phase, state: Callable[[], State], options: HookOptions) -> None:
        self.phase: Final = phase
        self._state: Final = state
        self._options: Final = read_options(lambda: f"@{phase.value}(...) ({site()})", options)

    def __call__(self, func: F, /) -> F:
        """Register `func`, which needs no argument, with these options; return it as it is.

        Raises:
            HookSignatureError: `func` is not callable, needs arguments, or is a generator function.
        """
        self.call(func)
        return func

    def call(self, func: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Callable[P, R]:
        """Register a call of `func` with these arguments and these options; return `func`.

        Args:
            func: Any callable, sync or async.
            *args: Its positional arguments.
            **kwargs: Its keyword arguments.

        Raises:
            HookSignatureError: `func` does not accept the arguments, or cannot be a hook.
        """
        # pyrefly: ignore[open-unpacking]  # as above
        self._state().add(Hook(self.phase, func, args, kwargs, **self._options))
        return func

    @override
    def __repr__(self) -> str:
        return f"<decorator {self.phase.value} with options>"
