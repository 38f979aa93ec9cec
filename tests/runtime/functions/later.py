"""The last hooks of both phases register others with AWS's package, and nothing is registered with ours."""

from __future__ import annotations

import snapshot_restore_py as aws

import snapstart_hooks as ours


@ours.before_snapshot
def before() -> None:
    print("before")
    aws.register_before_snapshot(chain, 3)


@ours.after_restore
def after() -> None:
    print("after")
    aws.register_after_restore(print, "late")


def chain(left: int) -> None:
    print(f"chain, {left} left")
    if left:
        aws.register_before_snapshot(chain, left - 1)


def handler(event: object, context: object) -> object:
    return event
