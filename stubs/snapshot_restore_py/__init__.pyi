# Types for snapshot-restore-py 1.0.0, the hooks module of AWS Lambda's Python runtime.
#
# The module itself says `Callable[..., Any]` and carries no `py.typed`, so that without
# these types a hook that needs an argument fails at restore and not before. The wheel of
# snapstart-hooks ships this file as the package `snapshot_restore_py-stubs` (PEP 561).

# The lists hold functions with any parameters, and `Callable[..., object]` has no other spelling.
# mypy: disable-error-code="explicit-any"

from collections.abc import Callable
from typing import ParamSpec, TypeAlias, TypeVar

__all__ = ["register_after_restore", "register_before_snapshot"]

__version__: str
__author__: str

_P = ParamSpec("_P")
_R = TypeVar("_R")

# What a registration is kept as: the function and what it will be called with.
_Registration: TypeAlias = tuple[Callable[..., object], tuple[object, ...], dict[str, object]]

def register_before_snapshot(func: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> Callable[_P, _R]: ...
def register_after_restore(func: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> Callable[_P, _R]: ...

# Both give the live list that the runtime walks (the module's own annotation, a list of
# callables, is wrong): before the snapshot it is emptied from its end, after the restore it
# is read from its start.
def get_before_snapshot() -> list[_Registration]: ...
def get_after_restore() -> list[_Registration]: ...
