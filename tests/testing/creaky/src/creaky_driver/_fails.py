"""Works once, and another hook never, but nobody needs that."""

from __future__ import annotations

_closed: list[bool] = []

before_snapshot_required = True
required = False


def before_snapshot() -> None:
    if _closed:
        raise RuntimeError("it is closed already")
    _closed.append(True)


def after_restore() -> None:
    raise OSError("nobody answers")
