"""Makes the pictures of the documentation, each from a real run: ``python scripts/pictures.py``.

``docs/assets/`` then has the terminal that shows what a restore does, the life of a version with
its hooks in it, and the processes of a local SnapStart.  It needs Linux and ``pip install -e .[testing]``.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast
from xml.sax.saxutils import escape

from rich.console import Console
from rich.text import Text

from snapstart_hooks.testing import CloneRun, clones

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROJECT = Path(__file__).parents[1]
ASSETS = PROJECT / "docs" / "assets"
WIDTH = 96

SAFE = """\
import random
import time
import uuid

from snapstart_hooks import Priority, after_restore, before_snapshot

instance = ""


@before_snapshot(name="prime", priority=Priority.WARMUP)
def prime() -> None:
    time.sleep(0.02)


@before_snapshot(name="database.close", priority=Priority.CONNECTIONS)
def close() -> None:
    time.sleep(0.004)


@after_restore(name="reseed", priority=Priority.ENTROPY)
def reseed() -> None:
    global instance
    random.seed()
    instance = str(uuid.uuid4())


@after_restore(name="database.open", priority=Priority.CONNECTIONS)
def connect() -> None:
    time.sleep(0.012)


def lambda_handler(event, context):
    time.sleep(0.006)
    return {"order": f"{random.getrandbits(64):016x}", "instance": instance}
"""


def main() -> None:
    """Make them all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = (PROJECT / "docs" / "index.md").read_text(encoding="utf-8")
        (folder / "app.py").write_text(
            re.findall(r'```python title="app.py"\n(.*?)```', first, re.DOTALL)[0], encoding="utf-8"
        )
        (folder / "safe.py").write_text(SAFE, encoding="utf-8")
        save("terminal.svg", terminal("run", "app.lambda_handler", "--clones", "3", "--compare", folder=folder))
        run = clones(3, "safe.lambda_handler", task_root=folder, backend="namespace")
        run.check()
        save("life.svg", life(run))
        save("processes.svg", processes(folder))


def save(name: str, picture: str) -> None:
    """Write a picture, without what differs in each run."""
    ASSETS.mkdir(exist_ok=True)
    (ASSETS / name).write_text(re.sub(r" +$", "", picture, flags=re.MULTILINE), encoding="utf-8")
    print(f"docs/assets/{name}")


