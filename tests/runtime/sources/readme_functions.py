"""Hooks registered by calls: the README of snapshot-restore-py 1.0.0, "Register hooks using functions"."""

from snapstart_hooks import register_after_restore, register_before_snapshot


def lambda_handler(event, context):
    return "handled"


def fn_before_snapshot():
    print("fn_before_snapshot")


def fn_after_restore():
    print("fn_after_restore")


register_before_snapshot(fn_before_snapshot)
register_after_restore(fn_after_restore)
