"""Notes what is opened and imported from the moment when the runtime asks for the restore until the first event."""

from __future__ import annotations

import asyncio
import sys
from typing import NoReturn

import acme_driver  # noqa: F401 - whose hooks run because it is imported
import snapshot_restore_py

from snapstart_hooks import Priority, after_restore, register_after_restore

noted: list[str] = []
modules: set[str] = set()
ran: list[str] = []


def note(event: str, args: tuple[object, ...]) -> None:
    if event == "http.client.send" and b"/restore/next" in bytes(str(args[1]), "ascii"):
        noted.append("restore")
        modules.update(sys.modules)
    elif noted and event in {"open", "import", "os.listdir", "os.scandir"}:
        noted.append(f"{event} {args[0]}")


@after_restore
def plain() -> None:
    ran.append("plain")


@after_restore(timeout=2.0)
async def limited() -> None:
    await asyncio.sleep(0)
    ran.append("limited")


@after_restore(priority=Priority.CONNECTIONS, concurrent=True)
def one() -> None:
    ran.append("one")


@after_restore(priority=Priority.CONNECTIONS, concurrent=True)
def another() -> None:
    ran.append("another")


@after_restore(required=False)
def failing() -> NoReturn:
    ran.append("failing")
    raise OSError("no route")


register_after_restore(ran.append, "with an argument")
snapshot_restore_py.register_after_restore(ran.append, "AWS's")
sys.addaudithook(note)


def handler(event: object, context: object) -> object:
    until_now = noted.copy()
    noted.clear()
    return {"noted": until_now, "imported": sorted(sys.modules.keys() - modules), "ran": sorted(ran)}
