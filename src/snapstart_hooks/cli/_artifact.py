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
from snapstart_hooks.cli._imports import content

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

__all__ = ("Artifact", "existing_folder", "layer_folders", "links", "opened")

UNPACKED_LIMIT: Final = 20 * 2**30
"""The largest number of bytes to which an archive is unpacked here: twice the limit of an image."""


@dataclass(frozen=True)
class Artifact:
    """A function's files.

    Attributes:
        given: The path that the user gave.
        task: The folder that becomes ``/var/task``, or the one in an image from which the function is started.
        layers: The folders that become ``/opt``, one for each layer.
        path: ``sys.path`` as on Lambda: nested archives, `task`, `layers`, what an image has elsewhere.
        packed: The name and size in bytes of each archive that is uploaded.
        image: The root of the file system of an image; ``None`` for what is no image.
        nested: The names of archives in `task` that the function unpacks to ``/tmp`` when it starts.
        doubled: The entries that an archive has several times, of which the last is unpacked.
    """

    given: str
    task: Path
    layers: tuple[Path, ...]
    path: tuple[str, ...]
    packed: tuple[tuple[str, int], ...]
    image: Path | None
    nested: tuple[str, ...]
    doubled: tuple[str, ...] = ()


@contextlib.contextmanager
def opened(given: str, layers: Sequence[str] = (), python: str = "3.*") -> Generator[Artifact]:
    """Lay out an artifact; folders to which archives are unpacked are removed afterwards.

    Args:
        given: The path of a folder or an archive.
        layers: The paths of the layers, in the order in which Lambda merges them.
        python: The version of the function's Python, or a pattern of it.

    Raises:
        CommandError: A path does not exist, or an archive cannot be unpacked.
    """
    with tempfile.TemporaryDirectory(prefix="snapstart-hooks-") as name:
        folder, packed, doubled = Path(name), dict[str, int](), list[str]()
        task = _folder(given, folder / "task", packed, doubled)
        opt = tuple(_folder(each, folder / f"layer{number}", packed, doubled) for number, each in enumerate(layers))
        root = next((each for each in (task, *task.parents[:-1]) if _is_root(each)), None)
        if (inside := _in_image(task, "var/task")).is_dir() and not (task / "var" / "__init__.py").exists():
            root, task = task, inside
        elif root == task:
            msg = f"{given}: this is the file system of an image or a machine, and it has no /var/task. "
            msg += f"Give the folder from which the function is started, its WORKDIR, such as {Path(given, 'app')}"
            raise CommandError(msg)
        installed: list[Path] = []
        if root is not None:
            opt, installed = (_in_image(root, "opt"), *opt), _installed(root, task)
        nested = {each: folder / f"nested{number}" for number, each in enumerate(sorted(_nested(task)))}
        for archive, to in nested.items():
            _archive(archive, f"{given}: {archive.relative_to(task)}", to)
        # Where an installer puts what a wheel has for it.
        spread = [*task.glob("*.data/purelib"), *task.glob("*.data/platlib")] if given.endswith(".whl") else []
        path = (*map(str, [*nested.values(), task, *spread]), *layer_path(opt, python), *map(str, installed))
        names = tuple(str(each.relative_to(task)) for each in nested)
        yield Artifact(given, task, opt, path, tuple(packed.items()), root, names, (*doubled,))


def _is_root(folder: Path) -> bool:
    return (folder / "etc").is_dir() and (folder / "usr").is_dir()


def _installed(root: Path, task: Path) -> list[Path]:
    """Find the packages that an image has beside the function: of virtual environments, of its Python, of the runtime.

    In the order in which https://docs.aws.amazon.com/lambda/latest/dg/python-package.html has them.
    """
    environments = {*root.glob("*/pyvenv.cfg"), *root.glob("*/*/pyvenv.cfg"), *task.glob("*/pyvenv.cfg")}
    folders = [each for one in sorted(environments) for each in one.parent.glob("lib/python3.*/site-packages")]
    ours = [*root.glob("var/lang/lib/python3.*/site-packages"), *root.glob("usr/local/lib/python3.*/site-packages")]
    debian = [*root.glob("usr/local/lib/python3.*/dist-packages"), *root.glob("usr/lib/python3/dist-packages")]
    folders += ours or debian  # a Python of one's own does not look where Debian's does
    folders += [to for folder in folders for file in sorted(folder.glob("*.pth")) for to in links(file, root)]
    return [*folders, *filter(Path.is_dir, [_in_image(root, "var/runtime")])]


def links(file: Path, root: Path | None) -> list[Path]:
    """Return the folders to which a ``.pth`` file leads by absolute paths, as they lie in an image."""
    lines = content(file).decode(errors="replace").splitlines()
    return [
        to for line in lines if root and line.startswith("/") and (to := _in_image(root, line.strip(" /"))).is_dir()
    ]


def _nested(task: Path) -> list[Path]:
    """Find the archives that package-python-function and serverless-python-requirements put on ``sys.path``."""
    return [*task.glob("*/.dependencies.zip"), *task.glob(".dependencies.zip"), *task.glob(".requirements.zip")]


def existing_folder(given: str, option: str, what: str) -> Path:
    """Return the path of a folder that is there.

    Raises:
        CommandError: It is not; the message names the `option` and `what` is to be given.
    """
    if not (path := Path(given)).is_dir():
        problem = "this is not a folder" if path.exists() else "there is no such folder"
        msg = f"{option}{printable(given)}: {problem}. Give {what}"
        raise CommandError(msg)
    return path


def layer_folders(given: Sequence[str], python: str = "3.*") -> list[str]:
    """Return the entries of ``sys.path`` for layers that are folders; see `layer_path`.

    Raises:
        CommandError: A layer is no folder, or contains nothing that Lambda would import.
    """
    for each in given:
        existing_folder(each, "--layer ", "the unpacked layer, which contains python/")
        if not layer_path([Path(each)], python):
            msg = f"--layer {printable(each)}: it contains no folder python/, so Lambda would import nothing from it"
            raise CommandError(msg)
    return layer_path([Path(each).absolute() for each in given], python)


def layer_path(layers: Sequence[Path], python: str) -> list[str]:
    """Return the entries of ``sys.path`` of a `python` for layers, given in the order in which Lambda merges them.

    First ``python/lib/python3.X/site-packages`` of each layer, then ``python`` of each layer.  Of two layers
    with the same file Lambda has that of the later one, which overwrites the other, so the later comes first.
    """
    layers = [*reversed(layers)]
    versioned = [each for layer in layers for each in sorted(layer.glob(f"python/lib/python{python}/site-packages"))]
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
