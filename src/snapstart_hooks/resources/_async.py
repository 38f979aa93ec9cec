"""`AsyncResource`: a value that lives on an event loop."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, TypeVar, cast

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from ..errors import ResourceError
from ._builds import Built, close_async, graph, in_work, raise_all, user
from ._scoped import Options, RestoreScoped
from ._values import refuse_value

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from ._factory import Factory

__all__ = ("AsyncResource",)

T = TypeVar("T")


class AsyncResource(RestoreScoped[T]):
    """A value that is opened and closed by coroutines; awaiting a call of this gives it.

    As `Resource`, on the event loop on which it is first asked for: on Lambda, and in hooks,
    that is the persistent one.  It is opened and closed in one task, which lives as long as it.
    Where its loop has been closed, as `asyncio.run` does, it is opened anew.  `resource` makes one.
    """

    def __init__(self, factory: Factory, options: Options) -> None:
        from asyncio import _get_running_loop

        self._running: Final = _get_running_loop
        self._manager: Final = cast("Callable[[], AbstractAsyncContextManager[T]]", factory.async_manager())
        super().__init__(factory, options)

    async def __call__(self) -> T:
        """The value, opened if it is not.

        Raises:
            ResourceError: It lives on another event loop, is needed in order to open it, or could not be
                opened or closed when nobody asked for it.
            Exception: What opening raised, with the resource's name in a note.
        """
        built = self.built
        if built is not None and built.loop is self._running() and not in_work:
            return cast("T", built.value)
        return await self._ask()

    async def reset(self) -> None:
        """Close it now, and before it what was built with it; the next use opens it anew.

        Raises:
            Exception: What closing raised, with the resource's name in a note.
        """
        built = self.built
        raise_all(await close_async(built) if built is not None else [])

    @override
    def _closing(self) -> Callable[[], Awaitable[None]]:
        return self.reset

    @override
    def _building(self) -> Callable[[], Awaitable[None]]:
        return self._eagerly

    async def _eagerly(self) -> None:
        try:
            await self()
        except BaseException as error:
            self.keep(error, "built after the restore")
            raise

    async def _ask(self) -> T:
        import asyncio

        loop = asyncio.get_running_loop()
        asking = self._noted()
        while True:
            with graph:
                built = self._living() or self._start(loop)
                if built.loop is not None and built.loop is not loop:
                    msg = (
                        f"the resource {self} lives on another event loop, which is not closed. Use one loop for all: "
                        "the current one, `asyncio.get_event_loop()`, on which hooks are awaited, too"
                    )
                    raise ResourceError(msg)
                if built is self.built:
                    built.used_by(asking)
                    return cast("T", built.value)
            await self._until_ready(built)
            if built.failed is not None and not built.abandoned:
                raise built.failed

    def _living(self) -> Built | None:
        """What is built or being built, unless its loop has ended it."""
        built = self.built or self.pending
        if built is not None and built.loop is not None and built.loop.is_closed():
            self._finished(built)
            self.withdraw(built)
            return None
        return built

    def _start(self, loop: AbstractEventLoop) -> Built:
        import asyncio

        self._raise_kept()
        built = self._begin()
        built.loop, built.ready, built.end = loop, loop.create_future(), asyncio.Event()
        built.task = loop.create_task(self._live(built), name=self.name)
        return built

    async def _until_ready(self, built: Built) -> None:
        """Wait for it; if all who do are cancelled, so is it."""
        import asyncio

        built.waiting += 1
        try:
            await asyncio.wait({built.ready})
        finally:
            built.waiting -= 1
            if not built.waiting and not built.ready.done():
                built.abandoned = True
                built.task.cancel()

    async def _live(self, built: Built) -> None:
        """Its whole life: what is opened in one task has often to be closed in that one, too."""
        user.set(built)
        try:
            manager = self._manager()
            refuse_value(self, manager, "__aenter__")
            async with manager as value:
                self._opened(built, value)
                built.ready.set_result(None)
                await built.end.wait()
        except BaseException as error:
            self._told(error, "built" if built.building else "closed")
            built.failed = error
            if not isinstance(error, Exception):
                raise
            if built.open:
                self.keep(error, "kept open")  # it has ended by itself
        finally:
            self._finished(built, built.failed)
            self.withdraw(built)
            if not built.ready.done():
                built.ready.set_result(None)

    @override
    def close_one(self, built: Built) -> Exception | None:
        import asyncio

        loop = built.loop
        if not built.open or loop is None:
            return None
        self.withdraw(built)
        if loop.is_closed():
            return None  # and has ended it
        if self._running() is not None:  # nobody can wait here: it closes when its loop goes on
            loop.call_soon_threadsafe(built.end.set)
            return None
        if loop.is_running():
            return asyncio.run_coroutine_threadsafe(self._ended(built), loop).result()
        return loop.run_until_complete(self._ended(built))

    @override
    async def close_here(self, built: Built) -> Exception | None:
        if not built.open or built.loop is not self._running():
            return self.close_one(built)
        self.withdraw(built)
        return await self._ended(built)

    async def _ended(self, built: Built) -> Exception | None:
        """Have it closed on its loop, and wait for that; give what went wrong."""
        import asyncio

        built.end.set()
        try:
            await asyncio.wait({built.task})
        except asyncio.CancelledError:
            built.task.cancel()
            raise
        if not isinstance(built.failed, Exception):
            return None
        self.keep(built.failed, "closed")
        return built.failed
