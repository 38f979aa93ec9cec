"""All generators whose numbers repeat in clones, in one function that uses every library."""

from __future__ import annotations

import random
from importlib import import_module
from typing import TYPE_CHECKING, cast

import pytest
from integrations.restoring import included, ran, restored

from snapstart_hooks import Registry
from snapstart_hooks.integrations._mersenne import seeds
from snapstart_hooks.integrations.random import reseed_on_restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from snapstart_hooks.testing import CloneRun

LIBRARIES = ("bson", "ddtrace", "numpy", "openssl", "random", "sqlite3", "uuid", "uuid-utils")

DELIBERATE = {"number", "text", "numpy", "legacy"}


def equal(run: CloneRun, library: str) -> set[str]:
    """What both clones draw the same of a library's."""
    one, other = (cast("dict[str, dict[str, object]]", response)[library] for response in run.responses)
    return {name for name in one if one[name] == other[name]}


@pytest.fixture(scope="module")
def with_us(clones: None) -> CloneRun:
    run = restored("draws", SEED="")
    run.check()
    return run


@pytest.fixture(scope="module")
def without_us(clones: None) -> CloneRun:
    return restored("draws", ours=False, SEED="")


@pytest.mark.parametrize("library", LIBRARIES)
def test_clones_draw_different_numbers(with_us: CloneRun, without_us: CloneRun, library: str) -> None:
    one, _ = cast("list[dict[str, dict[str, object]]]", without_us.responses)
    assert equal(without_us, library) == set(one[library])
    assert equal(with_us, library) == set()
    assert ran(with_us)[library] == "ok"


def test_what_was_seeded_on_purpose_is_kept(with_us: CloneRun) -> None:
    assert equal(with_us, "deliberate") == DELIBERATE


def test_so_is_a_global_seed_and_the_log_tells(clones: None) -> None:
    run = restored("draws", SEED="1234")
    assert equal(run, "random") >= {"global", "captured", "message"}
    assert equal(run, "numpy") == {"global"}
    assert "a generator of random keeps the deliberate seed 1234" in run.snapshot.stdout


def test_one_that_is_switched_off_does_nothing(clones: None) -> None:
    run = restored("draws", SEED="", SNAPSTART_HOOKS_DISABLE="snapstart-hooks:random,uuid")
    assert "random" not in ran(run)
    assert equal(run, "random") >= {"global", "kept"}
    assert equal(run, "uuid") == {"node and sequence"}
    assert equal(run, "numpy") == set()


# Without clones.


@pytest.mark.oldest
def test_generators_of_the_system_are_left_alone() -> None:
    registry, module = included("random")
    mine, system = random.Random(), random.SystemRandom()
    state = mine.getstate()
    registry.run_before_snapshot()
    found = cast("list[random.Random]", module._generators)
    assert any(each is mine for each in found)
    assert not any(each is system for each in found)
    registry.run_after_restore()
    assert mine.getstate() != state


@pytest.mark.oldest
def test_numpy_spawns_other_children() -> None:
    np = pytest.importorskip("numpy")
    registry, _ = included("numpy")
    mine, same = np.random.default_rng(), np.random.default_rng([1, 2])
    sequence, state = mine.bit_generator.seed_seq, same.bit_generator.state
    registry.run_before_snapshot()
    registry.run_after_restore()
    assert mine.bit_generator.seed_seq is not sequence
    assert same.bit_generator.state == state


@pytest.mark.oldest
@pytest.mark.parametrize(
    ("library", "draw"),
    [
        ("bson", lambda bson: str(bson.ObjectId())[8:]),
        ("uuid_utils", lambda uuid_utils: uuid_utils.uuid4()),
        ("ddtrace", lambda _: import_module("ddtrace.internal.runtime").get_runtime_id()),
        ("uuid", lambda uuid: (uuid.uuid1().node, uuid.uuid1().clock_seq)),
        ("sqlite3", lambda sqlite3: sqlite3.connect(":memory:").execute("select randomblob(16)").fetchone()),
    ],
)
def test_hooks_of_the_oldest_version_do_not_fail(
    library: str, draw: Callable[[object], object], caplog: pytest.LogCaptureFixture
) -> None:
    module = pytest.importorskip(library)
    registry, _ = included(library)
    before = draw(module)
    for phase in (registry.run_before_snapshot, registry.run_after_restore):
        assert all(result.outcome.value == "ok" for result in phase().results)
    assert draw(module) != before
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("seed", "known"),
    [(42, "42"), (-7, "7"), (0, "0"), (2**32 - 1, str(2**32 - 1)), ("shop", "'shop'"), (b"stock", "'stock'")],
)
@pytest.mark.parametrize("draws", [0, 1, 700])
def test_a_deliberate_seed_is_known_from_the_state(seed: int | str | bytes, known: str, draws: int) -> None:
    generator = random.Random(seed)
    for _ in range(draws):
        generator.random()
    assert seeds([generator.getstate()[1][:-1]]) == [known]


@pytest.mark.parametrize(
    "seed",
    [None, 2**32, 2**400 + 1, 3.5, "0bd8e3c4-2d6a-4c3e-9f43-9c8a1fb4f4d1", b"\x84\xb9\x1a\xff", 1_795_282_420],
)
def test_what_was_not_meant_is_not_taken_for_it(
    seed: float | str | bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_795_282_420.5)
    assert seeds([random.Random(seed).getstate()[1][:-1]]) == [None]


def test_there_is_an_end_to_looking_back() -> None:
    def after(draws: int, seed: int | None = 42) -> list[int]:
        generator = random.Random(seed)
        for _ in range(draws):
            generator.random()
        return list(generator.getstate()[1][:-1])

    assert seeds([after(20_000)]) == [None]
    others = [after(1, None) for _ in range(20)]
    assert seeds([*others, after(1)]) == [*[None] * 20, "42"]  # each is looked at before any is looked at again
    assert seeds([*others, *others, after(1)])[-1] is None
    assert seeds([*others, *others, after(0)])[-1] == "42"  # which costs nothing


# On request.


def test_a_deliberate_seed_is_given_up_on_request() -> None:
    np = pytest.importorskip("numpy")
    registry = Registry()
    mine, theirs = random.Random(42), np.random.default_rng(42)
    assert reseed_on_restore(mine, registry=registry) is mine
    assert reseed_on_restore(theirs, registry=registry, name="weights") is theirs
    assert [hook.name for hook in registry.hooks] == ["Random", "weights"]
    registry.run_after_restore()
    assert mine.random() != random.Random(42).random()
    assert theirs.random() != np.random.default_rng(42).random()
