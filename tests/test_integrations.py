"""The frame of the integrations: what each says of itself, how live objects are found, and what unused ones cost."""

from __future__ import annotations

import gc
import json
import logging
import subprocess
import sys
import weakref
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Final

import pytest
from typing_extensions import override

from snapstart_hooks.integrations import gc as gc_hooks
from snapstart_hooks.integrations._live import Live
from snapstart_hooks.integrations._probe import Library

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT: Final = Path(__file__).parents[1]


@pytest.mark.once
def test_the_page_says_what_the_integrations_say() -> None:
    command = [sys.executable, "scripts/integrations.py"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


BARE: Final = """
import json, sys
before = set(sys.modules)
import snapstart_hooks
registry = snapstart_hooks.Registry()
registry.discover()
registry.run_before_snapshot(); registry.run_after_restore()
ours = [name for name in sys.modules if name.startswith("snapstart_hooks.integrations")]
print(json.dumps([ours, [hook.name for hook in registry.hooks]]))
"""


def test_of_what_a_function_does_not_use_nothing_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, check=True)
    modules, hooks = json.loads(done.stdout)
    # `random` is in every snapshot: whoever asks Lambda for the restore imports it, with `http.client`.
    assert {name.rpartition(".")[2] for name in modules} <= {"integrations", "_live", "_probe", "random"}
    assert {name for name in hooks if name.startswith("snapstart-hooks:")} <= {"snapstart-hooks:random"}


TWICE: Final = """
import json, os, random
os.environ.pop("SNAPSTART_HOOKS_DISABLE")
import snapstart_hooks
registry = snapstart_hooks.Registry()
registry.discover()
changed = []
for _ in range(2):
    registry.run_before_snapshot()
    state = random.getstate()
    registry.run_after_restore()
    changed.append(random.getstate() != state)
print(json.dumps([changed, registry.warnings, [hook.name for hook in registry.hooks]]))
"""


def test_what_one_freezes_the_others_find_also_at_the_second_snapshot_of_a_process() -> None:
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, check=True)
    changed, warnings, hooks = json.loads(done.stdout)
    assert {"snapstart-hooks:random", "snapstart-hooks:gc"} <= {*hooks}
    assert changed == [True, True]
    assert warnings == []


# Live objects.


class Pool:
    """One that a library keeps no list of."""


class Own(Pool):
    """An application's."""


class Unfriendly(type):
    """Classes that refuse to be compared or hashed, and lie about what is derived from them."""

    __hash__ = None  # type: ignore[assignment]

    @override
    def __eq__(cls, other: object) -> bool:
        raise RuntimeError

    @override
    def __subclasses__(cls) -> list[type]:
        raise RuntimeError


class Odd(metaclass=Unfriendly):
    """Of such a class."""


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module that has been imported; what asks for its objects is forgotten afterwards."""
    module = ModuleType("live_library")
    vars(module).update(Pool=Pool, Odd=Odd, inner=SimpleNamespace(Pool=Pool), number=7)
    monkeypatch.setitem(sys.modules, "live_library", module)
    monkeypatch.setattr(Live, "_all", [])
    monkeypatch.setattr(Live, "_found", {})
    monkeypatch.setattr(Live, "_late", False)
    gc.disable()  # a collection would mix up the order in which it knows objects
    yield module
    gc.enable()


@pytest.mark.usefixtures("library")
def test_objects_are_found_by_the_names_of_their_classes_the_oldest_first() -> None:
    live = Live[Pool]("live_library:Pool", "live_library:inner.Pool", "not_imported:Pool", "live_library:gone")
    pools = [Pool(), Own(), Pool()]
    assert live() == pools
    assert Live[object]("live_library:number")() == []


@pytest.mark.usefixtures("library")
def test_a_class_that_lies_is_found_without_being_asked() -> None:
    live, plain = Live[Odd]("live_library:Odd"), Live[Pool]("live_library:Pool")
    odd, pool = Odd(), Pool()
    assert [id(each) for each in live()] == [id(odd)]
    assert plain() == [pool]


@pytest.mark.usefixtures("library")
def test_one_look_serves_all_and_the_next_is_for_who_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    look = gc.get_objects

    def counted() -> list[object]:
        looks.append(1)
        return look()

    monkeypatch.setattr(gc, "get_objects", counted)
    one, two, never = (Live[Pool]("live_library:Pool") for _ in range(3))
    pool = Pool()
    assert one() == two() == [pool]
    assert len(looks) == 1
    further = Pool()
    assert one() == two() == [pool, further]
    assert len(looks) == 2
    assert never() == [pool, further]
    assert len(looks) == 2
    assert one.now() == two.now() == [pool, further]  # in one phase
    assert len(looks) == 3
    last = Pool()
    gc_hooks.thaw()  # the first of the next, in which the latest look has an answer for it
    assert never.now() == [pool, further, last]
    assert len(looks) == 4
    late = Live[Pool]("live_library:Pool")  # of an integration that is loaded later
    assert late() == one() == [pool, further, last]
    assert len(looks) == 5


@pytest.mark.usefixtures("library")
def test_nobody_is_kept_alive_until_somebody_asks() -> None:
    one, other = (Live[Pool]("live_library:Pool") for _ in range(2))
    pool = Pool()
    reference = weakref.ref(pool)
    assert one() == [pool]
    del pool
    assert reference() is None
    assert other() == []


# Private names and versions.


def test_a_version_that_is_not_tested_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    import packaging

    with caplog.at_level(logging.WARNING, "snapstart_hooks"):
        for versions in ("packaging>=20", f"packaging>=1,<={packaging.__version__}", "absent>=1", "python>=3.11.0"):
            Library(versions)
        assert caplog.messages == []
        for versions in ("packaging>=999", "packaging>1,<2.0", "packaging>=999.0,<1000"):
            Library(versions)
    told = f"packaging {packaging.__version__}: its hooks for SnapStart are tested with"
    assert [message.startswith(told) for message in caplog.messages] == [True] * 3


def test_what_is_private_and_gone_is_told_once_and_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    library = Library("packaging>=1")
    with caplog.at_level(logging.WARNING, "snapstart_hooks"):
        assert library.has(Pool(), "__doc__", lost="nothing")
        for _ in range(2):
            assert not library.has(Pool(), "_topology", lost="its connections stay open")
            with library.attempt("its numbers repeat"):
                raise AttributeError("_state")
    version = library.version
    assert caplog.messages == [
        f"packaging {version}: Pool has no _topology: its connections stay open.",
        f"packaging {version}: AttributeError: _state: its numbers repeat.",
    ]
