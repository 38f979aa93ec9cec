"""`AsyncResource`: a value that belongs to an event loop."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, TypeVar, cast

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from ..errors import ResourceError
from ._builds import ROUNDS, Built, close_async, graph, raise_all, user
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
    """A value that coroutines open and close; awaiting a call of the resource returns the value.

    It is opened and closed as a `Resource` is, on the event loop of the first call: on Lambda, and in hooks, that is
    the persistent loop.  One task opens and closes the value, and lives as long as the value.  If the loop was closed,
    as by `asyncio.run`, the value is opened again on another one.  `resource` makes one.
    """

    def __init__(self, factory: Factory, options: Options) -> None:
        from asyncio import _get_running_loop

        self._running: Final = _get_running_loop
        self._nothing: Final = None, cast("T", None), _get_running_loop
        self._shown: tuple[AbstractEventLoop | None, T, Callable[[], AbstractEventLoop | None]] = self._nothing
        self._factory: Final = factory
        super().__init__(factory, options)

    async def __call__(self) -> T:
        """Return the value, and open it if it is not open.

        Raises:
            ResourceError: The value belongs to another event loop, needs itself, or could not be opened or closed
                by a hook.
            Exception: The exception that opening raised, with the resource's name in a note.
        """
        loop, value, running = self._shown  # in one piece, which is quicker
        if loop is running():
            return value
        return await self._ask()

    @override
    def hide(self) -> None:
        super().hide()
        self._shown = self._nothing

    async def reset(self) -> None:
        """Close the value now, and before it the values that use it; the next use opens it again.

        Raises:
            Exception: The exception that closing raised, with the resource's name in a note.
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
            self.raise_later(error, "built after the restore")
            raise

    async def _ask(self) -> T:
        import asyncio

        loop = asyncio.get_running_loop()
        asking = self._record_user()
        for _ in range(ROUNDS + 1):
            with graph:
                built = self._living() or self._start(loop)
                if built.loop is not None and built.loop is not loop:
                    msg = (
                        f"the resource {self} belongs to another event loop, which is not closed. Use one loop for "
                        "all: the current one, `asyncio.get_event_loop()`, on which hooks are awaited, too"
                    )
                    raise ResourceError(msg)
                if built is self.built:
                    built.used_by(asking)
                    value = cast("T", built.value)
                    if self.may_show(built):
                        self._shown = loop, value, self._running
                    return value
            await self._until_ready(built)
            if built.failed is not None and not built.abandoned:
                raise built.failed
        raise self._overtaken()

    def _living(self) -> Built | None:
        """Return the build that is open or running, unless its event loop was closed."""
        built = self.built or self.pending
        if built is not None and built.loop is not None and built.loop.is_closed():
            self._finished(built)
            self.withdraw(built)
            return None
        return built

    def _start(self, loop: AbstractEventLoop) -> Built:
        import asyncio

        self._raise_pending()
        built = self._begin()
        built.loop, built.ready, built.end = loop, loop.create_future(), asyncio.Event()
        built.task = loop.create_task(self._live(built), name=self.name)
        return built

    async def _until_ready(self, built: Built) -> None:
        """Wait for a build; cancel it if all that wait for it are cancelled."""
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
        """Open and close the value in one task, as many libraries require."""
        user.set(built)
        doing = "built"
        try:
            manager = cast("AbstractAsyncContextManager[T]", self._factory.manager())
            refuse_value(self, manager, "__aenter__")
            async with manager as value:
                doing = "closed"
                built.abandoned = self._outdated(built)  # and whoever waits has another begun
                if not built.abandoned:
                    self._opened(built, value)
                    built.ready.set_result(None)
                    await built.end.wait()
        except BaseException as error:  # noqa: BLE001 - raised to those who wait: here it would end the loop
            self._annotate(error, doing)
            built.failed = error
            if not _cancelled(built) and (built.open or built.abandoned):
                self.raise_later(error, "kept open" if built.open else doing)  # no caller waits for it
        finally:
            self._finished(built, built.failed)
            self.withdraw(built)
            if not built.ready.done():
                built.ready.set_result(None)

    @override
    def close_one(self, built: Built) -> Exception | None:
        return self._given_on(self._close(built))

    def _close(self, built: Built) -> BaseException | None:
        import asyncio

        loop = built.loop
        if not built.open or loop is None:
            return None
        self.withdraw(built)
        if loop.is_closed():
            return None  # which has ended the task
        if self._running() is not None:  # nothing can wait here: the value is closed when its loop continues
            loop.call_soon_threadsafe(built.end.set)
            return None
        if loop.is_running():
            return asyncio.run_coroutine_threadsafe(self._ended(built), loop).result()
        return loop.run_until_complete(self._ended(built))

    @override
    async def close_here(self, built: Built) -> Exception | None:
        import asyncio

        loop = built.loop
        if not built.open or loop is None or loop.is_closed():
            return self.close_one(built)
        self.withdraw(built)
        if loop is self._running():
            return self._given_on(await self._ended(built))
        if loop.is_running():
            ended = asyncio.run_coroutine_threadsafe(self._ended(built), loop)
            return self._given_on(await asyncio.wrap_future(ended))
        return self._given_on(await _elsewhere(lambda: loop.run_until_complete(self._ended(built))))

    async def _ended(self, built: Built) -> BaseException | None:
        """Let the task close the value, and wait for that; return the error."""
        import asyncio

        built.end.set()
        try:
            await asyncio.wait({built.task})
        except asyncio.CancelledError:
            built.task.cancel()
            raise
        return None if _cancelled(built) else built.failed

    def _given_on(self, error: BaseException | None) -> Exception | None:
        if error is not None:
            self.raise_later(error, "closed")
        if error is None or isinstance(error, Exception):
            return error
        raise error


def _cancelled(built: Built) -> bool:
    """Whether others have ended its task, as a loop does in the end, and it did not fail."""
    import asyncio

    return isinstance(built.failed, asyncio.CancelledError | GeneratorExit) and bool(built.task.cancelling())


async def _elsewhere(work: Callable[[], T]) -> T:
    """What `work` gives on a thread of its own: here a loop runs, and it runs another."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1, "snapstart_hooks.resources") as threads:
        return await asyncio.get_running_loop().run_in_executor(threads, work)
