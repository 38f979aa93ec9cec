"""The hooks of "AWS Python Development Skill", whose import line names a module of Powertools that does not exist.

What the hooks call is not defined there; `python_patterns_app` defines it.
"""

from snapstart_hooks import after_restore, before_checkpoint


@before_checkpoint
def warm_up():
    load_config()  # type: ignore[name-defined]  # noqa: F821 - defined by whoever uses this
    prime_dynamodb_connection()  # type: ignore[name-defined]  # noqa: F821 - as above


@after_restore
def refresh():
    refresh_secrets()  # type: ignore[name-defined]  # noqa: F821 - as above
