"""The order: priorities, edges, ties; and what of it may overlap.

There is one total order, the *restore order*.  ``after_restore`` hooks run in it,
``before_snapshot`` hooks in its exact mirror.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final, TypeAlias

from snapstart_hooks._hook import Phase, normalise
from snapstart_hooks.errors import HookOrderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from snapstart_hooks._hook import Hook

__all__ = ("Batches", "Plans", "batches", "names", "of_phase", "order")

Rank: TypeAlias = tuple[int, int, tuple[str, str], int]

Batches: TypeAlias = "tuple[tuple[Hook, ...], ...]"
"""A plan, cut into what runs at the same time."""


class Plans:
    """The plans of both phases, made together.

    Attributes:
        token: Of the state of the registry that they were made from.
    """

    __slots__ = ("_batches", "token")

    def __init__(self, token: object, hooks: Iterable[Hook]) -> None:
        self.token: Final = token
        ordered = order(hooks)
        self._batches: Final = {phase: batches(of_phase(phase, ordered)) for phase in Phase}

    def batches(self, phase: Phase) -> Batches:
        """The plan of one phase, cut into what runs at the same time."""
        return self._batches[phase]


def rank(hook: Hook) -> Rank:
    """Where a hook stands as long as no edge moves it.

    1. its priority;
    2. hooks of providers before those of the application;
    3. providers by distribution, then entry point;
    4. its position: inside its provider, or by registration.
    """
    provider = hook.provider
    if provider is None:
        return (hook.priority, 1, ("", ""), hook.position)
    return (hook.priority, 0, provider.key, hook.position)


def of_phase(phase: Phase, ordered: Sequence[Hook]) -> tuple[Hook, ...]:
    """The hooks of one phase in the order in which they run, of the restore order of both."""
    hooks = [hook for hook in ordered if hook.phase is phase]
    if phase is Phase.BEFORE_SNAPSHOT:
        hooks.reverse()
    return tuple(hooks)


def order(hooks: Iterable[Hook]) -> list[Hook]:
    """The restore order of `hooks` of both phases together, so that each phase mirrors the other.

    An edge makes the hook that declares it wait; everybody else stays in place.

    Raises:
        HookOrderError: If the edges form a cycle.
    """
    ranked = sorted(hooks, key=rank)
    if not any(hook.after for hook in ranked):
        return ranked
    return _Edges(ranked).order()


class _Edges:
    """Who waits for whom, over indices into the ranked hooks.

    Each name that is waited for is a node of its own, behind the hooks, so that many
    hooks waiting for many others cost the sum and not the product.
    """

    __slots__ = ("followers", "ranked", "waits")

    def __init__(self, ranked: Sequence[Hook]) -> None:
        self.ranked: Final = ranked
        self.followers: Final[list[list[int]]] = [[] for _ in ranked]
        self.waits: Final = [0] * len(ranked)
        members: dict[str, list[int]] = {}
        for index, hook in enumerate(ranked):
            for name in names(hook):
                members.setdefault(name, []).append(index)
        nodes: dict[str, int] = {}
        for index, hook in enumerate(ranked):
            for name in dict.fromkeys(map(_spelling, hook.after)):
                named = members.get(name, [])
                others = [other for other in named if other != index]
                if index in named and others:
                    self._edges(others, index)  # it bears the name as well, but need not wait for itself
                elif named:
                    if name not in nodes:
                        nodes[name] = self._node()
                        self._edges(named, nodes[name])
                    self._edges([nodes[name]], index)

    def _node(self) -> int:
        self.followers.append([])
        self.waits.append(0)
        return len(self.waits) - 1

    def _edges(self, firsts: Iterable[int], then: int) -> None:
        for first in firsts:
            self.followers[first].append(then)
            self.waits[then] += 1

    def order(self) -> list[Hook]:
        """Kahn's algorithm: of those that wait for nobody, the first in rank is next."""
        ordered: list[Hook] = []
        free = [index for index, count in enumerate(self.waits) if not count]
        while free:
            index = heapq.heappop(free)
            ordered.append(self.ranked[index])
            freed = [index]
            while freed:
                for follower in self.followers[freed.pop()]:
                    self.waits[follower] -= 1
                    if not self.waits[follower]:
                        if follower < len(self.ranked):
                            heapq.heappush(free, follower)
                        else:
                            freed.append(follower)  # a name does not queue
        if len(ordered) < len(self.ranked):
            raise self._cycle()
        return ordered

    def _cycle(self) -> HookOrderError:
        """Walk back along the edges that nobody satisfied until a hook comes again, and say the way."""
        before: dict[int, int] = {}
        for index, followers in enumerate(self.followers):
            if self.waits[index]:
                before.update(dict.fromkeys(followers, index))
        index = next(index for index, count in enumerate(self.waits) if count and index in before)
        way: list[int] = []
        while index not in way:
            way.append(index)
            index = before[index]
        circle = [self.ranked[i] for i in way[way.index(index) :] if i < len(self.ranked)]
        circle.append(circle[0])
        told = ", which waits for ".join(str(hook) for hook in circle)
        msg = f"the `after` of these hooks form a cycle: {told}. Take one of these names out of its `after`."
        return HookOrderError(msg, tuple(hook.name for hook in circle))


def batches(hooks: Sequence[Hook]) -> Batches:
    """Cut a plan into what runs one after the other; a batch of several overlaps.

    Neighbours overlap if all are ``concurrent``, have equal priority, and none
    waits for another by name.
    """
    cut: list[list[Hook]] = []
    present: set[str] = set()  # names in the last batch
    awaited: set[str] = set()  # names that it waits for
    for hook in hooks:
        known, waits = (names(hook), set(map(_spelling, hook.after))) if hook.concurrent else (set[str](), set[str]())
        last = cut[-1][-1] if cut else None
        alike = last is not None and hook.concurrent and last.concurrent and hook.priority == last.priority
        if not (alike and known.isdisjoint(awaited) and waits.isdisjoint(present)):
            cut.append([])
            present.clear()
            awaited.clear()
        cut[-1].append(hook)
        present |= known
        awaited |= waits
    return tuple(map(tuple, cut))


def names(hook: Hook) -> set[str]:
    """All that an edge or a setting may call `hook`: itself, its provider, its distribution."""
    known = {_spelling(hook.name)}
    if hook.provider is not None:
        known.add(_spelling(hook.provider.name))
        known.add(hook.provider.key[0])
    return known


def _spelling(name: str) -> str:
    """One spelling for ``My_Driver:pool`` and ``my-driver:pool``; hooks' own names stay as they are."""
    distribution, colon, entry_point = name.partition(":")
    return f"{normalise(distribution)}:{entry_point}" if colon else name
