"""Not a provider: what has the name is no function."""

after_restore: int = 5
before_snapshot: str = "close"
