"""A deployment package, laid out as Lambda does it: a folder, zip or wheel, layers, the file system of an image."""

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
"""The largest number of bytes to which an archive is unpacked here: twice the limit of an image."""


@dataclass(frozen=True)
class Artifact:
    """A function's files.

    Attributes:
        given: The path that the user gave.
        task: The folder that becomes ``/var/task``.
        layers: The folders that become ``/opt``, one for each layer.
        runtime: The folders of an image that contain the runtime's own packages; none for a zip.
        path: ``sys.path`` as on Lambda: nested archives, `task`, `layers`, `runtime`.
        packed: The name and size in bytes of each archive that is uploaded.
        image: Whether this is the file system of an image.
        nested: The names of archives in `task` that the function unpacks to ``/tmp`` when it starts.
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
    """Lay out an artifact; folders to which archives are unpacked are removed afterwards.

    Args:
        given: The path of a folder or an archive.
        layers: The paths of the layers, in the order in which Lambda merges them.

    Raises:
        CommandError: A path does not exist, or an archive cannot be unpacked.
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
    """Find the archives that package-python-function and serverless-python-requirements put on ``sys.path``."""
    return [*task.glob("*/.dependencies.zip"), *task.glob(".dependencies.zip"), *task.glob(".requirements.zip")]


def layer_path(layers: Sequence[Path]) -> list[str]:
    """Return the entries of ``sys.path`` for layers.

    First ``python/lib/python3.X/site-packages`` of each layer, then ``python`` of each layer.
    """
    versioned = [each for layer in layers for each in sorted(layer.glob("python/lib/python3.*/site-packages"))]
    plain = [layer / "python" for layer in layers if (layer / "python").is_dir()]
    return [*map(str, versioned), *map(str, plain)]


def _folder(given: str, to: Path, packed: dict[str, int]) -> Path:
    path = Path(given)
    if path.is_dir():
        return path.resolve()
    if not path.exists():
        msg = f"{given}: there is no such file or folder. Give a folder, zip or wheel"
        raise CommandError(msg)
    packed[given] = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            _unpack(archive, given, to)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        msg = f"{given}: this is not a folder, and cannot be unpacked as a zip or wheel: {error}"
        raise CommandError(msg) from error
    return to


def _unpack(archive: zipfile.ZipFile, given: str, to: Path) -> None:
    """Unpack an archive into `to`, and refuse one that is too large or writes elsewhere."""
    if (size := sum(each.file_size for each in archive.infolist())) > UNPACKED_LIMIT:
        msg = f"{given}: unpacked it would have {size:,} bytes, more than the {UNPACKED_LIMIT:,} that are unpacked here"
        raise CommandError(msg)
    to.mkdir(parents=True)
    for each in archive.infolist():
        target = (to / each.filename).resolve()
        if not target.is_relative_to(to.resolve()):
            msg = f"{given}: its entry {each.filename!r} leads out of the archive"
            raise CommandError(msg)
        if each.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif not stat.S_ISLNK(each.external_attr >> 16):  # a link could lead anywhere
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(each) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
