"""``snapstart-hooks freeze``: write the manifest of the hooks in a build, or check it."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

from snapstart_hooks._discovery import Declared, Found, installed
from snapstart_hooks._foreign import items
from snapstart_hooks._hook import ProviderInfo, normalise
from snapstart_hooks._manifest import FORMAT, NAME, Manifest, digest
from snapstart_hooks._pages import page
from snapstart_hooks.cli import _errors
from snapstart_hooks.cli._arguments import add_json, add_layer, given_path
from snapstart_hooks.cli._artifact import existing_folder, layer_folders
from snapstart_hooks.cli._errors import CommandError
from snapstart_hooks.cli._terminal import count

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

DESCRIPTION: Final = f"""\
Write the hooks that installed libraries ship to {NAME}, a manifest in the build.
With the manifest the hooks are found although a packager strips *.dist-info, and no other
hooks are loaded: hooks are other people's code, which runs when a version is published and
after each restore. Nothing is imported.
"""
EPILOG: Final = f"""\
examples:
  pip install --target build -r requirements.txt
  snapstart-hooks freeze --target build                            # before it is packed
  snapstart-hooks freeze --target build --layer layer
  snapstart-hooks freeze --target build --manifest {NAME}   # to be committed
  snapstart-hooks freeze --target build --manifest {NAME} --check   # in CI

A provider that no metadata declares is listed in pyproject.toml, or in the function's
variable SNAPSTART_HOOKS_PROVIDERS=module:object,...

  [tool.snapstart-hooks]
  providers = ["shop.hooks", "legacy_driver.pools:hooks"]

See {page("packaging", "freeze-a-manifest-in-the-build")}

