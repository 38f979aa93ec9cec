"""What is a hazard and what only looks like one: near misses, all in one function; and what is judged of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from testing.clone_helpers import namespace_only, write_function

from snapstart_hooks.testing import CloneOutcome, CloneRun, HazardReport, Invocation, SnapshotOutcome, find_hazards
from snapstart_hooks.testing._inside.hazards.observation import Observation
from snapstart_hooks.testing.hazards._compare import idle, left_over, out_of_time, repeated
from snapstart_hooks.testing.hazards._observed import PROBE

if TYPE_CHECKING:
    from pathlib import Path

FUNCTION = '''
import collections, io, json, logging, os, pathlib, queue, random, secrets, sys, tempfile, urllib.request
import snapshot_restore_py


# Generators.  `same` repeats; the others look so at one moment.

same = random.Random()
seeded_for_each_event = random.Random()
made_equal_by_the_event = random.Random()
reseeded = random.Random()


# What holds something that it is to hand on.

class Holder:
    """Keeps what it is given, under whatever name."""

    def __init__(self, name, kept):
        self.__dict__[name] = kept

    def __len__(self):
        return 0


class Flushes(Holder):
    def flush(self):
        print(*self.__dict__)


class ForceFlushes(Holder):
    def force_flush(self, timeout=30):
        print(*self.__dict__)


class Emits(Holder):
    def emit(self):
        print(*self.__dict__)


class Exports(Holder):
    def export(self):
        print(*self.__dict__)


class Sink(Holder):
    """Keeps what it is given, for tests to look at."""

    def export(self, batch):
        print(*batch)

    def force_flush(self, timeout=30):
        return True


class Audit:
    """What it has yet to send is what its own code sends."""

    def __init__(self):
        self.entries, self.readers = ["kept"], ["nobody's"]

    def flush(self):
        print(*self.entries)


class Stream(io.RawIOBase):
    """A file that has its own way to keep things."""

    def __init__(self):
        self.queue = ["kept"]


def filled(kind):
    kept = kind()
    kept.put("kept")
    return kept


held_in_a_deque = Flushes("anything", collections.deque(["kept"]))
held_in_a_queue = ForceFlushes("anything", filled(queue.Queue))
held_in_a_simple_queue = Emits("anything", filled(queue.SimpleQueue))
held_in_a_list = Exports("_event_BUFFERS", ["kept"])
held_in_a_batch = Flushes("batch", ["kept"])
held_by_its_own_code = Audit()
handed_on_by_a_thread = Sink("anything", filled(queue.Queue))
kept_in_a_deque = Sink("anything", collections.deque(["kept"]))
kept_in_a_list = Sink("batch", ["kept"])
not_for_others = Holder("queue", ["kept"])
not_a_buffer = Flushes("names", ["kept"])
not_a_list = Flushes("queue", ("kept",))
nothing_in_it = Flushes("queue", [])
emptied_by_the_hook = Flushes("queue", ["kept"])
filled_by_the_hook = Flushes("queue", [])
a_stream = Stream()

folder = pathlib.Path(tempfile.mkdtemp(prefix="kept-"))
text = open(folder / "text", "w", encoding="utf-8")
text.write("kept")
odd_text = open(folder / "odd", "w", encoding="ascii", errors="backslashreplace", newline="\\r\\n")
buffered_text = open(folder / "buffered text", "w", buffering=100_000, encoding="utf-8")
buffered_text.write("kept" * 5000)
encoded_text = open(folder / "encoded text", "w", encoding="latin-1")
encoded_text.write(chr(233))
raw = open(folder / "raw", "wb")
raw.write(b"kept")
written = open(folder / "written", "wb")
written.write(b"gone")
written.flush()
written_text = open(folder / "written text", "w", encoding="utf-8")
written_text.write("gone")
written_text.flush()
closed = open(folder / "closed", "w", encoding="utf-8")
closed.write("gone")
closed.close()
read = open(folder / "written", encoding="utf-8")
read.read(2)
a_pipe = os.pipe()
piped = open(a_pipe[1], "wb")
piped.write(b"nobody can tell how much")
sys.stdout.write("a line without its end")


# Access keys.

def fetch():
    request = urllib.request.Request(
        os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
        headers={"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["AccessKeyId"]


class Renewing:
    def __init__(self, key):
        self.key, self.parts = key, {"again": key}

    def refresh(self): ...


class Plain:
    def __init__(self, key):
        self.key = key


key = fetch()
key_and_more = key + "!"
more_and_key = "!" + key
renewing, plain = Renewing(key), Plain(key)
renewed_by_the_hook = Plain(key)


# Names of files that the hook takes away, or that are somewhere else.

class Paths:
    def __init__(self):
        self.inner = str(folder / "inner")
        pathlib.Path(self.inner).touch()


lost = str(folder / "lost")
pathlib.Path(lost).touch()
lost_path = folder / "lost too"
lost_path.touch()
in_an_object, in_a_list = Paths(), [str(folder / "listed")]
pathlib.Path(in_a_list[0]).touch()
never_there = str(folder / "never")
never_made_by_tempfile = "/tmp/never-made"
made_by_tempfile = "/tmp/tmpabcd_123"
two_lines = "/tmp/tmpabcd_123" + chr(10)
elsewhere = "/var/tmpabcd_123"
still_there = str(folder / "text")
in_the_task_root = os.getcwd() + "/tmpabcd_123"
__lost__ = lost


class Callable(Paths):
    def __call__(self): ...


what_it_holds_is_its_own = Callable()


@snapshot_restore_py.register_after_restore
def repair():
    reseeded.seed()
    made_equal_by_the_event.seed()
    emptied_by_the_hook.queue.clear()
    filled_by_the_hook.queue.append("new")
    renewed_by_the_hook.key = fetch()
    for name in lost, lost_path, in_an_object.inner, in_a_list[0]:
        pathlib.Path(name).unlink(missing_ok=True)  # the clones share it


def handler(event, context):
    seeded_for_each_event.seed()
    made_equal_by_the_event.seed(5)
'''
HAZARDS = {
    ("repeated-random", "app.same"),
    *(
        ("unflushed-data", f"app.{holder}")
        for holder in (
            "buffered_text",
            "encoded_text",
            "handed_on_by_a_thread",
            "held_by_its_own_code",
            "held_in_a_batch",
            "held_in_a_deque",
            "held_in_a_list",
            "held_in_a_queue",
            "held_in_a_simple_queue",
            "raw",
            "text",
        )
    ),
    *(("cached-credentials", f"app.{holder}") for holder in ("key", "plain.key", "renewing.key")),
    *(
        ("missing-temporary-file", f"app.{name}")
        for name in ("in_a_list[0]", "in_an_object.inner", "lost", "lost_path")
    ),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> HazardReport:
    namespace_only()
    folder = write_function(tmp_path_factory.mktemp("function"), FUNCTION)
    report = find_hazards(3, "app.handler", task_root=folder)
    report.run.check()
    return report


def test_the_hazards_are_found_and_each_is_told_once(report: HazardReport) -> None:
    codes = {code for code, _ in HAZARDS}
    # Generators of others, which have drawn for the folder and for the keys, are not the point here.
    mine = [each for each in report.hazards if each.code != "repeated-random" or each.subject.startswith("app.")]
    found = [each for each in mine if each.code in codes]
    assert sorted((each.code, each.subject) for each in found) == sorted(HAZARDS)
    assert [each.subject for each in found if each.severity != "error"] == ["app.renewing.key"]
    assert report.notes == ()


def test_each_hazard_tells_what_was_seen(report: HazardReport) -> None:
    seen = {(hazard.code, hazard.subject.removeprefix("app.")): hazard for hazard in report.hazards}
    assert seen["repeated-random", "same"].evidence.startswith("all 3 clones would draw ")
    for holder, what in (
        ("text", "4 characters or bytes"),
        ("raw", "4 bytes"),
        ("held_in_a_list", "1 items in ._event_BUFFERS"),
    ):
        assert f"it still holds {what} from" in seen["unflushed-data", holder].evidence
    key, plain, renewing = (seen["cached-credentials", name] for name in ("key", "plain.key", "renewing.key"))
    assert [(each.severity, each.origin) for each in (key, plain, renewing)] == [
        ("error", ""),
        ("error", "app.Plain"),
        ("warning", "app.Renewing"),
    ]
    assert "until that has expired" in renewing.evidence
    assert "until that has expired" not in plain.evidence


def draws(value: str, *, used: bool = True, grave: bool = True, origin: str = "", drawn_on: bool = True) -> Observation:
    return Observation(
        code="repeated-random",
        subject="rng",
        detail=value,
        origin=origin,
        grave=grave,
        used=used,
        drawn_on=drawn_on,
    )


def run(
    *clones: dict[str, list[Observation]], snapshot: list[Observation] | None = None, seconds: tuple[float, ...] = ()
) -> CloneRun:
    """What clones observed, on which occasion; or how long init, before_snapshot and each clone took."""

    def observed(seen: dict[str, list[Observation]]) -> dict[str, dict[str, object]]:
        return {PROBE: {occasion: {"observations": observed} for occasion, observed in seen.items()}} if seen else {}

    took = [CloneOutcome(index=index, after_seconds=each) for index, each in enumerate(seconds[2:])]
    saw = [CloneOutcome(index=index, observations=observed(seen)) for index, seen in enumerate(clones)]
    init, before = seconds[:2] or (None, None)
    origin = SnapshotOutcome(
        init_seconds=init, before_seconds=before, observations=observed({"snapshot": snapshot} if snapshot else {})
    )
    return CloneRun("namespace", (), origin, (*took, *saw))


ONE, TWO = draws("1"), draws("2")
UNUSED = draws("1", used=False)


@pytest.mark.parametrize(
    ("seen", "other", "told"),
    [
        (run({"ready": [ONE]}, {"ready": [ONE]}), None, "error: both clones would draw 1 next"),
        (run({"ready": [ONE]}, {"ready": [ONE]}, {"ready": [ONE]}), None, "error: all 3 clones would draw 1 next"),
        (run({"ready": [ONE]}, {"ready": [ONE]}, {"ready": [TWO]}), None, None),
        (run({"ready": [ONE]}, {"ready": [ONE]}, {"ready": []}), None, None),
        (run({"ready": [ONE]}, {"ready": [ONE]}, {}), None, "error: both clones would draw 1 next"),  # it failed
        (run({}, {}), None, None),
        (run({"ready": [ONE]}, snapshot=[ONE]), None, "error: the clone and the snapshot it comes from would draw 1"),
        (run({"ready": [ONE]}, snapshot=[TWO]), None, None),
        (run({"ready": [ONE]}), None, None),
        # Somebody has to use it, at whatever time.
        (run({"ready": [UNUSED]}, {"ready": [UNUSED]}), None, None),
        (run({"ready": [UNUSED]}, {"ready": [ONE]}), None, "error: both clones would draw 1 next"),
        (
            run({"ready": [UNUSED]}, {"ready": [UNUSED], "finished": [ONE]}),
            None,
            "error: both clones would draw 1 next",
        ),
        # The event makes it another, or not.
        (run(*({"ready": [ONE], "finished": [draws(after, drawn_on=False)]} for after in "34")), None, None),
        (run(*({"ready": [ONE], "finished": [draws(after)]} for after in "34")), None, "error: both clones would draw"),
        (run(*({"ready": [ONE], "finished": [draws("3")]} for _ in "ab")), None, "error: both clones would draw 1"),
        (run(*({"ready": [draws(ready)], "finished": [draws("3")]} for ready in "12")), None, None),
        # How bad it is, where it is from, and whether it is a constant.
        (run(*({"ready": [draws("1", grave=False)]} for _ in "ab")), None, "warning: both clones would draw 1"),
        (run({"ready": [draws("1", grave=False)]}, {"ready": [ONE]}), None, "error: both clones would draw 1 next"),
        (
            run({"ready": [ONE]}, {"ready": [draws("1", origin="app.py:3")]}),
            None,
            "error: both clones would draw 1 next (app.py:3)",
        ),
        (run({"ready": [ONE]}, {"ready": [ONE]}), run({"ready": [TWO]}), "error: both clones would draw 1 next"),
        (run({"ready": [ONE]}, {"ready": [ONE]}), run({}), "error: both clones would draw 1 next"),
        (
            run({"ready": [ONE]}, {"ready": [ONE]}),
            run({"ready": [ONE]}, {"ready": [TWO]}),
            "warning: both clones would draw 1 next, and so does every other start of the function",
        ),
    ],
)
def test_a_generator_repeats_if_all_clones_draw_the_same(
    seen: CloneRun, other: CloneRun | None, told: str | None
) -> None:
    hazards = list(repeated(seen, other.clones if other else ()))
    assert len(hazards) == (told is not None)
    for each in hazards:
        where = f" ({each.origin})" if each.origin else ""
        assert f"{each.severity}: {each.evidence}{where}".startswith(told or "")
        assert ("every other start" in each.evidence) is ("every other start" in (told or ""))


@pytest.mark.parametrize(
    ("later", "origin", "told"),
    [("1", "", "note"), ("3", "", "hazard"), ("1", "app.rng", "hazard"), ("asked", "", "hazard")],
)
def test_a_generator_that_only_an_import_has_drawn_from_is_a_note(later: str, origin: str, told: str) -> None:
    first, last = draws("1", origin=origin), draws(later, origin=origin)
    if later == "asked":  # itself: there is no copying it, so it draws when it is looked at
        for each in (first, last):
            del each["drawn_on"]
            each["detail"] = "1"
    seen = run(*({"ready": [first], "finished": [last]} for _ in "ab"))
    answered = tuple(dataclasses.replace(clone, invocations=(Invocation("id"),)) for clone in seen.clones)
    seen = dataclasses.replace(seen, clones=answered)
    assert [len(list(repeated(seen, ()))), len(idle(seen))] == [told == "hazard", told == "note"]
    unasked = dataclasses.replace(seen, clones=run(*({"ready": [first], "finished": [last]} for _ in "ab")).clones)
    assert len(list(repeated(unasked, ()))) == 1  # no event: nobody knows what one would draw from


def test_what_is_left_over_is_told_once_as_it_was_seen_last() -> None:
    def thread(subject: str, detail: str, *, grave: bool = False) -> Observation:
        return Observation(code="live-thread", subject=subject, detail=detail, origin="", grave=grave, used=True)

    seen = run(
        {"ready": [thread("a", "ready"), ONE], "finished": [thread("a", "finished", grave=True)]},
        {},
        snapshot=[thread("a", "snapshot"), thread("b", "snapshot"), ONE],
    )
    told = [(hazard.subject, hazard.evidence, hazard.severity) for hazard in left_over(seen, failed=False, live=False)]
    assert told == [("a", "finished", "error"), ("b", "snapshot", "warning")]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ((104, 0, 8), []),  # exactly four fifths
        ((104.5, 0, 0), ["init-too-slow: warning, 104.5 s"]),
        ((0, 104.5, 0), ["init-too-slow: warning, 104.5 s"]),
        ((130, 0, 10), ["init-too-slow: warning, 130.0 s", "hooks-too-slow: warning, 10.0 s"]),
        ((100, 30.5, 0), ["init-too-slow: error, 130.5 s"]),
        ((0, 0, 1, 9, 2), ["hooks-too-slow: warning, 9.0 s"]),  # the slowest clone counts
        ((0, 0), []),
        ((), []),  # nothing came so far
    ],
)
def test_what_takes_nearly_all_of_the_time_is_told(seconds: tuple[float, ...], told: list[str]) -> None:
    hazards = list(out_of_time(run({}, seconds=seconds)))  # one clone failed before it
    assert [f"{each.code}: {each.severity}, {each.evidence.split()[2]} s" for each in hazards] == told


def test_what_a_resource_holds_goes_by_its_name(tmp_path: Path) -> None:
    namespace_only()
    source = """
        import secrets
        from snapstart_hooks.resources import PerRestore
        instance = PerRestore(lambda: {"id": secrets.token_hex(8)})
        instance()
        def handler(event, context): return instance()["id"] is not None
    """
    found = find_hazards(2, "app.handler", task_root=write_function(tmp_path, source), hooks=False).hazards
    assert [each.subject for each in found if each.code == "kept-value"] == ["app.instance"]


def test_a_function_that_closes_its_output_and_leaves_a_folder_that_is_gone_is_judged_like_another(
    tmp_path: Path,
) -> None:
    namespace_only()
    source = """
        import os, sys, tempfile
        from snapstart_hooks import before_snapshot
        with tempfile.TemporaryDirectory() as removed_by_itself:
            os.chdir(removed_by_itself)
        sys.stdout = sys.stderr = None
        @before_snapshot
        def hook(): ...
        def handler(event, context): return "fine"
    """
    found = find_hazards(2, "app.handler", task_root=write_function(tmp_path, source), backend="namespace")
    assert [each for each in found.hazards if each.subject != "tempfile (names)"] == []
    assert (found.run.failures, found.notes) == ((), ())


def test_a_function_that_ends_its_process_does_so_without_a_restore_too(tmp_path: Path) -> None:
    namespace_only()
    source = "import os\ndef handler(event, context): os._exit(0)"
    found = find_hazards(2, "app.handler", task_root=write_function(tmp_path, source), backend="namespace")
    assert found.hazards == ()
    assert "exit code 0" in found.run.failures[0]
