"""Hooks that overlap, that take too long, that fail; which of them, the environment says."""

from __future__ import annotations

import asyncio
import os
import threading
import time

from snapstart_hooks import after_restore, before_snapshot, default_registry

kind = os.environ["KIND"]
meet = threading.Barrier(5, timeout=10)
arrived: list[asyncio.Event] = []


if kind == "overlap":

    def wait_for_the_others() -> None:
        meet.wait()

    async def wait_for_the_others_too() -> None:
        mine = asyncio.Event()
        arrived.append(mine)
        if len(arrived) == 3:
            for event in arrived:
                event.set()
        await mine.wait()
        await asyncio.to_thread(meet.wait)

    for _ in range(2):
        after_restore(concurrent=True)(wait_for_the_others)
    for _ in range(3):
        after_restore(concurrent=True)(wait_for_the_others_too)

if kind in {"timeout", "optional"}:

    @after_restore(timeout=0.1, name="slow", required=kind != "optional")
    def slow() -> None:
        time.sleep(30)

    @after_restore(name="next")
    def following() -> None:
        print("next ran")


if kind == "budget":

    @after_restore(name="quick")
    def quick() -> None:
        pass

    @after_restore(name="hanging")
    async def hanging() -> None:
        await asyncio.sleep(30)

    @after_restore(name="waiting")
    def waiting() -> None:
        pass


if kind == "init budget":

    @before_snapshot(name="endless")
    def endless() -> None:
        time.sleep(30)


if kind == "failing":

    @after_restore(name="first")
    def first() -> None:
        raise ConnectionError("no route to host")

    @after_restore(name="second")
    async def second() -> None:
        raise LookupError("no such secret")

    @after_restore(name="third")
    def third() -> None:
        print("third ran")
        raise SystemExit(0)


if kind == "rollback":

    @before_snapshot(name="pool")
    def close() -> None:
        print("closed")

    @before_snapshot(name="broken")
    def broken() -> None:
        raise RuntimeError("boom")

    @after_restore(name="pool")
    def reopen() -> None:
        print("opened")


def handler(event: object, context: object) -> dict[str, object]:
    """Tell what the phase was like."""
    report = default_registry.last_report
    return {
        "generation": default_registry.generation,
        "age known": default_registry.snapshot_age is not None,
        "restored": default_registry.restored_at is not None,
        "report": report.to_dict() if report else None,
        "threads": sorted({thread.name for thread in threading.enumerate()}),
    }
