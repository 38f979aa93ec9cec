"""Makes the pictures of the documentation, each from a real run: ``python scripts/pictures.py``.

``docs/assets/`` then has a terminal that shows what a restore does to the function of the front page,
wide and narrow; the life of a version of that function, with its hooks; and the processes of a local
SnapStart.  With ``--check`` nothing is written, and a picture that no longer says what a run says is
an error.  Both need Linux and ``pip install -e .[testing]``.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, cast
from xml.sax.saxutils import escape

from rich.console import Console
from rich.text import Text
from typing_extensions import override

from snapstart_hooks.testing import CloneRun, CloneUnsupported, clones

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PROJECT = Path(__file__).parents[1]
ASSETS = PROJECT / "docs" / "assets"
WIDE, NARROW = 92, 64
COMMAND = ("run", "app.handler", "--clones", "3", "--compare")


def main() -> int:
    """Make the pictures, or compare those that there are."""
    parser = argparse.ArgumentParser(description="Make the pictures of the documentation from real runs.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a picture is out of date")
    check: bool = parser.parse_args().check
    try:
        outdated = [name for name, picture in pictures() if not (same(name, picture) if check else save(name, picture))]
    except CloneUnsupported as error:
        if not check:
            raise
        print(f"The pictures are not compared with a run: {error}")
        return 0
    for name in outdated:
        print(f"docs/assets/{name} is out of date: python scripts/pictures.py")
    return 1 if outdated else 0


def pictures() -> Iterator[tuple[str, str]]:
    """Each picture, as a name and an SVG document."""
    with tempfile.TemporaryDirectory() as name, stock() as address:
        folder = Path(name)
        page = (PROJECT / "docs" / "index.md").read_text(encoding="utf-8")
        function = re.findall(r'```python title="app.py".*?\n(.*?)```', page, re.DOTALL)[0]
        (folder / "app.py").write_text(function.replace('"stock"', f'"{address}"'), encoding="utf-8")
        run = clones(3, "app.handler", task_root=folder, backend="namespace")
        run.check()
        yield "life.svg", life(run)
        yield "life-narrow.svg", life(run, narrow=True)
        yield "terminal.svg", terminal(WIDE, folder)
        yield "terminal-narrow.svg", terminal(NARROW, folder)
        yield "processes.svg", processes(folder)


def save(name: str, picture: str) -> bool:
    """Write a picture."""
    (ASSETS / name).write_text(picture, encoding="utf-8")
    print(f"docs/assets/{name}")
    return True


def same(name: str, picture: str) -> bool:
    """Whether the picture of that name says the same as `picture`, but for ids, durations and addresses."""
    there = ASSETS / name
    return there.is_file() and words(there.read_text(encoding="utf-8")) == words(picture)


def words(picture: str) -> str:
    """What a picture says, without space and with a mark for what differs in each run."""
    said = unescape("".join(re.findall(r"<text[^>]*>(.*?)</text>", picture)))
    return re.sub(r'"[0-9a-f]{8,}"|[\d.]+(?:ms|µs)?', "#", re.sub(r"\s", "", said))


class Stock(BaseHTTPRequestHandler):
    """The server that the function of the front page asks: it keeps connections, as most do."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request."""
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.end_headers()
        self.wfile.write(b"7")

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def stock() -> Iterator[str]:
    """The address of a server that tells how much there is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Stock) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


# The terminal.


def terminal(width: int, folder: Path) -> str:
    """The command on the function of the front page, as it looks in a terminal of `width` columns."""
    done = subprocess.run(
        [sys.executable, "-m", "snapstart_hooks", *COMMAND],
        cwd=folder,
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(width)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    console = Console(record=True, width=width, file=io.StringIO())
    console.print(Text(f"$ snapstart-hooks {' '.join(COMMAND)}", style="bold"))
    output = done.stdout.replace(str(folder), ".").partition("backend")[0]  # the rest is explained with the backends
    for line in shortened(Text.from_ansi(output.rstrip()).split()):
        console.print(line)
    name = f"terminal-{width}"
    picture = console.export_svg(title="snapstart-hooks", unique_id=name)
    picture = re.sub(r"@font-face {.*?}", "", picture, flags=re.DOTALL)  # it would be fetched from elsewhere
    return re.sub(r"\s+$", "", picture, flags=re.MULTILINE) + "\n"


def shortened(lines: Iterable[Text]) -> Iterator[Text]:
    """The lines with ``…`` in place of the reports of the phases."""
    left_out = False
    for line in lines:
        if re.match(r"(init|before_snapshot|after_restore) ", line.plain):
            if not left_out:
                yield Text("…", style="dim")
            left_out = True
        elif not line.plain or re.match(r"clone \d", line.plain):
            left_out = False
        if not left_out:
            yield line


# The life of a version.

STYLE = """\
text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; }
.small { font-size: 12px; fill: #59636e; }
.title { font-weight: 600; font-size: 15px; }
.phase { font-weight: 600; }
.init { fill: #8c959f; } .before { fill: #bf8700; } .after { fill: #1a7f37; } .answer { fill: #0969da; }
.line { stroke: #59636e; fill: none; }
.page { fill: #ffffff; } .box { fill: #f6f8fa; stroke: #d1d9e0; } .snapshot { fill: #ddf4ff; stroke: #54aeff; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; } .small { fill: #b7bdc8; } .line { stroke: #9198a1; }
  .page { fill: #0d1117; } .box { fill: #151b23; stroke: #3d444d; } .snapshot { fill: #10233f; stroke: #388bfd; }
}
"""
ROW, COLUMN = 22, 268


def svg(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    """A picture that is light or dark as its reader wants it, with a background of its own for pages that are not."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(label)}">\n'
        f"<style>\n{STYLE}</style>\n{box(0, 0, width, height, 'page')}\n" + "\n".join(parts) + "\n</svg>\n"
    )


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """A line of text."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, kind: str) -> str:
    """A rectangle with round corners."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" class="{kind}"/>'


def arrow(x: float, y: float, length: float) -> str:
    """An arrow to the right."""
    return f'<path d="M{x:g} {y:g} h{length:g} m-5 -4 l5 4 l-5 4" class="line"/>'


@dataclass(frozen=True)
class Stretch:
    """What runs one after the other in the life of a version: a phase, with its hooks.

    Attributes:
        name: The name of the phase.
        kind: The class of its colour.
        steps: What runs, and for how many seconds.
    """

    name: str
    kind: str
    steps: Sequence[tuple[str, float]]


def hooks(name: str, kind: str, report: dict[str, object] | None) -> Stretch:
    """A phase with its hooks, in the order in which they ran."""
    results = cast("list[dict[str, str | float]]", (report or {})["hooks"])
    return Stretch(name, kind, [(str(each["hook"]), float(each["duration_ms"]) / 1000) for each in results])


def duration(seconds: float) -> str:
    """A duration as a reader compares it."""
    return f"{seconds * 1000:.1f} ms" if seconds >= 0.0001 else f"{seconds * 1e6:.0f} µs"  # noqa: PLR2004


def column(x: float, y: float, title: str, how_often: str, stretches: Sequence[Stretch]) -> tuple[list[str], float]:
    """A column of the picture, and where it ends."""
    parts = [text(x, y, title, "title"), text(x + COLUMN - 28, y, how_often, "small", "end")]
    y += 12
    for stretch in stretches:
        parts.append(box(x, y + 6, 4, ROW * (len(stretch.steps) + 1) - 6, stretch.kind))
        y += ROW
        parts.append(text(x + 14, y - 2, stretch.name, "phase"))
        for step, seconds in stretch.steps:
            y += ROW
            parts += [text(x + 14, y - 4, step), text(x + COLUMN - 28, y - 4, duration(seconds), "small", "end")]
        y += 10
    return parts, y


def life(run: CloneRun, *, narrow: bool = False) -> str:
    """The life of a version: what runs when it is published, and in each clone, with the times of `run`.

    Args:
        run: Clones of the function of the front page.
        narrow: Whether one thing stands below the other, for a telephone.
    """
    snapshot, clone = run.snapshot, run.clones[0]
    publish = [
        Stretch("init", "init", [("import of the function", snapshot.init_seconds or 0.0)]),
        hooks("before_snapshot", "before", snapshot.before_report),
    ]
    restore = [
        hooks("after_restore", "after", clone.after_report),
        Stretch("invocation", "answer", [("first answer", clone.invocations[0].seconds)]),
    ]
    stored = ("memory,", "connections,", "generators, ids,", "the time", "", "…hours pass…")
    once, end = column(30, 38, "Publish", "once", publish)
    how_often = f"in each of {len(run.clones)} clones"
    label = "The life of a version, with its hooks"
    if narrow:
        top = end + 42
        each, bottom = column(30, top + 126, "Restore", how_often, restore)
        down = [f'<path d="M148 {y:g} v18 m-4 -5 l4 5 l4 -5" class="line"/>' for y in (end + 8, top + 66)]
        parts = [box(14, 14, COLUMN, end - 10, "box"), *once, *down, box(14, end + 30, COLUMN, 74, "snapshot")]
        parts += [
            text(148, top + 12, "Snapshot", "title", "middle"),
            text(148, top + 32, " ".join(stored[:3]), "small", "middle"),
            text(148, top + 50, f"{stored[3]}; {stored[-1].strip('…')}", "small", "middle"),
        ]
        parts += [box(14 + 6 * depth, top + 98 + 6 * depth, COLUMN, bottom - top - 94, "box") for depth in (2, 1, 0)]
        return svg(COLUMN + 40, bottom + 30, label, [*parts, *each])
    each, other_end = column(496, 38, "Restore", how_often, restore)
    bottom = max(end, other_end) + 8
    middle = bottom / 2
    parts = [box(14, 14, COLUMN, bottom - 14, "box"), *once]
    parts += [
        arrow(COLUMN + 18, middle, 28),
        box(330, 14, 106, bottom - 14, "snapshot"),
        text(383, 38, "Snapshot", "title", "middle"),
    ]
    for row, words in enumerate(stored):
        parts.append(text(383, middle - 44 + row * 18, words, "small", "middle"))
    parts.append(arrow(440, middle, 28))
    parts += [box(480 + 8 * depth, 14 + 6 * depth, COLUMN, bottom - 14, "box") for depth in (2, 1, 0)]
    return svg(780, bottom + 26, label, [*parts, *each])


# Who forks whom.


def processes(folder: Path) -> str:
    """The processes below this one while three clones answer, as the kernel lists them."""
    (folder / "slow.py").write_text("import time\ndef handler(e, c): time.sleep(1)\n", encoding="utf-8")
    runner = threading.Thread(
        target=lambda: clones(3, "slow.handler", task_root=folder, backend="namespace", parallel=3)
    )
    runner.start()
    deadline = time.monotonic() + 30
    while len(found := list(below(os.getpid(), 0))) < 5 and time.monotonic() < deadline:  # noqa: PLR2004 - keeper, zygote, clones
        time.sleep(0.02)
    runner.join()
    roles = [
        ("keeper", "makes the namespaces, ends everything"),
        ("zygote", "runs up to the snapshot, then supervises"),
    ]
    parts = [text(20, 36, "caller", "title"), text(84, 36, "clones(3, …)", "small")]
    last = {0: 36}  # where the latest process of each depth stands
    for row, (depth, space) in enumerate(found, start=1):
        x, y = 20 + depth * 32, 36 + row * 46
        name, role = roles[depth - 1] if depth <= len(roles) else ("clone", "the runtime, the hooks, the answer")
        parts += [
            f'<path d="M{x - 24} {last[depth - 1] + 8} V{y - 5} h18 m-5 -4 l5 4 l-5 4" class="line"/>',
            text(
                x, y, f"{name}, in {f'PID namespace {space}' if space else 'the PID namespace of the caller'}", "phase"
            ),
            text(x, y + 18, role, "small"),
        ]
        last[depth] = y + 18
    return svg(400, 36 + len(found) * 46 + 36, "The processes of a local SnapStart", parts)


def below(pid: int, depth: int, spaces: dict[str, int] | None = None) -> Iterator[tuple[int, int]]:
    """How deep each process below `pid` is, and the number of its PID namespace, in the order of their start."""
    spaces = {str(Path("/proc/self/ns/pid").readlink()): 0} if spaces is None else spaces
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            space = str(Path(f"/proc/{child}/ns/pid").readlink())
            yield depth + 1, spaces.setdefault(space, len(spaces))
            yield from below(int(child), depth + 1, spaces)


if __name__ == "__main__":
    sys.exit(main())
