"""Hooks for both phases, with every optional attribute."""

priority: int = -200
after: tuple[str, ...] = ("credentials",)
timeout: float | None = 2.0
required: bool = True
concurrent: bool = False


def before_snapshot() -> None: ...
def after_restore() -> None: ...
