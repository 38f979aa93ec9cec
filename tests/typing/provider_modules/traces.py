"""An async hook for one phase."""


async def after_restore() -> int:
    return 1
