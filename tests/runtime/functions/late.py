"""Hooks that register others while they run: with AWS's package, and with ours."""

from __future__ import annotations

import snapshot_restore_py as aws

import snapstart_hooks as ours


@ours.before_snapshot
def last() -> None:
    print("last")


@ours.before_snapshot
def registers_before() -> None:
    print("registers")
    aws.register_before_snapshot(print, "late, AWS's")
    ours.register_before_snapshot(print, "late, ours")
    aws.register_after_restore(print, "registered before the snapshot")


@ours.after_restore
def registers_after() -> None:
    print("registers")
    ours.register_after_restore(print, "late, ours")
    aws.register_after_restore(print, "late, AWS's")


@ours.after_restore
def next_after() -> None:
    print("next")


@aws.register_before_snapshot
def registers_first() -> None:
    print("registers with AWS's only")
    aws.register_before_snapshot(print, "late, registered before ours began")


def handler(event: object, context: object) -> object:
    return event
