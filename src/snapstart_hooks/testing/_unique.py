"""`assert_unique`: checks that no two clones have the same value."""
# The values may be anything.
# mypy: disable-error-code="explicit-any"

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from snapstart_hooks.testing._json_path import found, parse, shown
from snapstart_hooks.testing._outcome import CloneRun

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

__all__ = ("assert_unique",)

_REMEDY: Final = """\
It was made before the snapshot, or by a generator whose state is in the snapshot, so every restore repeats it.
Make it where it is used, with uuid.uuid4(), secrets or os.urandom(); or let it be made again after each restore:

    instance = PerRestore(uuid.uuid4)  # of snapstart_hooks.resources; instance() returns it
    PerRestore(random.seed, eager=True)\
"""


class _Seen(NamedTuple):
    where: str
    value: object


def assert_unique(
    values: CloneRun | Iterable[object], path: str | None = None, *, key: Callable[[Any], object] | None = None
) -> None:
    """Check that no value occurs twice.

    Args:
        values: A run, whose clones' answers to all events are compared; or the values themselves.
        path: The part of each value that must be unique, such as ``"$.order.id"`` or ``"$.orders[*].id"``.
            A string on the way is parsed as JSON.  Default: the whole value.
        key: A function that returns the part of each value that must be unique, in the place of `path`.

    Raises:
        AssertionError: A value occurs twice; the message has the value and the clones.
        ClonesFailed: The run failed.
        LookupError: A value has no part at `path`.
        TypeError: `path` and `key` are both given, or `values` is one value only.
        ValueError: `path` cannot be parsed, or there are fewer than two values.
    """
    __tracebackhide__ = True
    if path is not None and key is not None:
        msg = "give either path or key=, not both"
        raise TypeError(msg)
    seen = _parts(_all(values), path, key)
    if len(seen) < 2:  # noqa: PLR2004 - what a comparison needs
        msg = f"{len(seen)} values cannot show whether they are unique: compare two, as of clones=2"
        raise ValueError(msg)
    same: dict[Hashable, list[_Seen]] = {}
    for one in seen:
        same.setdefault(_identity(one.value), []).append(one)
    repeated = [group for group in same.values() if len(group) > 1]
    if repeated:
        lines = [f"{path or 'a value'} is not unique:"]
        lines += [f"  {shown(group[0].value)} in {', '.join(one.where for one in group)}" for group in repeated]
        raise AssertionError("\n".join([*lines, _REMEDY]))


def _all(values: CloneRun | Iterable[object]) -> Iterator[_Seen]:
    __tracebackhide__ = True
    if isinstance(values, CloneRun):
        values.check()
        for clone in values.clones:
            for number, invocation in enumerate(clone.invocations):
                event = f" (event {number})" if len(clone.invocations) > 1 else ""
                yield _Seen(f"clone {clone.index}{event}", invocation.response)
        return
    if _is_one(values):
        msg = f"{shown(values)} is one value; give a CloneRun, or a list of the values of the clones"
        raise TypeError(msg)
    for number, value in enumerate(values):
        yield _Seen(f"value {number}", value)


def _is_one(values: object) -> bool:
    return isinstance(values, (str, bytes, Mapping))


def _parts(seen: Iterable[_Seen], path: str | None, key: Callable[[Any], object] | None) -> list[_Seen]:
    __tracebackhide__ = True
    if path is None:
        return [_Seen(one.where, one.value if key is None else key(one.value)) for one in seen]
    steps = parse(path)
    several = None in steps
    parts: list[_Seen] = []
    for one in seen:
        try:
            parts += [
                _Seen(f"{one.where} at {place}" if several else one.where, value)
                for place, value in found(one.value, steps)
            ]
        except LookupError as error:
            msg = f"{one.where}: {error}"
            raise LookupError(msg) from None
    return parts


def _identity(value: object) -> Hashable:
    try:
        hash(value)
    except TypeError:
        return json.dumps(value, sort_keys=True, default=repr)
    return (type(value).__qualname__, value)
