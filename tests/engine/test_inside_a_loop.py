"""Inside of a running event loop hooks run one after the other, and each is asked for anew."""

from __future__ import annotations

import asyncio

import pytest

from snapstart_hooks import Outcome, Registry


def test_an_interruption_there_ends_the_phase_at_once() -> None:
    registry, ran = Registry(), list[str]()

    def interrupt() -> None:
        raise KeyboardInterrupt

    registry.after_restore(concurrent=True)(lambda: ran.append("first"))
    registry.after_restore(concurrent=True)(interrupt)
    registry.after_restore(concurrent=True)(lambda: ran.append("third"))

    async def phase() -> None:
        with pytest.raises(KeyboardInterrupt):
            registry.run_after_restore()

    asyncio.run(phase())
    assert ran == ["first"]
    assert registry.last_report is not None
    outcomes = [result.outcome for result in registry.last_report.results]
    assert outcomes == [Outcome.OK, Outcome.FAILED, Outcome.NOT_STARTED]


def test_what_one_removes_there_does_not_run() -> None:
    registry, ran = Registry(), list[str]()
    registry.after_restore(concurrent=True)(lambda: registry.remove(registry.hooks[1]))
    registry.after_restore(concurrent=True)(lambda: ran.append("removed"))
    registry.after_restore(concurrent=True)(lambda: ran.append("kept"))

    async def phase() -> None:
        registry.run_after_restore()

    asyncio.run(phase())
    assert ran == ["kept"]
