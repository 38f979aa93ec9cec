"""Checks of an artifact by its files: one function for each check."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import stat
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import snapstart_hooks
from snapstart_hooks._discovery import find
from snapstart_hooks._foreign import printable
from snapstart_hooks._hook import normalise
from snapstart_hooks._manifest import NAME, digest
from snapstart_hooks._pages import page
from snapstart_hooks.cli import _imports
from snapstart_hooks.cli._artifact import links
from snapstart_hooks.cli._terminal import count
from snapstart_hooks.lint import check, declarations
from snapstart_hooks.lint._project import is_own

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from snapstart_hooks.cli._artifact import Artifact

__all__ = ("CHECKS", "SEVERITIES", "Examined", "Problem", "Severity", "examine")

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")
Found: TypeAlias = "Iterator[tuple[Severity, str, str]]"
"""What a check yields: severity, message and remedy of each problem."""

OLDEST: Final = (3, 12)
"""The oldest Python with SnapStart (https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html)."""
UNZIPPED_LIMIT: Final = 250 * 2**20
"""The largest size in bytes of a function with its layers, unpacked (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""
ZIP_LIMIT: Final = 50 * 2**20
"""The largest size in bytes of an archive that is uploaded directly."""
LAYERS_LIMIT: Final = 5
IMAGE_LIMIT: Final = 10 * 2**30
TMP_LIMIT: Final = 512 * 2**20
"""The size in bytes of ``/tmp`` of a function with SnapStart."""

HANDLER: Final = "snapstart_hooks.runtime.handler.lambda_handler"
MANAGED: Final = frozenset(("awslambdaric", "boto3", "botocore", "jmespath", "s3transfer", "snapshot_restore_py"))
"""The packages that the managed runtime has in ``/var/runtime``."""
_LOAD_TIMEOUT: Final = 60.0
"""The seconds that loading all providers together may take."""

KEEP: Final = (
    f"run `snapstart-hooks freeze --target BUILD` before the packager, which puts {NAME} into the build; or let the "
    "packager keep *.dist-info: serverless-python-requirements without `slim`, or with slimPatternsAppendDefaults: "
    f"false and patterns without dist-info; Zappa with an `exclude` of your own. See {page('packaging')}"
)


@dataclass(frozen=True)
class Problem:
    """A problem of an artifact.

    Attributes:
        check: The check that found the problem, one of `CHECKS`.
        severity: An ``error`` breaks the function or loses a hook, a ``warning`` may do so, a ``note`` does not.
        message: What is wrong, and where.
        remedy: What to do; empty for a note that asks for nothing.
    """

    check: str
    severity: Severity
    message: str
    remedy: str


class Examined:
    """An artifact, with the facts that several checks use."""

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
        wrapped = self.environ.get("SNAPSTART_HOOKS_HANDLER", "").strip() if handler == HANDLER else handler
        self.handler: Final = (wrapped or "").replace("/", ".") or None
        self.found: Final = find(self.path, thorough=True)
        by_hand = self.environ.get("SNAPSTART_HOOKS_PROVIDERS", "")
        self.by_hand: Final = [each.strip() for each in by_hand.split(",") if each.strip()]
        self.found.by_hand(self.by_hand)
        self.unread: Final = [each.fault for each in self.found.declared if each.info.name == NAME]
        self.found.declared = [each for each in self.found.declared if each.info.name != NAME]
        self.frozen: Final = not self.unread and any(_imports.is_file(Path(entry, NAME)) for entry in self.path)
        module = "" if ":" in (self.handler or "") else (self.handler or "").rpartition(".")[0]
        self.imported: Final = _imports.closure(module, self.path) if module else {}
        self.source: Final = all(file.suffix == ".py" for file in self.imported.values())
        self.metadata: Final = [
            each
            for entry in self.path
            for kind in ("dist-info", "egg-info")
            for each in sorted(Path(entry).glob(f"*.{kind}"))
        ]
        # What was installed beside the function, and what is its own source; what several functions share is both.
        self.claimed: Final[set[Path]] = set()
        self.own: Final[set[Path]] = set()
        for metadata in self.metadata:
            files = {*_record(metadata)}
            if not (has_handler := self.imported.get(module) in files):
                self.claimed.update(files)
            if has_handler or is_own(metadata):
                self.own.update(files)

    def files(self) -> list[Path]:
        """Return the source files in the function's folder, and its own wherever they were installed; not ours."""
        own = {file for file in self.own if file.suffix == ".py" and _imports.is_file(file)}
        files = sorted(own.union(self.artifact.task.rglob("*.py")))
        return [file for file in files if "snapstart_hooks" not in self.short(file).split("/")]

    def own_files(self) -> Iterator[Path]:
        """Find the source files of the function itself, without those of installed libraries."""
        top = (self.handler or "").partition(".")[0]
        for file in self.files():
            if self.own or self.claimed or not top:
                own = file in self.own or not (file in self.claimed or _LIBRARY.search(self.short(file)))
            else:  # metadata were stripped, so nobody knows what was installed
                own = file.relative_to(self.artifact.task).parts[0] in {top, f"{top}.py"}
            if own:
                yield file

    def modules(self) -> set[str]:
        """Return the modules that declared providers name."""
        return {_module(each.info.value) for each in self.found.declared}

    def short(self, file: Path) -> str:
        """Return the path that a file has on Lambda."""
        nested = [(Path(entry), "/tmp/*") for entry in self.path[: len(self.artifact.nested)]]  # noqa: S108
        image = [(self.artifact.image, "")] if self.artifact.image else []
        layers = [(each, "/opt") for each in self.artifact.layers]
        for root, name in (*nested, *image, (self.artifact.task, "/var/task"), *layers):
            if file.is_relative_to(root):
                return f"{name}/{file.relative_to(root)}".removesuffix("/.")
        return file.name


def _module(value: str) -> str:
    return value.partition("[")[0].partition(":")[0].strip()


_LIBRARY: Final = re.compile(r"(^|/)(site-packages|dist-packages|node_modules|\.venv)/")


def _record(metadata: Path) -> Iterator[Path]:
    """Return the files that a distribution installed, by its ``RECORD``."""
    try:
        lines = _imports.content(metadata / "RECORD").decode(errors="replace").splitlines()
        yield from (metadata.parent / row[0] for row in csv.reader(lines) if row)
    except csv.Error:
        return


def examine(examined: Examined) -> list[Problem]:
    """Run all checks; return the problems, errors first."""
    library = examined.artifact.given.endswith(".whl")  # which has no handler, and need not import this package
    checks = {name: check for name, check in CHECKS.items() if not (library and name in {"handler", "activation"})}
    problems = [Problem(name, *_told(*found)) for name, check in checks.items() for found in check(examined)]
    return sorted(problems, key=lambda each: SEVERITIES.index(each.severity))


def _told(severity: Severity, message: str, remedy: str) -> tuple[Severity, str, str]:
    """Return a problem without what names of files and metadata could do to a terminal or a log."""
    return severity, printable(message), printable(remedy)


def _runtime(examined: Examined) -> Found:
    """Check that SnapStart supports the Python, and that compiled modules are built for it."""
    python = examined.python
    if python is not None and python < OLDEST:
        message = f"SnapStart does not support Python {_dotted(python)}"
        yield "error", message, "use the runtime python3.12 or a newer one"
    built_for: dict[tuple[int, int], Path] = {}
    for entry in examined.path:
        for file in Path(entry).rglob("*.cpython-3*.so"):
            if match := re.search(r"\.cpython-3(\d+)", file.name):
                built_for.setdefault((3, int(match[1])), file)
    versions = ", ".join(map(_dotted, sorted(built_for)))
    if python is not None:
        for version in sorted(built_for.keys() - {python}):
            module = examined.short(built_for[version])
            message = f"{module} is built for Python {_dotted(version)}, and the function's is {_dotted(python)}"
            install = f"pip install --python-version {_dotted(python)} --only-binary=:all: ..."
            yield "error", message, f"install it for the function's Python: {install}"
    elif len(built_for) > 1:
        message = f"compiled modules are built for several versions of Python: {versions}"
        yield "error", message, "install all of them for the function's Python"
    elif built_for and min(built_for) < OLDEST:
        message = f"{examined.short(built_for[min(built_for)])} is built for Python {versions}, without SnapStart"
        yield "error", message, "install it for Python 3.12 or a newer one"


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _handler(examined: Examined) -> Found:
    """Check that the handler can be loaded."""
    given, handler, image = examined.given, examined.handler, examined.artifact.image
    if given is None:
        message = "without a handler nobody knows what the function imports, so two checks are left out"
        yield "note", message, "give --handler as in the function's configuration"
        return
    if given == HANDLER and handler is None:
        remedy = "give --env SNAPSTART_HOOKS_HANDLER=app.lambda_handler, as in the function's configuration"
        yield "error", f"the handler {HANDLER} needs the variable SNAPSTART_HOOKS_HANDLER", remedy
        return
    module, _, name = (handler or "").rpartition(".")
    if ":" in given or not module:
        yield "error", f"{given!r} is not a handler", "give module.function, such as app.lambda_handler"
        return
    file = _imports.located(module, examined.path)
    if file is None:
        message = f"{examined.artifact.given} does not contain the handler's module {module!r}"
        workdir = "give the folder of the image from which the function is started, its WORKDIR"
        yield "error", message, workdir if image else "put the function's code at the top of the archive"
        return
    if file.suffix != ".py":
        message = f"{examined.short(file)} is compiled, so what the function imports is not known"
        yield "note", message, "examine the source, too, before it is compiled"
        return
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        unread = isinstance(error, OSError)
        message = f"{examined.short(file)} cannot be {'read' if unread else 'parsed'}: {error}"
        yield "error", message, "chmod a+r it before it is packed" if unread else "correct the syntax"
        return
    star = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree))
    if not star and name not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | set(_bound(tree)):
        message = f"{examined.short(file)} defines no {name!r}"
        yield "error", message, "give the name of the function that Lambda is to call"


