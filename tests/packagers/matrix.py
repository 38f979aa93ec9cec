"""A function, packed by each packager that people use, and laid out as Lambda lays it out.

``scripts/packager_table.py`` writes the table of the documentation from what happens.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Final, Protocol

from runtime.function import Run, run

from snapstart_hooks.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT: Final = Path(__file__).parents[2]
TOOLS: Final = Path(os.environ.get("SNAPSTART_HOOKS_PACKAGERS", "/nonexistent"))
"""The ``bin`` of the environment that has the packagers."""
BASE: Final = str(Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}"))
"""An interpreter without the packages of the tests: what is not packed is not there."""
VERSION: Final = f"{sys.version_info[0]}.{sys.version_info[1]}"

APP: Final = """
    import snapstart_hooks
    import acme_driver

    def handler(event, context):
        return "answered"
    """
BEFORE: Final = ["spans flushed", "pool closed"]
AFTER: Final = ["span ids reseeded", "pool opened"]


class Freeze(Protocol):
    """Freezes a build, or does not."""

    def __call__(self, build: Path, /, *arguments: str) -> None: ...


class Missing(Exception):
    """A packager cannot be had here."""


@dataclass
class Packed:
    """What a packager made.

    Attributes:
        task: What becomes ``/var/task``.
        opt: What becomes ``/opt``.
        handler: As in the function's configuration.
        path: What else is on the path, behind ``/opt``.
        environment: Variables of the function's configuration.
        python: The interpreter.
    """

    task: Path
    opt: Path | None = None
    handler: str = "app.handler"
    path: list[Path] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    python: str = BASE


class Bench:
    """The wheels to pack, built once, and one folder for each attempt."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self.wheels: Final = folder / "wheels"
        self.runtime: Final = folder / "runtime"
        self._attempts = 0
        for project in (ROOT, ROOT / "tests" / "runtime" / "acme"):
            call("uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", self.wheels, project)
        old = folder / "old"
        shutil.copytree(ROOT / "tests" / "runtime" / "acme", old)
        text = (old / "pyproject.toml").read_text(encoding="utf-8").replace('"1.2"', '"1.1"')
        (old / "pyproject.toml").write_text(text.replace("pool = ", "old-pool = "), encoding="utf-8")
        call("uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", folder / "older", old)
        _repacked("typing-extensions", self.wheels)
        for name in ("awslambdaric", "snapshot-restore-py", "simplejson"):  # /var/runtime
            for file in distribution(name).files or ():
                if ".." not in file.parts and file.suffix != ".pyc":
                    to = self.runtime / file
                    to.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(Path(str(file.locate())), to)

    def attempt(self) -> Path:
        """An empty folder with the function's source, and what it requires."""
        self._attempts += 1
        project = self.folder / f"attempt{self._attempts}" / "shop"
        project.mkdir(parents=True)
        (project / "app.py").write_text(dedent(APP), encoding="utf-8")
        (project / "requirements.txt").write_text("acme-driver\nsnapstart-hooks\n", encoding="utf-8")
        return project

    @property
    def offline(self) -> dict[str, str]:
        """Lets every tool that asks pip take our wheels."""
        return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def run(self, packed: Packed) -> Run:
        """Run what was packed, as Lambda runs it."""
        opt = packed.opt
        layers = [opt / "python" / "lib" / f"python{VERSION}" / "site-packages", opt / "python"] if opt else []
        tmp = packed.task.parent / "tmp"
        tmp.mkdir(exist_ok=True)
        return run(
            packed.task,
            handler=packed.handler,
            layers=[*layers, *packed.path, self.runtime],
            environment={"TMPDIR": str(tmp), **packed.environment},
            python=packed.python,
            counted=True,
        )

    def outcome(self, packager: Packager, *, frozen: bool) -> bool | None:
        """Whether all hooks run that the library ships, and the function answers; ``None`` if it cannot be frozen."""
        if frozen and not packager.freezes:
            return None
        ran = self.run(packager.pack(self, self.attempt(), freeze if frozen else nothing))
        assert ran.responses == ["answered"], ran.stderr + ran.printed.decode()
        assert (ran.before_snapshot, ran.after_restore) in ((BEFORE, AFTER), ([], [])), ran.printed.decode()
        return bool(ran.after_restore)