{
    _errors.exit_codes(
        _errors.OK,
        (_errors.PROBLEMS, "--check finds a difference, or a provider cannot be used; nothing is written"),
        (_errors.USAGE, "an argument is wrong, or a file cannot be read or written"),
    )
}"""


_NONE: Final = "none of a library is loaded. Are the libraries in a layer? Give --layer, or freeze no manifest"


class _Options(Protocol):
    """The arguments that `add_arguments` adds."""

    target: str | None
    layer: list[str]
    manifest: str | None
    pyproject: str | None
    check: bool
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand to a parser."""
    parser.add_argument(
        "--target",
        metavar="DIR",
        type=given_path,
        help="the folder of the build (default: the packages of this Python)",
    )
    add_layer(parser)
    parser.add_argument("--manifest", metavar="FILE", help=f"the manifest (default: {NAME} in the build)")
    parser.add_argument(
        "--pyproject", metavar="FILE", help="the file with [tool.snapstart-hooks] (default: ./pyproject.toml)"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the manifest in the file differs")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write or check the manifest; return the exit code."""
    options = cast("_Options", args)
    path = _path(options)
    found = installed(path)
    found.by_hand(_by_hand(options.pyproject))
    frozen = {each.info.name: _entry(each, path) for each in found.declared}
    if not frozen:
        found.warnings.append(f"nothing in it declares hooks, so with this manifest {_NONE}")
    problems = _problems(found, frozen, options)
    file = Path(options.manifest or Path(options.target or ".") / NAME)
    text = _text(frozen.values(), _examined(path or sys.path))
    before = _read(file)
    changes = _changes(before, found.declared, frozen)
    missing = options.check and before is None
    code = _errors.PROBLEMS if problems or (options.check and (changes or missing)) else _errors.OK
    written = not options.check and code == _errors.OK
    if written:
        _write(file, text)
    if options.json:
        report: dict[str, object] = {
            "manifest": str(file),
            "ok": code == _errors.OK,
            "written": written,
            "providers": [*frozen.values()],
            "changes": changes,
            "problems": problems,
            "skipped": [str(each) for each in found.skipped],
            "warnings": found.warnings,
        }
        print(json.dumps(report, indent=2))
        return code
    for line in _listed(frozen.values()):
        print(line)
    for title, lines in (("changed", changes), ("left out", map(str, found.skipped)), ("warning", found.warnings)):
        for line in lines:
            print(f"{title}: {line}")
    for line in problems:
        print(f"error: {line}")
    if missing:
        print(f"error: {file} does not exist: write it with `snapstart-hooks freeze`, and commit it")
    result = "written to" if written else "as frozen in" if code == _errors.OK else "not as frozen in"
    print(f"{count(len(frozen), 'provider')} of hooks {result} {file}")
    if options.check and changes:
        print("Review what changed, then run `snapstart-hooks freeze` without --check and commit the manifest.")
    return code


def _listed(entries: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Describe what each distribution ships, in one line."""
    shipped: dict[str, list[Mapping[str, object]]] = defaultdict(list)
    for each in entries:
        shipped[f"{each.get('distribution', 'declared by hand')} {each.get('version', '')}"].append(each)
    for title, together in shipped.items():
        name = "entry-point" if len(together) > 1 and "entry-point" in together[0] else "value"
        yield f"{title}  {', '.join(str(each[name]) for each in together)}"


def _path(options: _Options) -> list[str] | None:
    """Return ``sys.path`` of the build; ``None`` for that of this Python."""
    if options.target is None:
        if options.layer:
            msg = "--layer needs --target: Lambda searches layers after the function's own folder. Give both"
            raise CommandError(msg)
        return None
    existing_folder(options.target, "--target ", "the folder of the build, before it is packed")
    return [options.target, *layer_folders(options.layer)]


def _by_hand(given: str | None) -> list[str]:
    """Return the providers that ``pyproject.toml`` lists."""
    file = Path(given or "pyproject.toml")
    if given is None and not file.exists():
        return []
    try:
        document: dict[str, object] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{file}: {error}"
        raise CommandError(msg) from error
    settings = _table(_table(document.get("tool")).get("snapstart-hooks"))
    if "providers" not in settings and (near := difflib.get_close_matches("providers", settings, 1)):
        msg = f"{file}: [tool.snapstart-hooks] has {near[0]!r}. Did you mean 'providers'?"
        raise CommandError(msg)
    providers = items(settings.get("providers", []), list)
    names = [each.strip() for each in providers or () if isinstance(each, str) and each.strip()]
    if providers is None or len(names) != len(providers):
        msg = f'{file}: [tool.snapstart-hooks] must have the form providers = ["module:object", ...]'
        raise CommandError(msg)
    return names


def _table(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _entry(declared: Declared, path: list[str] | None) -> dict[str, object]:
    """Return a provider as an entry of the manifest."""
    info = declared.info
    also = sorted(info.names - {normalise(info.name), normalise(info.distribution)})
    entry: dict[str, object] = {"value": info.value, "digest": digest(info.value, path)}
    if info.distribution:
        version = {"version": info.version} if info.version is not None else {}
        entry = {"distribution": info.distribution, **version, "entry-point": info.entry_point, **entry}
    return {**entry, **({"also": also} if also else {})}


def _problems(found: Found, frozen: Mapping[str, Mapping[str, object]], options: _Options) -> list[str]:
    """Return the reasons for which providers cannot be used."""
    problems: list[str] = []
    for each in found.declared:
        if each.fault:
            problems.append(f"{each.info.name} ({each.info}): {each.fault}")
        elif options.target is not None and not frozen[each.info.name]["digest"]:
            where = ", ".join((options.target, *options.layer))
            missing = f"{where} does not contain the module of {each.info.value}. If a layer contains it, give --layer"
            problems.append(f"{each.info.name} ({each.info}): {missing}")
    return problems


def _examined(path: Sequence[str]) -> dict[str, int]:
    """Return the size in bytes of each ``entry_points.txt``, by the name of its metadata folder."""
    sizes: dict[str, int] = {}
    for entry in path:
        for kind in ("dist-info", "egg-info"):
            for file in sorted(Path(entry or ".").glob(f"*.{kind}/entry_points.txt")):
                with contextlib.suppress(OSError, UnicodeEncodeError):  # what is not in it is read when it is needed
                    file.parent.name.encode()
                    sizes.setdefault(file.parent.name, file.stat().st_size)
    return sizes


def _text(entries: object, examined: Mapping[str, int]) -> str:
    """Return the manifest as TOML."""
    lines = [
        "# The hooks of installed libraries, which run when a version is published and after each restore.",
        "# Written by `snapstart-hooks freeze`. Review a change of this file as that of a lock file.",
        f"format = {FORMAT}",
    ]
    for entry in cast("Sequence[Mapping[str, object]]", entries):
        lines += ["", "[[provider]]"]
        lines += [f"{name} = {_quoted(value)}" for name, value in entry.items()]
    lines += ["", "# The metadata that was read: the size in bytes of each entry_points.txt.", "[examined]"]
    lines += [f"{_quoted(name)} = {size}" for name, size in sorted(examined.items())]
    return "\n".join(lines) + "\n"


def _quoted(value: object) -> str:
    """Return a string, or a list of them, as TOML has it: as JSON, but with one more control character escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _read(file: Path) -> Manifest | None:
    if file.exists() and not file.is_file():
        msg = f"{file}: this is not a file, so it cannot be a manifest. Give another with --manifest"
        raise CommandError(msg)
    try:
        return Manifest(file.read_bytes().decode(), str(file))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        msg = f"{file}: this is not a manifest: {error}. Remove the file and run `snapstart-hooks freeze` again"
        raise CommandError(msg) from error


def _write(file: Path, text: str) -> None:
    """Write it whole or not at all: a manifest that was cut off would fail every publication."""
    place = file.resolve()  # a symbolic link stays one
    try:
        mode = place.stat().st_mode & 0o777 if place.exists() else 0o644  # Lambda reads it as another user
        with tempfile.NamedTemporaryFile("wb", dir=place.parent, prefix=f".{NAME}-", delete=False) as beside:
            try:
                beside.write(text.encode())
                beside.flush()
                os.fsync(beside.fileno())
                Path(beside.name).chmod(mode)
                Path(beside.name).replace(place)
            except BaseException:
                Path(beside.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        msg = f"{file}: the manifest cannot be written: {error.strerror}"
        raise CommandError(msg) from error


def _changes(before: Manifest | None, now: Sequence[Declared], frozen: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Return the differences between the manifest in the file and the build."""
    if before is None:
        return []
    old = {info.name: (info, code) for info, code in before.providers}
    new = {each.info.name: (each.info, frozen[each.info.name]["digest"]) for each in now}
    changes = [f"{name} is new: {_described(new[name][0])}" for name in new if name not in old]
    changes += [f"{name} is gone: {_described(old[name][0])}" for name in old if name not in new]
    alike: dict[str, list[str]] = defaultdict(list)
    for name in sorted(new.keys() & old.keys()):
        (was, code), (info, new_code) = old[name], new[name]
        other = ["other code"] if code != new_code else []
        if was.value != info.value:
            other.insert(0, f"{_described(was)} is now {_described(info)}")
        elif was.version != info.version:
            other.insert(0, f"{was.version or '(unknown version)'} is now {info.version or '(unknown version)'}")
        if other:
            alike[", with ".join(other)].append(name)
    changes += [f"{', '.join(names)}: {what}" for what, names in alike.items()]
    return sorted(changes)


def _described(info: ProviderInfo) -> str:
    return f"{info} = {info.value}" if info.distribution else info.value
