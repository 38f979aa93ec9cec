"""The other file of `readme_imports`."""

from snapstart_hooks import register_after_restore, register_before_snapshot


@register_before_snapshot
def elsewhere_before_snapshot():
    print("elsewhere_before_snapshot")


@register_after_restore
def elsewhere_after_restore():
    print("elsewhere_after_restore")
