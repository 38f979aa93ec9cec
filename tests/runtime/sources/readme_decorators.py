"""Hooks as decorated functions: the README of snapshot-restore-py 1.0.0, "Register hooks using decorators"."""

from snapstart_hooks import register_after_restore, register_before_snapshot


def lambda_handler(event, context):
    return "handled"


@register_before_snapshot
def fn_before_snapshot():
    print("fn_before_snapshot")


@register_after_restore
def fn_after_restore():
    print("fn_after_restore")