def _bound(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


def _activation(examined: Examined) -> Found:
    """Check that the function imports this package, and that AWS's package is there to run the hooks."""
    path, artifact = examined.path, examined.artifact
    imported = {name.partition(".")[0] for name in examined.imported}
    if _imports.located("snapstart_hooks", path) is None:
        remedy = "add snapstart-hooks to the function's requirements; if a layer contains it, give --layer"
        yield "error", f"{artifact.given} does not contain snapstart_hooks", remedy
    elif examined.imported and examined.source and examined.given != HANDLER and "snapstart_hooks" not in imported:
        handler = examined.handler
        message = f"nothing that {handler} imports imports snapstart_hooks: no hook of a library would run"
        remedy = f"import snapstart_hooks in the module of {handler}, or set the function's handler to {HANDLER} "
        yield "error", message, f"{remedy}and its variable SNAPSTART_HOOKS_HANDLER to {handler}"
    if artifact.image:
        if _imports.located("snapshot_restore_py", path) is None:
            remedy = "pip install awslambdaric snapshot-restore-py, or use a base image of AWS"
            yield "error", "the image does not contain snapshot_restore_py, so nothing runs the hooks", remedy
        return
    for name in ("awslambdaric", "snapshot_restore_py"):
        if (file := _imports.located(name, path)) is not None:
            message = f"{examined.short(file)} replaces the managed runtime's own {name}"
            yield "warning", message, f"leave {name} out of the package: Lambda has it"


def _metadata(examined: Examined) -> Found:
    """Find metadata that were stripped, or that an older installation left behind."""
    severity: Severity = "note" if examined.frozen else "error"
    frozen = f"; {NAME} lists the hooks" if examined.frozen else ""
    remedy = "" if examined.frozen else KEEP
    for metadata in examined.metadata:
        if any(file.name == "entry_points.txt" and not file.exists() for file in _record(metadata)):
            message = f"{examined.short(metadata)} has lost its entry_points.txt, which declares the hooks"
            yield severity, message + frozen, remedy
    named = {normalise(each.stem.partition("-")[0]) for each in examined.metadata}
    if _imports.located("snapstart_hooks", examined.path) is not None and "snapstart-hooks" not in named:
        message = "the *.dist-info of snapstart_hooks was stripped, and probably that of other libraries"
        yield severity, message + frozen, remedy
    for entry in examined.artifact.doubled:
        message = f"{examined.artifact.given} has {entry} several times; the last one is taken here"
        yield "warning", message, "pack it anew, into an archive that does not exist yet"
    for folder, name, versions in _duplicates(examined.metadata):
        message = f"{examined.short(folder)} has metadata of {len(versions)} versions of {name}: {', '.join(versions)}"
        yield "warning", message, "install into an empty folder: `pip install --target --upgrade` leaves old metadata"
    for skipped in examined.found.skipped:
        if not skipped.reason.endswith(NAME):  # the check of the manifest reports the others
            yield "warning", f"hooks left out: {skipped}", "remove the metadata that are not used"


def _duplicates(metadata: Iterable[Path]) -> Iterator[tuple[Path, str, list[str]]]:
    spots: dict[tuple[Path, str], list[str]] = defaultdict(list)
    for each in metadata:
        name, _, version = each.stem.partition("-")
        spots[each.parent, normalise(name)].append(version)
    yield from ((folder, name, sorted(versions)) for (folder, name), versions in spots.items() if len(versions) > 1)


def _manifest(examined: Examined) -> Found:
    """Compare the manifest with the metadata."""
    for difference in (*examined.unread, *examined.found.warnings):
        yield "error", difference, "run `snapstart-hooks freeze` on the build again, and review what changed"
    if examined.frozen:
        given = {
            each.info.name: each.frozen for each in examined.found.declared if each.info.name not in examined.by_hand
        }
        for name in (name for name, frozen in given.items() if not frozen):
            message = f"the manifest has no digest of {name}, so its code may be any"
            yield "warning", message, "run `snapstart-hooks freeze` on the build again"


def _shadowed(examined: Examined) -> Found:
    """Find packages that lie in several places, of which the first is imported."""
    tops: dict[str, list[Path]] = defaultdict(list)
    loader = str(examined.artifact.task) if examined.artifact.nested else ""  # which contains what unpacks the rest
    for entry in (Path(each) for each in examined.path if each != loader):
        for file in sorted(entry.iterdir()) if entry.is_dir() else ():
            module = file.suffix == ".py" and _imports.is_file(file)
            if (module or _imports.is_file(file / "__init__.py")) and file.stem.isidentifier():
                tops[file.stem].append(file)
    for name, (first, *others) in sorted(tops.items()):
        if others and name not in MANAGED:
            message = f"{name} lies in {1 + len(others)} places: {examined.short(first)} is imported, not "
            message += ", ".join(map(examined.short, others))
            yield "warning", message, "deploy it once, in the function or in one layer"
    for entry in map(Path, examined.path):
        leading = {file for file in entry.glob("*.pth") if _LEADS_ON.search(_imports.content(file))}
        there = {file for file in leading if links(file, examined.artifact.image)}
        for file in sorted({*entry.glob("__editable__*"), *entry.glob("*.egg-link"), *leading} - there):
            message = f"{examined.short(file)}: an editable installation refers to a folder that Lambda does not have"
            yield "error", message, "install the project without --editable"


_LEADS_ON: Final = re.compile(rb"(?m)^(/|[A-Za-z]:)")
"""A line of a ``.pth`` file that is a folder of the machine on which the package was built."""


def _providers(examined: Examined) -> Found:
    """Check that providers can be loaded, and find those that nothing declares."""
    loaded = _loaded(examined) if examined.load and examined.found.declared else {}
    if isinstance(loaded, str):
        remedy = "run this command with the function's Python, or give --no-load"
        yield "warning", f"the providers could not be loaded: {loaded}", remedy
    errors: dict[str, str | None] = {} if isinstance(loaded, str) else loaded
    declared = examined.modules()
    missing: dict[str, list[str]] = defaultdict(list)
    for each in examined.found.declared:
        info = each.info
        code = "" if each.fault else digest(info.value, examined.path)
        if not each.fault and not code:
            missing[info.distribution or info.name].append(_module(info.value))
            continue
        error = each.fault or errors.get(info.name)
        if not error and each.frozen not in {"", code}:
            error = f"provider {info.name} ({info}): its module is not the one that was frozen"
        if error:
            yield "error", error, f"deploy what it needs, or leave it out: SNAPSTART_HOOKS_DISABLE={info.name}"
    for name, (first, *others) in missing.items():
        more = f" and {len(others)} more" * bool(others)
        message = f"hooks of {name}: {examined.artifact.given} does not contain the module {first!r}{more}"
        disable = f"SNAPSTART_HOOKS_DISABLE={name}"
        yield (
            "error",
            message,
            f"deploy it, or give the layer that contains it with --layer, or leave it out: {disable}",
        )
    known = {file for module in declared if (file := _imports.located(module, examined.path)) is not None}
    for file in _candidates(examined):
        if file not in known:
            message = f"{examined.short(file)} looks like the hooks of a library, and nothing declares them"
            yield "warning", message, f"if its metadata were stripped, {KEEP}"


def _candidates(examined: Examined) -> Iterator[Path]:
    """Find modules that define a function ``before_snapshot`` or ``after_restore``."""
    for entry in examined.path:
        for file in sorted(Path(entry).rglob("*.py")):
            ours = "snapstart_hooks" in file.relative_to(entry).parts
            if ours or not _CONTRACT.search(_imports.content(file)):
                continue
            tree = _imports.parsed(file)
            functions = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
            if {"before_snapshot", "after_restore"} & {*functions} and not declarations(tree, str(file)):
                yield file


_CONTRACT: Final = re.compile(rb"(?m)^(async )?def (before_snapshot|after_restore)\b")


def _loaded(examined: Examined) -> dict[str, str | None] | str:
    """Load each provider in an interpreter of its own.

    Returns:
        The error of each provider, by its name; or the reason for which none could be loaded.
    """
    if examined.python is not None and examined.python != sys.version_info[:2]:
        return f"the function's Python is {_dotted(examined.python)}, and this is {_dotted(sys.version_info[:2])}"
    package = str(Path(snapstart_hooks.__file__).parents[1])
    others = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    request = {"ours": [package, *others], "path": examined.path, "by_hand": examined.by_hand}
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(Path(__file__).with_name("_probe_providers.py"))],
            input=json.dumps(request),
            env={**os.environ, **examined.environ},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_LOAD_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"loading them took more than {_LOAD_TIMEOUT:g} s"
    try:
        errors: dict[str, str | None] = json.loads(done.stdout)
    except ValueError:
        return f"the interpreter ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}"
    return errors


