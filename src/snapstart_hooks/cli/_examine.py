"""What is wrong with an artifact, as far as its files tell: one function for each question."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import snapstart_hooks
from snapstart_hooks._discovery import Found, find
from snapstart_hooks._hook import normalise
from snapstart_hooks._manifest import NAME, digest
from snapstart_hooks.cli import _imports
from snapstart_hooks.lint import check, declarations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from snapstart_hooks.cli._artifact import Artifact

__all__ = ("CHECKS", "Examined", "Problem", "Severity", "examine")

Severity = Literal["error", "warning", "note"]

OLDEST: Final = (3, 12)
"""The oldest Python with SnapStart (https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html)."""
UNZIPPED_LIMIT: Final = 250 * 2**20
"""Bytes of a function and its layers, unpacked (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""
ZIP_LIMIT: Final = 50 * 2**20
"""Bytes of an archive that is uploaded directly."""
LAYERS_LIMIT: Final = 5
IMAGE_LIMIT: Final = 10 * 2**30
TMP_LIMIT: Final = 512 * 2**20
"""Bytes of ``/tmp`` of a function with SnapStart."""

STANDING_IN: Final = "snapstart_hooks.runtime.handler.lambda_handler"
MANAGED: Final = frozenset(("awslambdaric", "boto3", "botocore", "jmespath", "s3transfer", "snapshot_restore_py"))
"""What the managed runtime has in ``/var/runtime``."""
_LOADING: Final = 60.0
"""Seconds that all providers together may take to load."""

KEEP: Final = (
    f"run `snapstart-hooks freeze --target BUILD` before the packager, which puts {NAME} into the build; or keep "
    "*.dist-info: serverless-python-requirements without `slim`, or with slimPatternsAppendDefaults: false and "
    "patterns without dist-info; Zappa with an `exclude` of your own"
)


@dataclass(frozen=True)
class Problem:
    """What was found.

    Attributes:
        check: The question, one of `CHECKS`.
        severity: An ``error`` breaks the function or loses a hook, a ``warning`` may; a ``note`` is to be known.
        what: What is wrong, with where.
        remedy: What to do; ``""`` for a note that asks for nothing.
    """

    check: str
    severity: Severity
    what: str
    remedy: str = ""


class Examined:
    """An artifact, and what several questions need to know of it."""

    def __init__(
        self,
        artifact: Artifact,
        *,
        handler: str | None = None,
        python: tuple[int, int] | None = None,
        environ: Mapping[str, str] | None = None,
        load: bool = True,
    ) -> None:
        self.artifact: Final = artifact
        self.environ: Final = dict(environ or {})
        self.given: Final = handler
        self.python: Final = python
        self.load: Final = load
        self.path: Final = list(artifact.path)
        own = self.environ.get("SNAPSTART_HOOKS_HANDLER", "").strip() if handler == STANDING_IN else handler
        self.handler: Final = (own or "").replace("/", ".") or None
        self.found: Final[Found] = find(self.path)
        by_hand = self.environ.get("SNAPSTART_HOOKS_PROVIDERS", "")
        self.by_hand: Final = [each.strip() for each in by_hand.split(",") if each.strip()]
        self.found.by_hand(self.by_hand)
        self.frozen: Final = any(Path(entry, NAME).is_file() for entry in self.path)
        module = (self.handler or "").rpartition(".")[0]
        self.imported: Final = _imports.closure(module, self.path) if module else {}
        self.metadata: Final = [
            each
            for entry in self.path
            for kind in ("dist-info", "egg-info")
            for each in sorted(Path(entry).glob(f"*.{kind}"))
        ]
        self.claimed: Final = {file for each in self.metadata for file in _record(each)}

    def own_files(self) -> Iterator[Path]:
        """The source of the function itself, as far as it can be told from installed libraries."""
        task = self.artifact.task
        top = (self.handler or "").partition(".")[0]
        for file in sorted(task.rglob("*.py")):
            relative = file.relative_to(task)
            mine = relative.parts[0] in {top, f"{top}.py"} if top and not self.claimed else file not in self.claimed
            if mine and relative.parts[0] != "snapstart_hooks" and not _LIBRARY.search(relative.as_posix()):
                yield file

    def short(self, file: Path) -> str:
        """A file as it is called on Lambda."""
        nested = [(Path(entry), "/tmp/*") for entry in self.path[: len(self.artifact.nested)]]  # noqa: S108
        for root, name in (
            *nested,
            (self.artifact.task, "/var/task"),
            *((each, "/opt") for each in self.artifact.layers),
        ):
            if file.is_relative_to(root):
                return f"{name}/{file.relative_to(root)}".removesuffix("/.")
        return file.name


_LIBRARY: Final = re.compile(r"(^|/)(site-packages|dist-packages|node_modules|\.venv)/")


def _record(metadata: Path) -> Iterator[Path]:
    """The files that a distribution says are its own."""
    try:
        with (metadata / "RECORD").open(encoding="utf-8", errors="replace", newline="") as lines:
            yield from (metadata.parent / row[0] for row in csv.reader(lines) if row)
    except (OSError, csv.Error):
        return


def examine(examined: Examined) -> list[Problem]:
    """Ask all questions; errors come first."""
    library = examined.artifact.given.endswith(".whl")  # no function, so there is nothing to handle and to activate
    asked = [question for name, question in CHECKS.items() if not (library and name in {"handler", "activation"})]
    problems = [problem for question in asked for problem in question(examined)]
    order = ("error", "warning", "note")
    return sorted(problems, key=lambda each: order.index(each.severity))


def _runtime(examined: Examined) -> Iterator[Problem]:
    """A Python that SnapStart has, and files that are made for it."""
    python = examined.python
    if python is not None and python < OLDEST:
        what = f"Python {python[0]}.{python[1]} has no SnapStart"
        yield Problem("runtime", "error", what, "take the runtime python3.12 or a newer one")
    tags: dict[tuple[int, int], Path] = {}
    for entry in examined.path:
        for file in Path(entry).rglob("*.cpython-3*.so"):
            if match := re.search(r"\.cpython-3(\d+)", file.name):
                tags.setdefault((3, int(match[1])), file)
    for tag, file in sorted(tags.items()):
        if python is not None and tag != python:
            what = f"{examined.short(file)} is built for Python {tag[0]}.{tag[1]}, and the function's is "
            what += f"{python[0]}.{python[1]}"
            remedy = f"build for it: pip install --python-version {python[0]}.{python[1]} --only-binary=:all: ..."
            yield Problem("runtime", "error", what, remedy)
    if python is None and len(tags) > 1:
        what = f"compiled modules are built for Python {', '.join(f'{a}.{b}' for a, b in sorted(tags))}"
        yield Problem("runtime", "error", what, "build all of them for the function's runtime")
    elif python is None and tags and min(tags) < OLDEST:
        yield Problem("runtime", "error", f"{examined.short(tags[min(tags)])} is built for a Python without SnapStart")


def _handler(examined: Examined) -> Iterator[Problem]:
    """A handler that can be loaded."""
    given, handler = examined.given, examined.handler
    if given is None:
        what = "no handler was given: whether it imports snapstart_hooks, and which hooks nobody imports, is not known"
        yield Problem("handler", "note", what, "give --handler as in the function's configuration")
        return
    if given == STANDING_IN and handler is None:
        remedy = "give --env SNAPSTART_HOOKS_HANDLER=app.lambda_handler, as in the function's configuration"
        yield Problem("handler", "error", f"{STANDING_IN} needs the variable SNAPSTART_HOOKS_HANDLER", remedy)
        return
    module, _, name = (handler or "").rpartition(".")
    if ":" in given or not module:
        yield Problem(
            "handler", "error", f"{given!r} is no handler", "give module.function, such as app.lambda_handler"
        )
        return
    file = _imports.located(module, examined.path)
    if file is None:
        what = f"the handler's module {module!r} is not in {examined.artifact.given}"
        yield Problem("handler", "error", what, "put the function's code at the top of the archive")
        return
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        yield Problem("handler", "error", f"{examined.short(file)} cannot be parsed: {error}", "mend it")
        return
    star = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree))
    if not star and name not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | set(_bound(tree)):
        what = f"{examined.short(file)} has no {name!r}"
        yield Problem("handler", "error", what, "name the function that Lambda is to call")


