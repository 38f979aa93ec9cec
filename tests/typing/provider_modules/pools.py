from collections.abc import Iterable


class Pool: ...


def instances() -> Iterable[Pool]:
    return [Pool()]


def before_snapshot(pool: Pool) -> None: ...


async def after_restore(pool: Pool) -> None: ...
