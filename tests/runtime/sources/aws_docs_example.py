"""The example of AWS's documentation, "Lambda SnapStart runtime hooks for Python".

Note that one hook bears the name of our decorator.
"""

from snapstart_hooks import register_after_restore, register_before_snapshot


def lambda_handler(event, context):
    return "handled"


@register_before_snapshot
def before_checkpoint():
    print("before_checkpoint")


@register_after_restore
def after_restore():
    print("after_restore")