def terminal(*arguments: str, folder: Path) -> str:
    """The command `snapstart-hooks` with `arguments`, as it looks in a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "snapstart_hooks", *arguments],
        cwd=folder,
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text(f"$ snapstart-hooks {' '.join(arguments)}", style="bold"))
    told = done.stdout.replace(str(folder), ".").partition("backend")[0]  # what follows is on the page of clones
    console.print(Text.from_ansi(told.rstrip()))
    return console.export_svg(title="snapstart-hooks", unique_id="terminal")


# The life of a version.


@dataclass(frozen=True)
class Span:
    """What took some time: a hook, or another moment of the life of a version."""

    name: str
    seconds: float
    kind: str


def hooks(report: dict[str, object] | None, kind: str) -> Iterator[Span]:
    """The hooks of a phase, in the order in which they ran."""
    for result in cast("list[dict[str, str | float]]", (report or {})["hooks"]):
        yield Span(str(result["hook"]), float(result["duration_ms"]) / 1000, kind)


STYLE = """\
text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; }
.small { font-size: 11px; fill: #59636e; }
.title { font-weight: 600; }
.init { fill: #8c959f; } .before { fill: #bf8700; } .after { fill: #1a7f37; } .answer { fill: #0969da; }
.line { stroke: #8c959f; fill: none; }
.freeze { fill: #ddf4ff; stroke: #54aeff; } .box { fill: #f6f8fa; stroke: #d1d9e0; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; } .small { fill: #9198a1; } .box { fill: #151b23; stroke: #3d444d; }
  .freeze { fill: #0c2d6b; stroke: #388bfd; } .init { fill: #656c76; }
}
"""


def svg(width: int, height: int, label: str, parts: Sequence[str]) -> str:
    """A picture that is light or dark as its reader wants it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(label)}">\n'
        f"<style>\n{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """A line of text."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(words)}</text>'


def told(seconds: float) -> str:
    """A duration in words."""
    return f"{seconds * 1000:.1f} ms" if seconds >= 0.0001 else f"{seconds * 1e6:.0f} µs"  # noqa: PLR2004


def column(x: float, title: str, where: str, spans: Sequence[Span]) -> list[str]:
    """One stretch of the life: its title, and what happens in it from top to bottom."""
    parts = [text(x, 24, title, "title"), text(x, 42, where, "small")]
    for row, span in enumerate(spans):
        y = 62 + row * 46
        width = max(4.0, min(200.0, span.seconds * 1000 * 6))
        parts += [
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="12" rx="3" class="{span.kind}"/>',
            text(x, y + 27, span.name),
            text(x + 150, y + 27, told(span.seconds), "small"),
        ]
    return parts


def life(run: CloneRun) -> str:
    """The life of a version: its initialisation, hooks, snapshot, restores and first answers, as they were in `run`."""
    snapshot, clone = run.snapshot, run.clones[0]
    publish = [
        Span("import of the function", snapshot.init_seconds or 0.0, "init"),
        *hooks(snapshot.before_report, "before"),
    ]
    # What it took to answer is what is left of the time of the clone.
    answer = [Span("first answer", clone.invocations[0].seconds, "answer")]
    restore = [*hooks(clone.after_report, "after"), *answer]
    rows = max(len(publish), len(restore))
    height = 62 + rows * 46 + 24
    parts = column(16, "Publish", "once", publish)
    parts += [
        f'<rect x="262" y="10" width="112" height="{height - 20}" rx="8" class="freeze"/>',
        text(276, 34, "Snapshot", "title"),
        text(276, 54, "memory, state of", "small"),
        text(276, 70, "generators, ids,", "small"),
        text(276, 86, "connections", "small"),
        text(276, 118, "hours pass", "small"),
    ]
    for shadow in range(len(run.clones) - 1, -1, -1):
        x, y = 404 + shadow * 8, 10 + shadow * 4
        parts.append(f'<rect x="{x}" y="{y}" width="262" height="{height - 32}" rx="8" class="box"/>')
    parts += column(420, "Restore", f"in each of {len(run.clones)} clones", restore)
    parts.append(f'<path d="M246 {height / 2:g} h14 m-5 -4 l5 4 l-5 4" class="line"/>')
    parts.append(f'<path d="M376 {height / 2:g} h26 m-5 -4 l5 4 l-5 4" class="line"/>')
    return svg(700, height, "The life of a version, with its hooks", parts)


# Who forks whom.


def processes(folder: Path) -> str:
    """The processes below this one while three clones answer, as the kernel lists them."""
    (folder / "slow.py").write_text("import time\ndef lambda_handler(e, c): time.sleep(2)\n", encoding="utf-8")
    runner = threading.Thread(
        target=lambda: clones(3, "slow.lambda_handler", task_root=folder, backend="namespace", parallel=3)
    )
    runner.start()
    deadline = time.monotonic() + 30
    while len(found := list(below(os.getpid(), 0))) < 5 and time.monotonic() < deadline:  # noqa: PLR2004 - keeper, zygote, clones
        time.sleep(0.02)
    runner.join()
    names = [
        "keeper: makes the namespaces, ends everything",
        "zygote: runs the function up to the snapshot, then supervises",
    ]
    parts = [text(16, 28, "caller: clones(3, ...)", "title")]
    for row, (depth, pid_namespace) in enumerate(found):
        y = 28 + (row + 1) * 34
        x = 16 + depth * 36
        name = names[depth - 1] if depth <= len(names) else "clone: awslambdaric, the hooks, the answer"
        parts.append(f'<path d="M{x - 28} {y - 28} v24 h22 m-5 -4 l5 4 l-5 4" class="line"/>')
        parts += [text(x, y, name), text(500, y, f"PID namespace {pid_namespace}", "small")]
    return svg(660, 28 + len(found) * 34 + 24, "The processes of a local SnapStart", parts)


def below(pid: int, depth: int, spaces: dict[str, int] | None = None) -> Iterator[tuple[int, int]]:
    """How deep each process below `pid` is, and the number of its PID namespace, in the order of their start."""
    spaces = {str(Path("/proc/self/ns/pid").readlink()): 0} if spaces is None else spaces
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            space = str(Path(f"/proc/{child}/ns/pid").readlink())
            yield depth + 1, spaces.setdefault(space, len(spaces))
            yield from below(int(child), depth + 1, spaces)


if __name__ == "__main__":
    main()
