"""A deployment package, laid out as Lambda does it: a folder, zip or wheel, layers, the file system of an image."""

from __future__ import annotations

import contextlib
import lzma
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snapstart_hooks._foreign import printable
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
        doubled: The entries that an archive has several times, of which the last is unpacked.
    """

    given: str
    task: Path
    layers: tuple[Path, ...]
    runtime: tuple[Path, ...]
    path: tuple[str, ...]
    packed: tuple[tuple[str, int], ...]
    image: bool
    nested: tuple[str, ...]
    doubled: tuple[str, ...] = ()


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
        folder, packed, doubled = Path(name), dict[str, int](), list[str]()
        task = _folder(given, folder / "task", packed, doubled)
        opt = tuple(_folder(each, folder / f"layer{number}", packed, doubled) for number, each in enumerate(layers))
        root = task
        image = (inside := _in_image(root, "var/task")).is_dir() and not (root / "var" / "__init__.py").exists()
        if image:
            task, opt = inside, (_in_image(root, "opt"), *opt)
        elif (root / "etc").is_dir() and (root / "usr").is_dir():
            msg = (
                f"{given}: this is the file system of an image or a machine, and it has no /var/task. Give the folder "
            )
            msg += f"of the function in it, such as {Path(given, 'function')}"
            raise CommandError(msg)
        # As https://docs.aws.amazon.com/lambda/latest/dg/python-package.html says.
        runtime = tuple(sorted(root.glob("var/lang/lib/python3.*/site-packages")) if image else ())
        runtime += tuple(sorted(root.glob("usr/local/lib/python3.*/site-packages")) if image else ())
        runtime += (own,) if image and (own := _in_image(root, "var/runtime")).is_dir() else ()
        nested = {each: folder / f"nested{number}" for number, each in enumerate(sorted(_nested(task)))}
        for archive, to in nested.items():
            _archive(archive, f"{given}: {archive.relative_to(task)}", to)
        # Where an installer puts what a wheel has for it.
        spread = [*task.glob("*.data/purelib"), *task.glob("*.data/platlib")] if given.endswith(".whl") else []
        path = (*map(str, [*nested.values(), task, *spread]), *layer_path(opt), *map(str, runtime))
        names = tuple(str(each.relative_to(task)) for each in nested)
        yield Artifact(given, task, opt, runtime, path, tuple(packed.items()), image, names, (*doubled,))


def _nested(task: Path) -> list[Path]:
    """Find the archives that package-python-function and serverless-python-requirements put on ``sys.path``."""
    return [*task.glob("*/.dependencies.zip"), *task.glob(".dependencies.zip"), *task.glob(".requirements.zip")]


def layer_path(layers: Sequence[Path]) -> list[str]:
    """Return the entries of ``sys.path`` for layers, given in the order in which Lambda merges them.

    First ``python/lib/python3.X/site-packages`` of each layer, then ``python`` of each layer.  Of two layers
    with the same file Lambda has that of the later one, which overwrites the other, so the later comes first.
    """
    layers = [*reversed(layers)]
    versioned = [each for layer in layers for each in sorted(layer.glob("python/lib/python3.*/site-packages"))]
    plain = [layer / "python" for layer in layers if (layer / "python").is_dir()]
    return [*map(str, versioned), *map(str, plain)]


def _in_image(root: Path, name: str) -> Path:
    """Return a path in an image; an absolute link in it leads to the image's root, not to that of this machine."""
    path, waiting = root, name.split("/")
    for _ in range(_LINKS):
        if not waiting:
            break
        path /= waiting.pop(0)
        if path.is_symlink():
            to = path.readlink()
            path, waiting = (root if to.is_absolute() else path.parent), [*to.parts[to.is_absolute() :], *waiting]
    return path if path.resolve().is_relative_to(root.resolve()) else root / ".nowhere"


_LINKS: Final = 100
"""Steps after which a link leads in a circle."""


def _folder(given: str, to: Path, packed: dict[str, int], doubled: list[str]) -> Path:
    path = Path(given)
    if path.is_dir():
        return path.resolve()
    if not path.exists():
        msg = f"{printable(given)}: there is no such file or folder. Give a folder, zip or wheel"
        raise CommandError(msg)
    if not path.is_file():
        msg = f"{given}: this is neither a folder nor a file"  # a FIFO would be waited for
        raise CommandError(msg)
    packed[given] = path.stat().st_size
    doubled += _archive(path, given, to)
    return to


def _archive(path: Path, given: str, to: Path) -> list[str]:
    """Unpack an archive; return the entries that it has several times."""
    entry, umask = "", os.umask(0o022)  # not this shell's: what has no mode of its own is readable
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, given, to)
            for each in archive.infolist():
                entry = f" ({each.filename!r})"
                _unpack(archive, each, to / each.filename)
            return [
                printable(name)
                for name, number in Counter(archive.namelist()).items()
                if number > 1 and name[-1] != "/"
            ]
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
    ) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        msg = f"{given}: this is not a folder, and cannot be unpacked as a zip or wheel: {why}{entry}"
        raise CommandError(msg) from error
    finally:
        os.umask(umask)


def _check(archive: zipfile.ZipFile, given: str, to: Path) -> None:
    """Refuse an archive that is too large or writes beside the folder `to`, which is made."""
    if (size := sum(each.file_size for each in archive.infolist())) > UNPACKED_LIMIT:
        msg = f"{given}: unpacked it would have {size:,} bytes, more than the {UNPACKED_LIMIT:,} that are unpacked here"
        raise CommandError(msg)
    to.mkdir(parents=True)
    for each in archive.infolist():
        if not each.filename or not (to / each.filename).resolve().is_relative_to(to.resolve()):
            msg = f"{given}: its entry {each.filename!r} leads out of the archive"
            raise CommandError(msg)


def _unpack(archive: zipfile.ZipFile, each: zipfile.ZipInfo, target: Path) -> None:
    if each.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        _give_mode(each, target, 0o700)
    elif not stat.S_ISLNK(each.external_attr >> 16):  # a link could lead anywhere
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(each) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
        _give_mode(each, target, 0o600)


def _give_mode(each: zipfile.ZipInfo, target: Path, ours: int) -> None:
    """Give a file or folder its mode, which others may not have a say in on Lambda, and `ours` to us."""
    if each.create_system == _UNIX and (mode := stat.S_IMODE(each.external_attr >> 16)):
        target.chmod(mode & 0o777 | ours)


_UNIX: Final = 3
