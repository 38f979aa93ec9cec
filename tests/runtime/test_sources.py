"""The documents that users come from: each of their samples does here what it says, with one import line changed.

`sources/` has them, each with the name of its document.  Those that name AWS's module are
run with it, too, and everything has to be the same.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from runtime.function import run

import snapstart_hooks

SOURCES = Path(__file__).parent / "sources"

DOCUMENTED: dict[str, tuple[list[str], list[str]]] = {
    "readme_decorators": (["fn_before_snapshot"], ["fn_after_restore"]),
    "readme_functions": (["fn_before_snapshot"], ["fn_after_restore"]),
    "readme_arguments": (["closed database cache!"], ["opened?"]),
    "readme_order": (["before 3", "before 2", "before 1"], ["after 1", "after 2", "after 3"]),
    "readme_duplicates": (["fn_before_snapshot"] * 2, ["fn_after_restore"] * 3),
    "readme_imports": ([], ["fn_after_restore"]),
    "aws_docs_example": (["before_checkpoint"], ["after_restore"]),
}


@pytest.fixture(scope="module")
def as_documented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples with AWS's import line."""
    folder = tmp_path_factory.mktemp("documented")
    for file in SOURCES.glob("*.py"):
        changed, count = re.subn(r"^from snapstart_hooks import", "from snapshot_restore_py import", file.read_text())
        assert count <= 1
        (folder / file.name).write_text(changed)
    return folder


@pytest.mark.parametrize("sample", DOCUMENTED)
def test_a_sample_does_what_its_document_says_and_what_it_does_with_aws_package(
    sample: str, as_documented: Path
) -> None:
    before, after = DOCUMENTED[sample]
    for folder in (as_documented, SOURCES):
        ran = run(folder, handler=f"{sample}.lambda_handler", events=[{}, {}])
        assert ran.before_snapshot == before
        assert ran.after_restore == after
        assert len(ran.responses) == 2
        printed = [line for line in ran.printed.decode().splitlines() if not line.startswith("[")]
        assert len(printed) == len(before) + len(after)


def test_a_hook_in_a_file_that_is_imported_on_top_is_run(tmp_path: Path) -> None:
    for file in SOURCES.glob("readme_imports*.py"):
        shutil.copy(file, tmp_path)
    app = tmp_path / "app.py"
    app.write_text("import readme_imports_elsewhere\nfrom readme_imports import *\n")
    ran = run(tmp_path, handler="app.lambda_handler")
    assert ran.before_snapshot == ["elsewhere_before_snapshot"]
    assert ran.after_restore == ["elsewhere_after_restore", "fn_after_restore"]


def test_the_quickstart_on_lambda() -> None:
    ran = run(SOURCES, handler="quickstart.lambda_handler", events=[{}, {}], environment={"DB_HOST": "db"})
    assert ran.before_snapshot == ["before_snapshot_hook"]
    assert ran.after_restore == [
        "after_restore_hook",
        "config loaded: default_config_value",
        "connected: connection to db",
    ]
    assert ran.responses == [{"statusCode": 200, "body": "executed"}] * 2
    assert ran.printed.decode().count("handled with default_config_value and connection to db\n") == 2


def test_the_quickstart_as_a_program() -> None:
    ran = subprocess.run(
        [sys.executable, SOURCES / "quickstart.py"], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [
        "first invocation",
        "config loaded: local_test_config",
        "connected: connection to test_db_instance",
        "handled with local_test_config and connection to test_db_instance",
        "snapshot and restore, simulated",
        "before_snapshot_hook",
        "after_restore_hook",
        "connected: connection to test_db_instance",
        "second invocation",
        "handled with local_test_config and connection to test_db_instance",
    ]


def test_the_python_patterns() -> None:
    ran = run(SOURCES, handler="python_patterns_app.lambda_handler")
    assert ran.before_snapshot == ["configuration loaded", "DynamoDB primed"]
    assert ran.after_restore == ["secrets refreshed"]


def test_the_nested_zip_loader(tmp_path: Path, acme: Path) -> None:
    """As `package-python-function` deploys it: all dependencies come from a folder that is made at import."""
    dependencies = tmp_path / "dependencies"
    shutil.copytree(acme, dependencies)
    (package,) = snapstart_hooks.__path__
    shutil.copytree(package, dependencies / "snapstart_hooks")
    (dependencies / "shop").mkdir()
    shutil.copy(SOURCES / "readme_functions.py", dependencies / "shop" / "__init__.py")
    (dependencies / "shop" / "app.py").write_text(
        "import acme_driver, snapstart_hooks, shop\n"
        "def lambda_handler(event, context): return [snapstart_hooks.__file__, shop.__file__]\n"
    )
    function, temporary = tmp_path / "function", tmp_path / "temporary"
    (function / "shop").mkdir(parents=True)
    temporary.mkdir()
    shutil.copy(SOURCES / "nested_zip_loader.py", function / "shop" / "__init__.py")
    archive = shutil.make_archive(str(tmp_path / "nested"), "zip", dependencies)
    shutil.move(archive, function / "shop" / ".dependencies.zip")

    ran = run(function, handler="shop.app.lambda_handler", environment={"TMPDIR": str(temporary)}, counted=True)
    unpacked = temporary / "package-python-function"
    assert ran.responses == [[str(unpacked / "snapstart_hooks/__init__.py"), str(unpacked / "shop/__init__.py")]]
    assert ran.before_snapshot == ["fn_before_snapshot", "spans flushed", "pool closed"]
    assert ran.after_restore == ["span ids reseeded", "pool opened", "fn_after_restore"]
