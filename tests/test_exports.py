"""What the package exports: all of it there, documented, and in one place."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import textwrap
from importlib import import_module
from importlib.metadata import version
from importlib.resources import files
from types import FunctionType
from typing import TYPE_CHECKING, cast

import pytest

import snapstart_hooks
from snapstart_hooks import ConfiguredDecorator, HookDecorator, HookResult, PhaseReport, Priority, Registry
from snapstart_hooks.testing import CloneRun

if TYPE_CHECKING:
    from collections.abc import Iterator

CORE = ("snapstart_hooks", "snapstart_hooks.errors", "snapstart_hooks.observers")
MODULES = (*CORE, "snapstart_hooks.testing")
ALIASES = {("snapstart_hooks.testing", "Subject")}
DOCUMENTED = (Registry, HookDecorator, ConfiguredDecorator, PhaseReport, HookResult, CloneRun)


def exported(module: str) -> tuple[str, ...]:
    return cast("tuple[str, ...]", import_module(module).__all__)


def named(module: str, name: str) -> object:
    return cast("object", getattr(import_module(module), name))


def public_methods(cls: type[object]) -> Iterator[tuple[str, object]]:
    for name, member in vars(cls).items():
        if not name.startswith("_") and isinstance(member, FunctionType | property | classmethod | staticmethod):
            yield name, cast("object", member)


def documented(thing: object) -> str:
    """The docstring that its author wrote; the one that `dataclass` makes up is none."""
    doc = thing.__doc__ or ""
    return "" if doc.startswith(f"{getattr(thing, '__name__', '')}(") else doc.strip()


NAMES = [pytest.param(module, name, id=f"{module}.{name}") for module in MODULES for name in exported(module)]
METHODS = [
    pytest.param(cls, name, member, id=f"{cls.__name__}.{name}")
    for cls in DOCUMENTED
    for name, member in public_methods(cls)
]


@pytest.mark.parametrize("module", MODULES)
def test_the_list_is_sorted_and_names_nothing_twice(module: str) -> None:
    names = exported(module)
    assert list(names) == sorted(set(names))


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_what_is_listed_exists_and_is_documented(module: str, name: str) -> None:
    thing = named(module, name)
    if (module, name) in ALIASES:
        assert isinstance(thing, str)  # read by type checkers; documented where it is written
    else:
        assert documented(thing if isinstance(thing, type | FunctionType) else type(thing))


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_what_is_listed_can_be_seen_and_imported_by_name(module: str, name: str) -> None:
    assert name in dir(import_module(module))
    namespace: dict[str, object] = {}
    exec(f"from {module} import {name}", namespace)  # noqa: S102 - as a user would write it
    assert namespace[name] is named(module, name)


@pytest.mark.parametrize("module", CORE)
def test_classes_and_functions_show_where_they_are_imported_from(module: str) -> None:
    shown = {
        name: thing.__module__
        for name in exported(module)
        if isinstance(thing := named(module, name), type | FunctionType)
    }
    assert shown == dict.fromkeys(shown, module)


def test_each_public_object_of_the_core_has_one_place() -> None:
    places: dict[int, set[str]] = {}
    for module in CORE:
        for name in exported(module):
            places.setdefault(id(named(module, name)), set()).add(module)
    assert [found for found in places.values() if len(found) > 1] == []
    names = [name for module in CORE for name in exported(module)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(("cls", "name", "member"), METHODS)
def test_public_methods_are_documented(cls: type[object], name: str, member: object) -> None:
    assert documented(member), f"{cls.__name__}.{name}"


def test_each_documented_class_is_looked_into() -> None:
    names = {f"{cls.__name__}.{name}" for cls in DOCUMENTED for name, _ in public_methods(cls)}
    assert names >= {
        "ConfiguredDecorator.call",
        "HookResult.duration",
        "HookResult.to_dict",
        "PhaseReport.failed",
        "PhaseReport.ok",
        "Registry.isolated",
        "Registry.last_report",
        "Registry.run_after_restore",
    }


REGISTERING = [
    pytest.param(member, id=name)
    for name, member in (
        *public_methods(Registry),
        ("function register_before_snapshot", snapstart_hooks.register_before_snapshot),
        ("function register_after_restore", snapstart_hooks.register_after_restore),
    )
]


@pytest.mark.parametrize("member", REGISTERING)
def test_what_raises_says_what(member: object) -> None:
    body = inspect.unwrap(cast("FunctionType", member.fget if isinstance(member, property) else member))
    tree = ast.parse(textwrap.dedent(inspect.getsource(body)))
    if any(isinstance(node, ast.Raise) for node in ast.walk(tree)):
        assert "Raises:" in (member.__doc__ or "")


LATER = (
    "AfterRestoreProvider",
    "BeforeSnapshotProvider",
    "HookObserver",
    "HookProvider",
    "HookResult",
    "Outcome",
    "PhaseReport",
    "Priority",
)


def test_the_names_that_are_loaded_later_are_these() -> None:
    assert tuple(sorted(snapstart_hooks._LATER)) == LATER


@pytest.mark.parametrize("name", LATER)
def test_a_name_is_loaded_when_it_is_asked_for(name: str) -> None:
    program = f"""
        import pickle, sys
        import snapstart_hooks

        place = "snapstart_hooks." + snapstart_hooks._LATER[{name!r}]
        assert {name!r} in dir(snapstart_hooks)
        assert {name!r} not in vars(snapstart_hooks) and place not in sys.modules
        from snapstart_hooks import {name} as public
        assert place in sys.modules
        assert vars(snapstart_hooks)[{name!r}] is public is snapstart_hooks.{name}
        assert (public.__module__, public.__qualname__) == ("snapstart_hooks", {name!r})
        assert pickle.loads(pickle.dumps(public)) is public
        assert {name!r} in dir(snapstart_hooks)
    """
    run(program)


def test_all_names_can_be_imported_at_once() -> None:
    run("""
        from snapstart_hooks import *
        import snapstart_hooks

        assert set(snapstart_hooks.__all__) <= set(globals())
    """)


def test_an_unknown_name_is_told_with_that_of_the_module() -> None:
    with pytest.raises(AttributeError, match=r"^module 'snapstart_hooks' has no attribute 'after_restored'$"):
        named("snapstart_hooks", "after_restored")
    assert not hasattr(snapstart_hooks, "__wrapped__")
    with pytest.raises(ImportError, match="cannot import name 'after_restored' from 'snapstart_hooks'"):
        exec("from snapstart_hooks import after_restored", {})  # noqa: S102 - mistyped by a user


def test_the_version_is_that_of_the_distribution() -> None:
    assert snapstart_hooks.__version__ == version("snapstart-hooks")


@pytest.mark.parametrize(
    "name",
    [
        "AfterRestoreProvider",
        "BeforeSnapshotProvider",
        "Hook",
        "HookObserver",
        "HookProvider",
        "HookResult",
        "Phase",
        "PhaseReport",
        "Priority",
        "Registry",
        "after_restore",
        "before_checkpoint",
        "before_snapshot",
        "default_registry",
        "register_after_restore",
        "register_before_snapshot",
    ],
)
def test_the_promised_names_are_exported(name: str) -> None:
    assert name in snapstart_hooks.__all__


def test_priorities_have_their_values() -> None:
    assert {band.name: band.value for band in Priority} == {
        "ENTROPY": -400,
        "CREDENTIALS": -300,
        "CONNECTIONS": -200,
        "LIBRARY": -100,
        "APPLICATION": 0,
        "WARMUP": 100,
    }


def test_the_decorators_are_those_of_the_default_registry() -> None:
    assert snapstart_hooks.before_checkpoint is snapstart_hooks.before_snapshot
    assert isinstance(snapstart_hooks.default_registry, Registry)


def test_the_package_says_that_it_is_typed() -> None:
    assert files("snapstart_hooks").joinpath("py.typed").is_file()


def run(program: str) -> None:
    """Run `program` in a fresh interpreter."""
    ended = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
