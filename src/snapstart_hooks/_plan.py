"""The order: priorities, edges, ties; and what of it may overlap.

There is one total order, the *restore order*.  ``after_restore`` hooks run in it,
``before_snapshot`` hooks in its exact mirror.
"""

from __future__ import annotations

import heapq
from bisect import insort_right
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Final

from ._foreign import cut
from ._hook import Phase
from .errors import HookOrderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ._hook import Hook

_TOLD: Final = 20
"""Hooks of a cycle that a message names."""


def rank(hook: Hook) -> tuple[int, int, str, str]:
    """Where a hook stands as long as no edge moves it: its priority; providers first, by name; then as registered."""
    provider = hook.provider
    return (hook.priority, 1, "", "") if provider is None else (hook.priority, 0, *provider.key)


def order(hooks: Iterable[Hook]) -> list[Hook]:
    """The restore order of `hooks` of both phases together, so that each phase mirrors the other.

    They are given as registered, those of each provider in its own order.  An edge makes the hook
    that declares it wait; of those that wait for nobody the first in rank is next.

    Raises:
        HookOrderError: If the edges form a cycle.
    """
    ranked = sorted(hooks, key=rank)
    if not any(hook.waits for hook in ranked):
        return ranked
    graph = _graph(ranked)
    try:
        graph.prepare()
    except CycleError as error:
        way: list[int | str] = error.args[1]
        circle = list(dict.fromkeys(ranked[node] for node in reversed(way) if isinstance(node, int)))
        raise _cycle([*circle, circle[0]]) from None
    ordered: list[Hook] = []
    free: list[int] = []
    while graph.is_active():
        while ready := graph.get_ready():
            for node in ready:
                if isinstance(node, int):
                    heapq.heappush(free, node)
                else:
                    graph.done(node)  # a name does not queue
        index = heapq.heappop(free)
        ordered.append(ranked[index])
        graph.done(index)
    return ordered


def _graph(ranked: Sequence[Hook]) -> TopologicalSorter[int | str]:
    """Who waits for whom: hooks by their place.

    A name that is waited for is a node of its own, so that n hooks that wait for it
    and m that bear it make n + m edges, not n * m.
    """
    graph: TopologicalSorter[int | str] = TopologicalSorter()
    bearers: dict[str, list[int]] = {}
    for index, hook in enumerate(ranked):
        graph.add(index)
        for name in hook.names:
            bearers.setdefault(name, []).append(index)
    awaited: dict[str, None] = {}
    own: dict[str, int] = {}
    for index, hook in enumerate(ranked):
        for name in sorted(hook.waits & bearers.keys()):
            if name in hook.names and len(bearers[name]) > 1:
                # It bears the name as well, but need not wait for itself.  A second one makes a
                # circle with the first, whatever further ones do: more edges would only cost.
                own[name] = own.get(name, 0) + 1
                if own[name] <= 2:  # noqa: PLR2004
                    graph.add(index, *(other for other in bearers[name] if other != index))
            else:
                graph.add(index, name)
                awaited[name] = None
    for name in awaited:
        graph.add(name, *bearers[name])
    return graph


def _cycle(circle: list[Hook]) -> HookOrderError:
    """The error for hooks of which each waits for the next, and the last for the first, which comes again."""
    names = [cut(str(hook), 200) for hook in circle]
    if len(names) > _TOLD:
        names[_TOLD // 2 : -_TOLD // 2] = [f"... {len(names) - _TOLD} more ..."]
    way = ", which waits for ".join(names)
    msg = f"the `after` of these hooks form a cycle: {way}. Take one of these names out of its `after`."
    return HookOrderError(msg, tuple(hook.name for hook in circle))


def of_phase(phase: Phase, ordered: Sequence[Hook]) -> tuple[Hook, ...]:
    """The hooks of one phase in the order in which they run, of the restore order of both."""
    hooks = [hook for hook in ordered if hook.phase == phase]
    if phase == Phase.BEFORE_SNAPSHOT:
        hooks.reverse()
    return tuple(hooks)


def batches(hooks: Sequence[Hook]) -> list[tuple[Hook, ...]]:
    """A plan of one phase, cut into what runs at the same time."""
    phase = hooks[0].phase if hooks else Phase.AFTER_RESTORE
    queue = Queue(phase, hooks if phase is Phase.AFTER_RESTORE else hooks[::-1])
    return list(iter(queue.take, ()))


class Queue:
    """The hooks of one phase that have not had their turn."""

    __slots__ = ("_edges", "_hooks", "_next", "_others", "_phase")

    def __init__(self, phase: Phase, ordered: Sequence[Hook]) -> None:
        """Take the restore order of both phases."""
        self._phase: Final = phase
        self._fill(ordered)

    def _fill(self, ordered: Sequence[Hook]) -> None:
        self._edges = any(hook.waits for hook in ordered)
        # Hooks of the other phase may stand between two of this one that wait for each other.
        self._others = [hook for hook in ordered if hook.phase is not self._phase] if self._edges else []
        # In restore order: taken from the front after a restore, from the end before the snapshot.
        self._hooks = [hook for hook in ordered if hook.phase is self._phase]
        self._next = 0

    def __bool__(self) -> bool:
        return self._next < len(self._hooks)

    @property
    def left(self) -> list[Hook]:
        """They, and those of the other phase that stand between them, in the restore order as far as it matters."""
        return [*self._others, *self._hooks[self._next :]]

    def take(self, *, alone: Callable[[], bool] = bool) -> tuple[Hook, ...]:
        """The next hook and all that overlap it, unless each has to run `alone`; nothing if none is left.

        Neighbours overlap if all are ``concurrent``, have equal priority, and none waits for another by name.
        """
        if self._next >= len(self._hooks):
            return ()
        if self._phase is Phase.BEFORE_SNAPSHOT:
            first = self._hooks.pop()
        else:
            first = self._hooks[self._next]
            self._next += 1
        if not first.concurrent or alone():
            return (first,)
        batch, present, awaited = [first], set(first.names), set(first.waits)
        while self:
            hook = self._hooks[self._next if self._phase is Phase.AFTER_RESTORE else -1]
            alike = hook.concurrent and hook.priority == first.priority
            if not alike or not hook.names.isdisjoint(awaited) or not hook.waits.isdisjoint(present):
                break
            if self._phase is Phase.AFTER_RESTORE:
                self._next += 1
            else:
                self._hooks.pop()
            batch.append(hook)
            present |= hook.names
            awaited |= hook.waits
        return tuple(batch)

    def add(self, hooks: Sequence[Hook]) -> None:
        """Let hooks that were registered meanwhile queue by the same rules.

        Raises:
            HookOrderError: Their edges make a cycle with those that are left; nothing is added.
        """
        if self._edges or any(hook.waits for hook in hooks):
            self._fill(order([*self.left, *hooks]))
            return
        for hook in hooks:
            if hook.phase is self._phase:
                insort_right(self._hooks, hook, lo=self._next, key=rank)
