"""Hooks in another file: the README of snapshot-restore-py 1.0.0, "Importing Modules".

That file is imported in the handler, so its hooks are not run.
"""

from snapstart_hooks import register_after_restore


def lambda_handler(event, context):
    import readme_imports_elsewhere  # type: ignore[import-not-found]  # in the same folder

    return readme_imports_elsewhere.__name__


@register_after_restore
def fn_after_restore():
    print("fn_after_restore")
