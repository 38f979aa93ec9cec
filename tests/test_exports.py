"""What the package exports: all of it there, documented, and in one place."""

from __future__ import annotations

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
from snapstart_hooks import Priority, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

CORE = ("snapstart_hooks", "snapstart_hooks.errors", "snapstart_hooks.observers", "snapstart_hooks.priming")
MODULES = (*CORE, "snapstart_hooks.testing")
ALIASES = {("snapstart_hooks.testing", "Subject")}
"""Read by type checkers, and documented where they are written."""

PROMISED = {
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
}


def exported(module: str) -> tuple[str, ...]:
    return cast("tuple[str, ...]", import_module(module).__all__)


def named(module: str, name: str) -> object:
    return cast("object", getattr(import_module(module), name))


def public_methods(cls: type) -> Iterator[tuple[str, object]]:
    """Those that `cls` adds to its bases."""
    for name, member in vars(cls).items():
        added = not name.startswith("_") and not any(hasattr(base, name) for base in cls.__bases__)
        if added and isinstance(member, (FunctionType, property, classmethod, staticmethod)):
            yield name, cast("object", member)


def documented(thing: object) -> bool:
    """Whether its author wrote a docstring; the one that `dataclass` makes up is none."""
    doc = thing.__doc__ or ""
    return bool(doc.strip()) and not doc.startswith(f"{getattr(thing, '__name__', '')}(")


@pytest.mark.parametrize("module", MODULES)
def test_the_list_is_sorted_and_names_nothing_twice(module: str) -> None:
    names = exported(module)
    assert list(names) == sorted(set(names))


@pytest.mark.parametrize("module", MODULES)
def test_what_is_listed_can_be_seen_and_is_documented(module: str) -> None:
    assert set(exported(module)) <= set(dir(import_module(module)))
    things = {name: named(module, name) for name in exported(module) if (module, name) not in ALIASES}
    described = {
        name: thing if isinstance(thing, type | FunctionType) else type(thing) for name, thing in things.items()
    }
    assert [name for name, thing in described.items() if not documented(thing)] == []


def test_public_methods_are_documented() -> None:
    classes = {
        thing for module in MODULES for name in exported(module) if isinstance(thing := named(module, name), type)
    }
    methods = {f"{cls.__name__}.{name}": member for cls in classes for name, member in public_methods(cls)}
    assert [name for name, member in methods.items() if not documented(member)] == []
    assert methods.keys() >= {
        "HookResult.duration",
        "HookResult.to_dict",
        "PhaseReport.to_dict",
        "Registry.isolated",
        "Registry.last_report",
        "Registry.run_after_restore",
    }


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


def test_each_name_can_be_the_first_that_is_asked_for() -> None:
    """Whatever is loaded when; a class can be pickled by the place where users find it."""
    run("""
        import pickle, sys
        import snapstart_hooks

        for name in snapstart_hooks.__all__:
            for module in [module for module in sys.modules if module.partition(".")[0] == "snapstart_hooks"]:
                del sys.modules[module]
            import snapstart_hooks

            assert name in dir(snapstart_hooks)
            namespace = {}
            exec(f"from snapstart_hooks import {name} as public", namespace)
            public = namespace["public"]
            assert public is getattr(snapstart_hooks, name), name
            if isinstance(public, type):
                assert (public.__module__, public.__qualname__) == ("snapstart_hooks", name)
                assert pickle.loads(pickle.dumps(public)) is public
            assert name in dir(snapstart_hooks)
    """)


def test_all_names_can_be_imported_at_once() -> None:
    namespace: dict[str, object] = {}
    exec("from snapstart_hooks import *", namespace)  # noqa: S102 - as a user would write it
    assert set(snapstart_hooks.__all__) <= namespace.keys()
    assert set(snapstart_hooks.__all__) >= PROMISED


def test_an_unknown_name_is_told_with_that_of_the_module() -> None:
    with pytest.raises(AttributeError, match=r"^module 'snapstart_hooks' has no attribute 'after_restored'$"):
        named("snapstart_hooks", "after_restored")
    assert not hasattr(snapstart_hooks, "__wrapped__")
    with pytest.raises(ImportError, match="cannot import name 'after_restored' from 'snapstart_hooks'"):
        exec("from snapstart_hooks import after_restored", {})  # noqa: S102 - mistyped by a user


def test_the_version_is_that_of_the_distribution() -> None:
    assert snapstart_hooks.__version__ == version("snapstart-hooks")


def test_priorities_have_their_values() -> None:
    assert {band.name: band.value for band in Priority} == {
        "ENTROPY": -400,
        "CREDENTIALS": -300,
        "CONNECTIONS": -200,
        "TELEMETRY": -150,
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
