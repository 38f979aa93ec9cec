"""What is deployed, laid out as Lambda lays it out: a folder, zip or wheel, layers, the file system of an image."""

from __future__ import annotations

import contextlib
import shutil
import stat
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snapstart_hooks.cli._errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

__all__ = ("Artifact", "layer_path", "opened")

UNPACKED_LIMIT: Final = 20 * 2**30
"""Bytes that an archive may hold to be unpacked here: twice what an image may have."""


@dataclass(frozen=True)
class Artifact:
    """A function's files.

    Attributes:
        given: As the user named it.
        task: What is ``/var/task``.
        layers: What is ``/opt``, one folder for each layer.
        runtime: The folders of the image that hold the runtime's own packages; none for a zip.
        path: ``sys.path`` as Lambda has it, of these files: what is nested, task, layers, runtime.
        packed: Bytes of each archive as it is uploaded.
        image: Whether it is the file system of an image.
        nested: Archives in it that are unpacked to ``/tmp`` when the function starts, by their names.
    """

    given: str
    task: Path
    layers: tuple[Path, ...]
    runtime: tuple[Path, ...]
    path: tuple[str, ...]
    packed: tuple[tuple[str, int], ...]
    image: bool
    nested: tuple[str, ...]


@contextlib.contextmanager
def opened(given: str, layers: Sequence[str] = ()) -> Generator[Artifact]:
    """Lay out an artifact; what has to be unpacked is removed afterwards.

    Raises:
        CommandError: It is not there, or is no archive that can be unpacked.
    """
    with tempfile.TemporaryDirectory(prefix="snapstart-hooks-") as name:
        folder, packed = Path(name), dict[str, int]()
        task = _folder(given, folder / "task", packed)
        opt = tuple(_folder(each, folder / f"layer{number}", packed) for number, each in enumerate(layers))
        image = (task / "var" / "task").is_dir() and not (task / "var" / "__init__.py").exists()
        root = task
        if image:
            task, opt = root / "var" / "task", (root / "opt", *opt)
        # As https://docs.aws.amazon.com/lambda/latest/dg/python-package.html says.
        runtime = tuple(sorted(root.glob("var/lang/lib/python3.*/site-packages")) if image else ())
        runtime += tuple(sorted(root.glob("usr/local/lib/python3.*/site-packages")) if image else ())
        runtime += ((root / "var" / "runtime"),) if image and (root / "var" / "runtime").is_dir() else ()
        nested = {each: folder / f"nested{number}" for number, each in enumerate(sorted(_nested(task)))}
        for archive, to in nested.items():
            _folder(str(archive), to, {})
        path = (*map(str, nested.values()), str(task), *layer_path(opt), *map(str, runtime))
        names = tuple(str(each.relative_to(task)) for each in nested)
        yield Artifact(given, task, opt, runtime, path, tuple(packed.items()), image, names)


def _nested(task: Path) -> list[Path]:
    """What package-python-function and serverless-python-requirements unpack to the front of ``sys.path``."""
    return [*task.glob("*/.dependencies.zip"), *task.glob(".dependencies.zip"), *task.glob(".requirements.zip")]


def layer_path(layers: Sequence[Path]) -> list[str]:
    """What of layers is on ``sys.path``: ``python/lib/python3.X/site-packages`` of all, then ``python`` of all."""
    versioned = [each for layer in layers for each in sorted(layer.glob("python/lib/python3.*/site-packages"))]
    plain = [layer / "python" for layer in layers if (layer / "python").is_dir()]
    return [*map(str, versioned), *map(str, plain)]


def _folder(given: str, to: Path, packed: dict[str, int]) -> Path:
    path = Path(given)
    if path.is_dir():
        return path.resolve()
    if not path.exists():
        msg = f"{given}: there is no such file or folder"
        raise CommandError(msg)
    packed[given] = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            _unpack(archive, given, to)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        msg = f"{given}: this is neither a folder nor a zip or wheel that can be unpacked: {error}"
        raise CommandError(msg) from error
    return to


def _unpack(archive: zipfile.ZipFile, given: str, to: Path) -> None:
    """Unpack what an archive holds, but nothing beside `to`, and no more than is to be had on Lambda."""
    if (size := sum(each.file_size for each in archive.infolist())) > UNPACKED_LIMIT:
        msg = f"{given}: it would unpack to {size:,} bytes, and is not unpacked"
        raise CommandError(msg)
    to.mkdir(parents=True)
    for each in archive.infolist():
        target = (to / each.filename).resolve()
        if not target.is_relative_to(to.resolve()):
            msg = f"{given}: {each.filename!r} leads out of it"
            raise CommandError(msg)
        if each.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif not stat.S_ISLNK(each.external_attr >> 16):  # where it leads is anybody's choice
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(each) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
