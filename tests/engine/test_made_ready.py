"""What an after_restore phase needs stands ready before the snapshot: it starts no thread itself."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

# In a child for each case: threads of an earlier one would do for the next.
PROGRAM = """
    import json, os, sys, threading

    CASES = {
        "hooks that overlap": (4, {}, {}),
        "more than there are threads": (50, {}, {}),
        "with a limit each": (4, {"timeout": 30}, {}),
        "within a budget": (4, {}, {"SNAPSTART_HOOKS_BUDGET": "30"}),
        "one alone within a budget": (1, {"concurrent": False}, {"SNAPSTART_HOOKS_BUDGET": "30"}),
    }
    told = {}
    for case, (count, options, environment) in CASES.items():
        read, write = os.pipe()
        if os.fork():
            os.close(write)
            told[case] = json.load(os.fdopen(read))
            os.wait()
            continue
        os.environ.update(environment)
        from snapstart_hooks import Registry

        registry, ran, started = Registry(), [], []
        together = threading.Barrier(min(count, 4))

        def hook(number):
            if number < 4:
                together.wait(30)  # each on a thread of its own
            ran.append(number)

        async def awaited():
            ran.append("awaited")

        for number in range(count):
            options = {"concurrent": True, **options, "name": str(number)}
            registry.after_restore(**options)(lambda number=number: hook(number))
        registry.after_restore(awaited)
        registry.run_before_snapshot()
        ready = threading.active_count() - 1

        start = threading.Thread.start
        threading.Thread.start = lambda self: (started.append(self.name), start(self))
        ok = registry.run_after_restore().ok
        os.write(write, json.dumps([ok, len(ran), ready, started]).encode())
        os._exit(0)
    print(json.dumps(told))
"""


def test_no_thread_is_started_by_a_restore() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    told: dict[str, tuple[bool, int, int, list[str]]] = json.loads(ended.stdout)
    assert {case: (ok, ran, started) for case, (ok, ran, _, started) in told.items()} == {
        "hooks that overlap": (True, 5, []),
        "more than there are threads": (True, 51, []),
        "with a limit each": (True, 5, []),
        "within a budget": (True, 5, []),
        "one alone within a budget": (True, 2, []),
    }
    ready = {case: threads for case, (_, _, threads, _) in told.items()}
    assert min(ready["hooks that overlap"], ready["with a limit each"]) >= 4
    assert 4 < ready["more than there are threads"] < 50
