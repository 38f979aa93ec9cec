"""Several hooks of each kind: the README of snapshot-restore-py 1.0.0, "Execution order".

Also AWS's documentation, "Runtime hook registration and execution".
"""

from snapstart_hooks import register_after_restore, register_before_snapshot


def lambda_handler(event, context):
    return "handled"


@register_before_snapshot
def before_1():
    print("before 1")


@register_after_restore
def after_1():
    print("after 1")


@register_before_snapshot
def before_2():
    print("before 2")


@register_after_restore
def after_2():
    print("after 2")


register_after_restore(print, "after 3")
register_before_snapshot(print, "before 3")