def _unimported(examined: Examined) -> Found:
    """Find hooks of the application that are never registered, because nothing imports their module."""
    if not examined.imported or not examined.source:
        return
    declared = {_imports.located(module, examined.path) for module in examined.modules()}
    known = declared | examined.claimed | {*examined.imported.values()}
    others = _imported_by_others(examined, known)
    for file in (each for each in examined.files() if each not in known):
        if not _REGISTERS.search(_imports.content(file)):
            continue
        if hooks := declarations(_imports.parsed(file), str(file)):
            declares = f"{examined.short(file)} declares {count(len(hooks), 'hook')}"
            message = f"{declares}, and nothing that {examined.handler} imports imports that module"
            if file in others:
                yield "note", f"{message}, but what looks like another function does", ""
            else:
                yield "error", message, "import it in the handler's module"


def _imported_by_others(examined: Examined, known: Collection[Path | None]) -> set[Path]:
    """Find what is imported by modules with a handler of the same name: one build may be that of several functions."""
    name, task = (examined.handler or "").rpartition(".")[2], examined.artifact.task
    found: set[Path] = set()
    for file in (each for each in examined.files() if each not in known and each.is_relative_to(task)):
        if name.encode() in _imports.content(file) and name in _bound(_imports.parsed(file)):
            module = ".".join(file.relative_to(task).with_suffix("").parts)
            found.update(_imports.closure(module, examined.path).values())
    return found