def _bound(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


def _activated(examined: Examined) -> Iterator[Problem]:
    """Our package, imported by the function; AWS's, which runs it."""
    path = examined.path
    if _imports.located("snapstart_hooks", path) is None:
        remedy = "add it to the function's requirements, or as a layer: --layer FOLDER examines it, too"
        yield Problem("activation", "error", f"snapstart_hooks is not in {examined.artifact.given}", remedy)
    elif examined.imported and examined.given != STANDING_IN:
        outside = {name for name in examined.imported if name.partition(".")[0] == "snapstart_hooks"}
        if not outside:
            what = f"nothing that {examined.handler} imports imports snapstart_hooks: no hook of a library would run"
            remedy = f"import snapstart_hooks in {examined.handler}'s module, or set the handler to {STANDING_IN} and "
            yield Problem("activation", "error", what, f"{remedy}SNAPSTART_HOOKS_HANDLER to {examined.handler}")
    has = _imports.located("snapshot_restore_py", path)
    if has is None and examined.artifact.image:
        what = "snapshot_restore_py is not in the image, so nothing runs the hooks"
        yield Problem(
            "activation", "error", what, "pip install awslambdaric snapshot-restore-py, or take AWS's base image"
        )
    for name in sorted(MANAGED - {"boto3", "botocore", "jmespath", "s3transfer"}):
        if not examined.artifact.image and (file := _imports.located(name, path)) is not None:
            what = f"{examined.short(file)} takes the place of the managed runtime's own {name}"
            yield Problem("activation", "warning", what, f"leave {name} out: Lambda has it")


def _metadata(examined: Examined) -> Iterator[Problem]:
    """Metadata that were stripped, or left behind by an older installation."""
    severity: Severity = "note" if examined.frozen else "error"
    beside = f"; {NAME} tells what was declared" if examined.frozen else ""
    for metadata in examined.metadata:
        lost = [file for file in _record(metadata) if file.name == "entry_points.txt" and not file.exists()]
        if lost:
            what = f"{examined.short(metadata)} has lost its entry_points.txt, and with it what hooks it declares"
            yield Problem("metadata", severity, what + beside, "" if examined.frozen else KEEP)
    named = {normalise(each.stem.partition("-")[0]) for each in examined.metadata}
    if _imports.located("snapstart_hooks", examined.path) is not None and "snapstart-hooks" not in named:
        what = "the *.dist-info of snapstart_hooks is stripped, and probably that of others"
        yield Problem("metadata", severity, what + beside, "" if examined.frozen else KEEP)
    for folder, name, versions in _twice(examined.metadata):
        what = f"{name} has metadata of {len(versions)} versions in {examined.short(folder)}: {', '.join(versions)}"
        remedy = "install into an empty folder: `pip install --target --upgrade` leaves the old ones behind"
        yield Problem("metadata", "warning", what, remedy)
    for each in examined.found.skipped:
        if each.endswith(NAME):
            continue  # what the manifest lacks is told as such
        yield Problem("metadata", "warning", f"hooks left out: {each}", "remove what is not to be used")
    for each in examined.found.warnings:
        yield Problem("manifest", "error", each)


def _twice(metadata: Iterable[Path]) -> Iterator[tuple[Path, str, list[str]]]:
    spots: dict[tuple[Path, str], list[str]] = defaultdict(list)
    for each in metadata:
        name, _, version = each.stem.partition("-")
        spots[each.parent, normalise(name)].append(version)
    yield from ((folder, name, sorted(versions)) for (folder, name), versions in spots.items() if len(versions) > 1)


def _shadowed(examined: Examined) -> Iterator[Problem]:
    """Packages that lie in several places, of which the first is imported."""
    tops: dict[str, list[Path]] = defaultdict(list)
    loader = str(examined.artifact.task) if examined.artifact.nested else ""  # which holds what unpacks the rest
    for entry in (Path(each) for each in examined.path if each != loader):
        for file in sorted(entry.iterdir()) if entry.is_dir() else ():
            if (file.suffix == ".py" or (file / "__init__.py").is_file()) and file.stem.isidentifier():
                tops[file.stem].append(file)
    for name, files in sorted(tops.items()):
        if len(files) > 1 and name not in MANAGED:
            what = f"{name} lies in {len(files)} places, and {examined.short(files[0])} is imported, not "
            what += ", ".join(map(examined.short, files[1:]))
            yield Problem("shadowed", "warning", what, "deploy it once, in the function or in one layer")
    for entry in map(Path, examined.path):
        for file in sorted([*entry.glob("__editable__*"), *entry.glob("*.egg-link")]):
            remedy = "install the project itself, without --editable"
            what = f"{examined.short(file)}: an editable installation leads to a folder that Lambda does not have"
            yield Problem("shadowed", "error", what, remedy)


def _providers(examined: Examined) -> Iterator[Problem]:
    """Providers that can be loaded, and those that nothing declares."""
    loaded = _loaded(examined) if examined.load and examined.found.declared else {}
    if isinstance(loaded, str):
        yield Problem("providers", "warning", f"the providers could not be tried: {loaded}", "")
    said: dict[str, str | None] = {} if isinstance(loaded, str) else loaded
    for each in examined.found.declared:
        error = each.fault or said.get(each.info.name)
        if not error and not digest(each.info.value, examined.path):
            module = each.info.value.partition("[")[0].partition(":")[0].strip()
            error = f"provider {each.info.name} ({each.info}): there is no module {module!r} in the artifact"
        if error:
            remedy = "deploy what it needs, or leave it out with SNAPSTART_HOOKS_DISABLE=" + each.info.name
            yield Problem("providers", "error", error, remedy)
    declared = {each.info.value.partition("[")[0].partition(":")[0].strip() for each in examined.found.declared}
    known = {file for module in declared if (file := _imports.located(module, examined.path)) is not None}
    for file in _candidates(examined):
        if file not in known:
            what = f"{examined.short(file)} looks like hooks that a library ships, and nothing declares them"
            yield Problem("providers", "warning", what, f"were its metadata stripped? {KEEP}")


def _candidates(examined: Examined) -> Iterator[Path]:
    """Modules with functions of the contract's names at their top."""
    for entry in examined.path:
        for file in sorted(Path(entry).rglob("*.py")):
            if "snapstart_hooks" in file.parts or not _CONTRACT.search(file.read_bytes()):
                continue
            tree = _imports.parsed(file)
            functions = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
            if {"before_snapshot", "after_restore"} & {*functions} and not declarations(tree, str(file)):
                yield file


_CONTRACT: Final = re.compile(rb"(?m)^(async )?def (before_snapshot|after_restore)\b")


def _loaded(examined: Examined) -> dict[str, str | None] | str:
    """What loading each provider says, in an interpreter of its own; or why that could not be asked."""
    if examined.python is not None and examined.python != sys.version_info[:2]:
        return f"the function has Python {'.'.join(map(str, examined.python))}, and this is another"
    ours = str(Path(snapstart_hooks.__file__).parents[1])
    others = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    question = {"ours": [ours, *others], "path": examined.path, "by_hand": examined.by_hand}
    program = [sys.executable, "-I", str(Path(__file__).with_name("_probe_providers.py"))]
    environ = {**os.environ, **examined.environ}
    try:
        done = subprocess.run(
            program,
            input=json.dumps(question),
            env=environ,
            capture_output=True,
            text=True,
            timeout=_LOADING,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"loading them took more than {_LOADING:g} s"
    try:
        answer: dict[str, str | None] = json.loads(done.stdout)
    except ValueError:
        return f"the interpreter ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}"
    return answer


def _unimported(examined: Examined) -> Iterator[Problem]:
    """Hooks of the application that never register, because nobody imports their module."""
    if not examined.imported:
        return
    declared = {_imports.located(each.info.value.partition(":")[0], examined.path) for each in examined.found.declared}
    for file in sorted(examined.artifact.task.rglob("*.py")):
        known = file in examined.imported.values() or file in declared or file in examined.claimed
        if known or "snapstart_hooks" in file.parts or not _REGISTERS.search(file.read_bytes()):
            continue
        if hooks := declarations(_imports.parsed(file), str(file)):
            number = f"{len(hooks)} hook{'s' * (len(hooks) != 1)}"
            what = f"{examined.short(file)} declares {number}, and nothing that {examined.handler} imports imports it"
            yield Problem("unimported", "error", what, "import it in the handler's module")


_REGISTERS: Final = re.compile(rb"\b(snapstart_hooks|snapshot_restore_py)\b")


def _openssl(examined: Examined) -> Iterator[Problem]:
    """OpenSSL of other makers than Lambda's, whose generator is the same in every clone."""
    if any(".integrations.openssl" in each.info.value for each in examined.found.declared):
        return  # our own hooks seed every copy anew
    found: dict[str, str] = {}
    for entry in examined.path if not examined.artifact.image else examined.path[:1]:
        for file in sorted(Path(entry).rglob("libcrypto*.so*")):
            found.setdefault(file.parent.name.removesuffix(".libs"), examined.short(file))
        for file in sorted(Path(entry).glob("cryptography/hazmat/bindings/_rust*.so")):
            found.setdefault("cryptography", examined.short(file))
    for name, place in found.items():
        what = f"{name} brings an OpenSSL of its own ({place}), which a restore does not reseed"
        remedy = "the hooks of snapstart_hooks seed it: see that they are found, or let a hook call its RAND_add"
        yield Problem("openssl", "warning", what, remedy)


def _lint(examined: Examined) -> Iterator[Problem]:
    """What the linter finds in the function's own source."""
    for file in examined.own_files():
        if examined.imported and file not in examined.imported.values():
            continue
        try:
            findings = check(ast.parse(file.read_bytes()), str(file))
        except (SyntaxError, ValueError, RecursionError):
            continue
        for each in findings:
            what = f"{examined.short(file)}:{each.line}: {each.code} {each.text}"
            yield Problem("lint", "warning", what, f"or say why it is right: # noqa: {each.code}")


def _sizes(examined: Examined) -> Iterator[Problem]:
    """Lambda's limits."""
    artifact = examined.artifact
    for name, size in artifact.packed:
        if size > ZIP_LIMIT:
            what = f"{name} has {size / 2**20:.0f} MB, and {ZIP_LIMIT / 2**20:.0f} MB can be uploaded directly"
            yield Problem("sizes", "warning", what, "upload it through S3")
    if len(artifact.layers) > LAYERS_LIMIT:
        yield Problem("sizes", "error", f"{len(artifact.layers)} layers: {LAYERS_LIMIT} are allowed", "merge some")
    roots = (artifact.task, *artifact.layers)
    size = sum(
        file.stat().st_size for root in roots for file in root.rglob("*") if file.is_file() and not file.is_symlink()
    )
    limit = IMAGE_LIMIT if artifact.image else UNZIPPED_LIMIT
    if size > limit:
        what = f"unpacked it has {size / 2**20:,.0f} MB: {limit / 2**20:,.0f} MB are allowed"
        yield Problem("sizes", "error", what, "leave out what is not used, or deploy an image")
    for number, name in enumerate(artifact.nested):
        size = _size(Path(examined.path[number]))
        if size > TMP_LIMIT:
            what = f"{name} unpacks to {size / 2**20:,.0f} MB in /tmp, which has 512 MB under SnapStart"
            yield Problem("sizes", "error", what, "leave out what is not used, or deploy an image")


def _size(root: Path) -> int:
    return sum(file.lstat().st_size for file in root.rglob("*") if file.is_symlink() or file.is_file())


CHECKS: Final[Mapping[str, Callable[[Examined], Iterator[Problem]]]] = {
    "runtime": _runtime,
    "handler": _handler,
    "activation": _activated,
    "metadata": _metadata,
    "shadowed": _shadowed,
    "providers": _providers,
    "unimported": _unimported,
    "openssl": _openssl,
    "lint": _lint,
    "sizes": _sizes,
}
"""The questions, in the order in which they are asked."""
