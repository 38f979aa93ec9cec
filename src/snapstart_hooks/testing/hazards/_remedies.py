"""What to do about each kind of hazard."""

from __future__ import annotations

from typing import Final

__all__ = ("remedy",)

_RANDOM: Final = {
    "random (": "call random.seed() in an after_restore hook, or use secrets or random.SystemRandom",
    "numpy.random (": "call numpy.random.seed() in an after_restore hook, or make a generator where it is used",
    "ssl.": "call ssl.RAND_add(os.urandom(48), 48.0) in an after_restore hook",
    "uuid.": "use uuid.uuid4()",
    "tempfile ": "set tempfile._name_sequence = None in an after_restore hook; "
    "it matters only if the names are used outside this machine, as keys in a bucket for instance",
    "opentelemetry ": "call random.seed() in an after_restore hook",
    "bson.": "make bson.ObjectId's random part anew in an after_restore hook, or let the server make the ids",
    "cryptography ": "make keys where os.urandom is the source, or feed its RAND_add in an after_restore hook",
}
_OTHER: Final = {
    "repeated-random": "seed it anew in an after_restore hook (rng.seed(), or a new numpy.random.default_rng()), "
    "or use secrets or random.SystemRandom",
    "repeated-value": "make it where it is used, with uuid.uuid4() or secrets, or let it be a PerRestore",
    "kept-value": "if it is to be unique, or a secret, let it be a PerRestore",
    "changed-answer": "find out what it comes from that a restore changes, and put that right in an after_restore hook",
    "failed-after-restore": "make anew in an after_restore hook what it needs and the snapshot has spoilt",
    "stale-time": "ask for the time where it is used, let it be a PerRestore, or ask again in an after_restore hook",
    "open-connection": "let it be a @resource; or close it in a before_snapshot hook, and open it again in an "
    "after_restore hook",
    "live-thread": "let it be a @resource; or stop it in a before_snapshot hook, and start it again in an "
    "after_restore hook",
    "child-process": "let it be a @resource; or end it in a before_snapshot hook, and start it again in an "
    "after_restore hook",
    "running-loop": "let it be an async @resource; or cancel the task, and wait for it, in a before_snapshot hook, and "
    "start it in an after_restore hook",
    "open-temporary-file": "close it in a before_snapshot hook, or open it where it is used",
    "unflushed-data": "flush it in a before_snapshot hook, or where a @resource ends",
    "cached-credentials": "let the client or session be a @resource, and do not keep keys of your own; what you fetch "
    "yourself, fetch below @cached_until_restore",
    "missing-temporary-file": "make the file where it is used, or let its path be a PerRestore",
    "hooks-not-imported": "import the module from the one that defines the handler, so that its hooks are registered",
    "hooks-too-slow": "do less in the hooks, let those that wait overlap (concurrent=True), or move work before the "
    "snapshot",
    "init-too-slow": "do less while the function initialises and in its before_snapshot hooks",
}


def remedy(code: str, subject: str = "") -> str:
    """What to do."""
    if code == "repeated-random":
        for beginning, what in _RANDOM.items():
            if subject.startswith(beginning):
                return what
    return _OTHER[code]