_REGISTERS: Final = re.compile(rb"\b(snapstart_hooks|snapshot_restore_py)\b")


def _openssl(examined: Examined) -> Found:
    """Find copies of OpenSSL beside that of Lambda, whose random numbers are the same in every clone."""
    if any(".integrations.openssl" in each.info.value for each in examined.found.declared):
        return  # the hooks of this package reseed every copy
    found: dict[str, str] = {}
    for entry in examined.path if not examined.artifact.image else examined.path[:1]:
        for file in sorted(Path(entry).rglob("libcrypto*.so*")):
            found.setdefault(file.parent.name.removesuffix(".libs"), examined.short(file))
        for file in sorted(Path(entry).glob("cryptography/hazmat/bindings/_rust*.so")):
            found.setdefault("cryptography", examined.short(file))
    for name, place in found.items():
        remedy = (
            "let the hooks of snapstart_hooks be found, which reseed it, or call its RAND_add in an after_restore hook"
        )
        yield "warning", f"{name} contains its own OpenSSL ({place}), which a restore does not reseed", remedy


def _lint(examined: Examined) -> Found:
    """Run the linter on the function's own source."""
    for file in examined.own_files():
        if examined.imported and file not in examined.imported.values():
            continue
        for each in check(_imports.parsed(file), str(file)):
            message = f"{examined.short(file)}:{each.line}: {each.code} {each.text}"
            yield "warning", message, f"if the code is right, say why: # noqa: {each.code} REASON"


