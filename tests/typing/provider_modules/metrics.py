"""A hook for the other phase, with parameters that have defaults."""


def before_snapshot(wait: bool = True, *, limit: float = 1.0) -> bool:
    return wait and limit > 0
