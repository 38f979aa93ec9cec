"""What is found and what is not: the marked lines of `cases/`, one file or one project each."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import pytest
from lint.marks import expected, found

from snapstart_hooks.lint import RULES, check, declarations

CASES = Path(__file__).parent / "cases"
FILES = sorted(CASES.glob("*.txt"))
PROJECTS = sorted(folder for folder in CASES.iterdir() if folder.is_dir())

pytestmark = pytest.mark.once


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.stem)
def test_finds_the_marked_lines_and_no_others(case: Path, tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    shutil.copy(case, file)
    assert found(file) == expected(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", PROJECTS, ids=lambda case: case.name)
def test_finds_the_marked_lines_of_a_project(case: Path, tmp_path: Path) -> None:
    shutil.copytree(case, tmp_path, dirs_exist_ok=True)
    for file in tmp_path.rglob("*.txt"):
        file.rename(file.with_suffix(".py"))
    files = sorted(tmp_path.rglob("*.py"))
    assert {file.name: found(file) for file in files} == {
        file.name: expected(file.read_text(encoding="utf-8")) for file in files
    }


def test_every_rule_has_a_marked_line() -> None:
    marked = {code for case in CASES.rglob("*.txt") for _, code in expected(case.read_text(encoding="utf-8"))}
    assert marked == set(RULES)


@pytest.mark.parametrize(
    "making",
    [
        "from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey as K\nKEY = K.generate()\n",
        "from cryptography.hazmat.primitives.asymmetric import rsa\nKEY = rsa.generate_private_key(65537, 2048)\n",
        "from cryptography.fernet import Fernet\nKEY = Fernet(Fernet.generate_key())\n",
        "from cryptography.hazmat.primitives.ciphers import aead\nKEY = aead.AESGCM.generate_key(128)\n",
        "from Crypto.PublicKey import RSA\nKEY = RSA.generate(2048).export_key()\n",
        "import paramiko\nKEY = paramiko.RSAKey.generate(2048)\n",
    ],
)
def test_finds_keys_that_are_generated_at_import(making: str) -> None:
    assert [one.code for one in check(ast.parse(making), "app.py")] == ["SSH104"]
    assert not check(ast.parse(making.replace("\nKEY = ", "\ndef key():\n    return ")), "app.py")


def test_says_what_where_and_what_to_do() -> None:
    text = "import uuid\n\n\ndef make():\n    return uuid.uuid4().hex\n\n\nNODE = make()\n"
    (finding,) = check(ast.parse(text), "app.py")
    assert (finding.line, finding.column, finding.code) == (5, 11, "SSH101")
    assert "`uuid.uuid4()` (called in line 8) in `NODE`" in finding.text
    assert finding.text.endswith(RULES["SSH101"].remedy)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "class A(B): ...\nclass B(A): ...\nB().go()\n",  # made from each other
        "def f():\n    return f()\nX = f()\n",
        "class A:\n    def __init__(self):\n        self.__init__()\nA()\n",
        "import random as random\nrandom = random.random\nX = random()\n",
        "match __import__('x'):\n    case [a, *_] if a:\n        pass\n",
        "x: int\n(a, (b, *c)), d[0], e.f = g\n[*x, *y] = z\n",
        "def f(a, /, b=1, *c, d, e=2, **g): ...\nf(*x, **y)\nf(1, d=2)\nlambda *a: a\n",
        "from . import a\nfrom .. import b\nfrom ...c import d\nimport e.f.g\n",
        "async def f():\n    async with a as b, c:\n        async for d in e:\n            yield d\n",
        "del x, y[0]\nglobal z\nz = 1\n",
        f"X = {' + '.join(['a'] * 50)}\n",
    ],
)
def test_follows_whatever_can_be_written(text: str) -> None:
    assert isinstance(check(ast.parse(text), "app.py"), list)


def test_lists_the_hooks_that_a_file_declares() -> None:
    text = (
        "import snapstart_hooks as hooks\nfrom snapshot_restore_py import register_before_snapshot as put_away\n"
        "registry = hooks.Registry()\n\n\n@registry.after_restore(priority=5)\ndef open(): ...\n\n\n"
        "put_away(print, 1)\nhooks.after_restore(timeout=2).call(db.connect)\n"
        "def later():\n    hooks.register_after_restore(print)\n"
    )
    declared = declarations(ast.parse(text), "app.py")
    assert [(one.name, one.phase, one.node.lineno, one.aws, one.within) for one in declared] == [
        ("open", "after_restore", 7, False, ""),
        ("print", "before_snapshot", 10, True, ""),
        ("db.connect", "after_restore", 11, False, ""),
        ("print", "after_restore", 13, False, ".later"),
    ]


def test_a_build_may_have_our_package_beside_the_function(tmp_path: Path) -> None:
    (tmp_path / "snapstart_hooks").mkdir()
    (tmp_path / "snapstart_hooks" / "__init__.py").write_text("after_restore = object()\n", encoding="utf-8")
    text = "from snapstart_hooks import after_restore\n@after_restore\ndef reseed() -> None: ...\n"
    assert [one.name for one in declarations(ast.parse(text), str(tmp_path / "app.py"))] == ["reseed"]


def test_the_page_has_every_rule() -> None:
    page = (Path(__file__).parents[2] / "docs" / "lint.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| <a id=\"ssh\d+\"></a>(SSH\d+) \| (.+?) \|", page, re.MULTILINE) == [
        (rule.code, rule.title) for rule in RULES.values()
    ]