def _files(examined: Examined) -> Found:
    """Find files that the user as which Lambda runs a function may not read."""
    if examined.artifact.given.endswith(".whl"):
        return  # an installer makes them anew
    roots = (examined.artifact.task, *examined.artifact.layers)
    hidden = [examined.short(file) for root in roots for file in sorted(root.rglob("*")) if _hidden(file)]
    if hidden:
        others = f" and {len(hidden) - 1} more" * (len(hidden) > 1)
        message = f"{hidden[0]}{others} cannot be read by others than the owner, and Lambda runs functions as another"
        yield "warning", message, "chmod -R a+rX BUILD before it is packed"


def _hidden(file: Path) -> bool:
    try:
        mode = file.lstat().st_mode
    except OSError:
        return True
    needed = 0o005 if stat.S_ISDIR(mode) else 0o004 if stat.S_ISREG(mode) else 0
    return mode & needed != needed


def _sizes(examined: Examined) -> Found:
    """Check the limits of Lambda."""
    artifact = examined.artifact
    smaller = "leave out what is not used, or deploy an image"
    for name, size in artifact.packed:
        if size > ZIP_LIMIT:
            message = f"{name} has {_megabytes(size)}; an upload without S3 may have {_megabytes(ZIP_LIMIT)}"
            yield "warning", message, "upload it through S3"
    if (number := len(artifact.layers)) > LAYERS_LIMIT:
        yield "error", f"there are {number} layers; a function may have {LAYERS_LIMIT}", "merge some of them"
    roots = (artifact.image,) if artifact.image else (artifact.task, *artifact.layers)
    size = sum(
        file.lstat().st_size
        for root in roots
        for file in root.rglob("*")
        if _imports.is_file(file) and not file.is_symlink()
    )
    limit = IMAGE_LIMIT if artifact.image else UNZIPPED_LIMIT
    if size > limit:
        yield "error", f"unpacked it has {_megabytes(size)}; Lambda allows {_megabytes(limit)}", smaller
    for number, name in enumerate(artifact.nested):
        size = sum(file.lstat().st_size for file in Path(examined.path[number]).rglob("*") if _imports.is_file(file))
        if size > TMP_LIMIT:
            message = f"{name} unpacks to {_megabytes(size)} in /tmp, which has {_megabytes(TMP_LIMIT)} with SnapStart"
            yield "error", message, smaller


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"


CHECKS: Final[Mapping[str, Callable[[Examined], Found]]] = {
    "runtime": _runtime,
    "handler": _handler,
    "activation": _activation,
    "metadata": _metadata,
    "manifest": _manifest,
    "shadowed": _shadowed,
    "providers": _providers,
    "unimported": _unimported,
    "openssl": _openssl,
    "lint": _lint,
    "files": _files,
    "sizes": _sizes,
}
"""The checks, in their order."""
