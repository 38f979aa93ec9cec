"""Not a provider: it has no hook."""


def close() -> None: ...