def _repacked(name: str, folder: Path) -> None:
    """Make the wheel again of which a distribution was installed here: no index is asked for it."""
    one = distribution(name)
    stem = f"{one.name.replace('-', '_')}-{one.version}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for file in one.files or ():
            if file.suffix != ".pyc":
                wheel.write(str(file.locate()), str(file))


def nothing(build: Path, *arguments: str) -> None:
    """Do not freeze."""


def freeze(build: Path, *arguments: str) -> None:
    """Freeze a build."""
    assert main(["freeze", "--target", str(build), "--pyproject", os.devnull, *arguments]) == 0


@dataclass(frozen=True)
class Packager:
    """One way to pack.

    Attributes:
        name: As the documentation calls it.
        pack: Packs the function in a folder, freezing on the way where that has its place.
        why: What the documentation says of it.
        freezes: Whether there is a build to freeze.
    """

    name: str
    pack: Callable[[Bench, Path, Freeze], Packed]
    why: str
    freezes: bool = True


def call(program: str, *arguments: object, cwd: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
    """Run a packager; pip and uv are those of the tests.

    Raises:
        Missing: It is not to be had.
    """
    if program in {"pip", "uv"}:
        command = [sys.executable, "-m", program]
    else:
        found = TOOLS / program
        if not found.exists():
            raise Missing(program)
        command = [str(found)]
    path = os.pathsep.join([str(TOOLS), os.environ["PATH"]])
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=cwd,
        env={**clean, "PATH": path, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, f"{program} {' '.join(map(str, arguments))}\n{done.stdout}\n{done.stderr}"


def pip_target(bench: Bench, target: Path, *what: object, upgrade: bool = False) -> Path:
    """``pip install --target``."""
    options = ("--upgrade",) if upgrade else ()
    call("pip", "install", "--quiet", *options, "--target", target, *(what or REQUIRED), environ=bench.offline)
    return target


REQUIRED: Final = ("acme-driver", "snapstart-hooks")


def with_app(project: Path, build: Path) -> Path:
    """Put the function's source beside its libraries."""
    build.mkdir(exist_ok=True)
    shutil.copy(project / "app.py", build)
    return build


def pip(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    build = with_app(project, pip_target(bench, project.parent / "build"))
    frozen(build)
    return Packed(build)


def pip_twice(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    build = project.parent / "build"
    pip_target(bench, build, "--find-links", bench.folder / "older", "acme-driver==1.1", "snapstart-hooks")
    pip_target(bench, build, upgrade=True)
    frozen(with_app(project, build))
    return Packed(build)


def uv(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    build = project.parent / "build"
    offline = ("--quiet", "--offline", "--no-index", "--find-links", bench.wheels, f"--python={sys.executable}")
    call("uv", "pip", "install", *offline, "--target", build, "-r", project / "requirements.txt")
    frozen(with_app(project, build))
    return Packed(build)


def _pyproject(project: Path, more: str = "", dependencies: str = '"acme-driver", "snapstart-hooks"') -> None:
    (project / "pyproject.toml").write_text(
        dedent(f"""
            [project]
            name = "shop"
            version = "1"
            requires-python = "=={VERSION}.*"
            dependencies = [{dependencies}]
            """)
        + dedent(more),
        encoding="utf-8",
    )


def _wheels(bench: Bench) -> str:
    files = sorted(bench.wheels.glob("*.whl"))
    return ", ".join(f'"{file.name.partition("-")[0]} @ {file.as_uri()}"' for file in files)


def uv_export(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    _pyproject(project, f'[tool.uv]\nno-index = true\nfind-links = ["{bench.wheels}"]\n')
    common = ("--quiet", f"--python={sys.executable}")
    call("uv", "export", *common, "--no-emit-project", "--no-hashes", "-o", "requirements.txt", cwd=project)
    return uv(bench, project, frozen)


def poetry(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    _pyproject(project, "[tool.poetry]\npackage-mode = false\n", _wheels(bench))
    call("poetry", "lock", "--no-interaction", cwd=project)
    call("poetry", "export", "--without-hashes", "-o", "requirements.txt", cwd=project)
    build = pip_target(bench, project.parent / "build", "-r", project / "requirements.txt")
    frozen(with_app(project, build))
    return Packed(build)


def pdm(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    _pyproject(project, "[tool.pdm]\ndistribution = false\n", _wheels(bench))
    quiet = {"PDM_CHECK_UPDATE": "0"}
    call("pdm", "use", "-f", sys.executable, cwd=project, environ=quiet)
    call("pdm", "lock", "--quiet", cwd=project, environ=quiet)
    call("pdm", "export", "--without-hashes", "-o", "requirements.txt", cwd=project, environ=quiet)
    build = pip_target(bench, project.parent / "build", "-r", project / "requirements.txt")
    frozen(with_app(project, build))
    return Packed(build)


def zip_on_path(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    libraries = pip_target(bench, project.parent / "libraries")
    frozen(libraries)
    return _with_archive(project, Path(shutil.make_archive(str(libraries), "zip", libraries)), "")


def _with_archive(project: Path, archive: Path, inside: str, more: str = "") -> Packed:
    """A function that takes its libraries from an archive that is deployed beside it."""
    build = with_app(project, project.parent / "build")
    shutil.move(archive, build / archive.name)
    entry = f"{archive.name}/{inside}".rstrip("/")
    text = f"import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), {entry!r}))\n{more}"
    (build / "app.py").write_text(text + (build / "app.py").read_text(encoding="utf-8"), encoding="utf-8")
    return Packed(build)


def layer(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    opt = project.parent / "opt"
    pip_target(bench, opt / "python")
    build = with_app(project, project.parent / "build")
    frozen(build, "--layer", str(opt))
    return Packed(build, opt)


def layer_alone(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    opt = project.parent / "opt"
    frozen(pip_target(bench, opt / "python" / "lib" / f"python{VERSION}" / "site-packages"))
    return Packed(with_app(project, project.parent / "build"), opt)


def _environment(bench: Bench, project: Path) -> Path:
    """A virtual environment with the function's libraries; its site-packages."""
    venv = project.parent / "venv"
    call("uv", "venv", "--quiet", "--offline", f"--python={sys.executable}", venv)
    offline = ("--quiet", "--offline", "--no-index", "--find-links", bench.wheels, f"--python={venv}/bin/python")
    call("uv", "pip", "install", *offline, *REQUIRED)
    return venv / "lib" / f"python{VERSION}" / "site-packages"


NESTING: Final = """
import sys
from package_python_function.main import main
from package_python_function.packager import Packager
Packager.AWS_LAMBDA_MAX_UNZIP_SIZE = {limit}
sys.argv = ["package-python-function", *sys.argv[1:]]
main()
"""


def package_python_function(bench: Bench, project: Path, frozen: Freeze, *, limit: int = 262_144_000) -> Packed:
    site = _environment(bench, project)
    (site / "shop").mkdir()
    shutil.copy(project / "app.py", site / "shop" / "__init__.py")
    frozen(site)
    (project / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n', encoding="utf-8")
    out = project.parent / "shop.zip"
    command = ("-c", NESTING.format(limit=limit), site.parents[2], "--project", project / "pyproject.toml")
    call("python", *command, "--output", out)
    with zipfile.ZipFile(out) as archive:
        assert any(name.endswith(".dependencies.zip") for name in archive.namelist()) is (limit < 10**8)
        archive.extractall(project.parent / "build")
    return Packed(project.parent / "build", handler="shop.handler")


def nested_zip(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    return package_python_function(bench, project, frozen, limit=500_000)


def sam(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    (project / "template.yaml").write_text(
        dedent(f"""
            AWSTemplateFormatVersion: "2010-09-09"
            Transform: AWS::Serverless-2016-10-31
            Resources:
              Shop:
                Type: AWS::Serverless::Function
                Properties:
                  CodeUri: .
                  Handler: app.handler
                  Runtime: python{VERSION}
                  AutoPublishAlias: live
                  SnapStart: {{ApplyOn: PublishedVersions}}
            """),
        encoding="utf-8",
    )
    quiet = {"SAM_CLI_TELEMETRY": "0", **bench.offline}
    call("sam", "build", "--build-dir", project.parent / "sam", cwd=project, environ=quiet)
    build = project.parent / "sam" / "Shop"
    frozen(build)
    return Packed(build)


def serverless(bench: Bench, project: Path, frozen: Freeze, *, slim: str = "true") -> Packed:
    modules = TOOLS.parent / "npm" / "node_modules"
    if not (modules / ".bin" / "serverless").exists():
        raise Missing("serverless")
    (project / "serverless.yml").write_text(
        dedent(f"""
            service: shop
            frameworkVersion: "3"
            provider: {{name: aws, runtime: python{VERSION}}}
            plugins: [serverless-python-requirements]
            custom:
              pythonRequirements: {{slim: {slim}, pythonBin: "{TOOLS / "python"}", useStaticCache: false}}
            package: {{patterns: ["!node_modules/**", "!.serverless/**"]}}
            functions: {{shop: {{handler: app.handler}}}}
            """),
        encoding="utf-8",
    )
    (project / "node_modules").symlink_to(modules)
    libraries = pip_target(bench, project.parent / "libraries")
    frozen(libraries, "--manifest", str(project / "snapstart-hooks.lock"))
    environ = {**bench.offline, "SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off", "CI": "1"}
    call("../npm/node_modules/.bin/serverless", "package", cwd=project, environ=environ)
    build = project.parent / "build"
    shutil.unpack_archive(project / ".serverless" / "shop.zip", build)
    return Packed(build)


def zappa(bench: Bench, project: Path, frozen: Freeze, *, exclude: str = "") -> Packed:
    site = _environment(bench, project)
    settings = f'{{"dev": {{"app_function": "app.handler", "project_name": "shop", "runtime": "python{VERSION}"'
    settings += f', "slim_handler": false, "s3_bucket": "b", "aws_region": "eu-central-1"{exclude}}}}}'
    (project / "zappa_settings.json").write_text(settings, encoding="utf-8")
    frozen(site, "--manifest", str(project / "snapstart-hooks.lock"))
    program = (
        "from pathlib import Path; from zappa.core import Zappa; import json, os\n"
        "given = json.load(open('zappa_settings.json'))['dev']\n"
        f"print(Zappa(load_credentials=False, runtime='python{VERSION}').create_lambda_zip("
        "prefix='shop', use_precompiled_packages=False, exclude=given.get('exclude'), "
        f"venv=Path({str(site.parents[2])!r}), output='shop.zip', archive_format='zip'))\n"
    )
    call("python", "-c", program, cwd=project, environ={"AWS_DEFAULT_REGION": "eu-central-1"})
    build = project.parent / "build"
    shutil.unpack_archive(project / "shop.zip", build)
    return Packed(build)


def zappa_without_metadata(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    return zappa(bench, project, frozen, exclude=', "exclude": ["*.dist-info"]')


def shiv(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    libraries = pip_target(bench, project.parent / "libraries")
    frozen(libraries)
    out = project.parent / "libraries.pyz"
    call("shiv", "--site-packages", libraries, "--output-file", out, environ=bench.offline)
    return _with_archive(project, out, "site-packages")


def pex(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    made, build = project.parent / "libraries.pex", project.parent / "build"
    call("pex", *sorted(bench.wheels.glob("*.whl")), "--disable-cache", "--output-file", made)
    call("pex3", "venv", "create", "--layout", "flat", "--pex-repository", made, "--dest-dir", build)
    frozen(with_app(project, build))
    return Packed(build)


def zipapp(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    libraries = pip_target(bench, project.parent / "libraries")
    (libraries / "__main__.py").touch()
    frozen(libraries)
    out = project.parent / "libraries.pyz"
    call("python", "-m", "zipapp", libraries, "--output", out)
    return _with_archive(project, out, "")


def editable(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    site = _environment(bench, project)
    source = project.parent / "acme"
    shutil.copytree(ROOT / "tests" / "runtime" / "acme", source)
    call("uv", "pip", "uninstall", "--quiet", f"--python={site.parents[2]}/bin/python", "acme-driver")
    options = ("--quiet", "--offline", "--no-deps", f"--python={sys.executable}", "--no-build-isolation")
    call("uv", "pip", "install", *options, "--target", site, "--editable", source)
    build = with_app(project, project.parent / "build")
    return Packed(build, python=str(site.parents[2] / "bin" / "python"))


def debian(bench: Bench, project: Path, frozen: Freeze) -> Packed:
    packages = project.parent / "usr" / "lib" / "python3" / "dist-packages"
    pip_target(bench, packages)
    for metadata in packages.glob("*.dist-info"):  # as Debian's dh_python3 leaves them: without a RECORD
        (metadata / "RECORD").unlink()
    frozen(packages)
    build = with_app(project, project.parent / "build")
    return Packed(build, path=[packages])


BOTH: Final = "`*.dist-info`; put the manifest"
PACKAGERS: Final = (
    Packager("`pip install --target`", pip, "keeps `*.dist-info`"),
    Packager(
        "`pip install --target --upgrade`, twice", pip_twice, "leaves the older metadata behind: the newest counts"
    ),
    Packager("`uv pip install --target`", uv, "keeps `*.dist-info`"),
    Packager("`uv export`", uv_export, "keeps `*.dist-info`"),
    Packager("Poetry, `poetry export`", poetry, "keeps `*.dist-info`"),
    Packager("PDM, `pdm export`", pdm, "keeps `*.dist-info`"),
    Packager("a zip on `sys.path`", zip_on_path, "metadata and manifest are read in the zip"),
    Packager("a layer for the libraries", layer, "freeze the function with `--layer`"),
    Packager("a layer with a manifest of its own", layer_alone, "counts if the function has none"),
    Packager("package-python-function", package_python_function, "drops `RECORD`, and so names for `after`"),
    Packager("package-python-function, nested zip", nested_zip, "unpacks to `/tmp` before anything is imported"),
    Packager("AWS SAM, `sam build`", sam, "keeps `*.dist-info`; freeze `.aws-sam/build/FUNCTION`"),
    Packager(
        "serverless-python-requirements, `slim: true`",
        serverless,
        "strips `*.dist-info`; put the manifest beside `serverless.yml`",
    ),
    Packager("Zappa", zappa, "keeps `*.dist-info` unless `exclude` names it"),
    Packager('Zappa, `exclude: ["*.dist-info"]`', zappa_without_metadata, f"strips {BOTH} into the project"),
    Packager("shiv", shiv, "`importlib.metadata` finds nothing in a folder of a zip"),
    Packager("pex, `pex3 venv create --layout flat`", pex, "keeps `*.dist-info`"),
    Packager("`zipapp`", zipapp, "metadata and manifest are read in the zip"),
    Packager("an editable installation (PEP 660)", editable, "for local runs: it leads out of a build", freezes=False),
    Packager("Debian's `dist-packages`", debian, "in an image; has no `RECORD`"),
)
"""Each packager."""
