"""What the rules find and what they do not: their own examples, and the marked lines of `cases/`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from snapstart_hooks.lint import RULES, LintConfig, Rule, Severity, check_text

CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))
EVERYTHING = LintConfig(severity=Severity.NOTE, report_unused=True)


def codes(text: str) -> list[str]:
    return [finding.code for finding in check_text(text, config=EVERYTHING)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_finds_the_marked_lines_and_no_others(case: Path) -> None:
    text = case.read_text(encoding="utf-8")
    expected = {
        (number, code)
        for number, line in enumerate(text.splitlines(), 1)
        if (mark := re.search(r"#! (.+)", line))
        for code in mark[1].split()
    }
    found = {(finding.line, finding.code) for finding in check_text(text, case.name, config=EVERYTHING)}

    assert found == expected


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_finds_its_wrong_example_and_not_the_right_one(rule: Rule) -> None:
    assert codes(rule.wrong) == [rule.code]
    assert codes(rule.right) == []


def test_every_rule_has_a_marked_line() -> None:
    marked = {code for case in CASES for code in re.findall(r"SSH\d{3}", case.read_text(encoding="utf-8"))}
    assert {rule.code for rule in RULES if rule.code[3] != "9"} - marked == {"SSH104"}


KEYS = (
    "from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey as K\nKEY = K.generate()\n",
    "from cryptography.fernet import Fernet\nbox = Fernet(Fernet.generate_key())\n",
    "from cryptography.hazmat.primitives.ciphers import aead\nKEY = aead.AESGCM.generate_key(128)\n",
    "from Crypto.PublicKey import RSA\nKEY = RSA.generate(2048).export_key()\n",
    "import paramiko\nKEY = paramiko.RSAKey.generate(2048)\n",
)


@pytest.mark.parametrize("text", KEYS)
def test_finds_keys_that_are_generated_at_import(text: str) -> None:
    assert codes(text) == ["SSH104"]
    assert (
        codes(text.replace("\nKEY = ", "\ndef key():\n    return ").replace("\nbox = ", "\ndef key():\n    return "))
        == []
    )


def test_says_what_where_and_how_it_came_to_be() -> None:
    (finding,) = check_text("import uuid\n\n\ndef make():\n    return uuid.uuid4().hex\n\n\nNODE = make()\n", "app.py")
    assert (finding.path, finding.line, finding.column, finding.end_line, finding.end_column) == ("app.py", 8, 8, 8, 14)
    assert finding.severity is Severity.ERROR
    assert "`uuid.uuid4()` in `make()` (line 5)" in finding.message
    assert "`NODE`" in finding.message
    assert finding.remedy
    assert finding.source == "NODE = make()"


def test_one_call_that_is_reached_many_times_is_told_once() -> None:
    text = "import time\n\n\ndef one(n):\n    return n, time.time()\n\n\nALL = [one(1), one(2), one(3)]\n"
    assert codes(text) == ["SSH301"]


def test_of_all_that_goes_into_one_value_the_worst_is_told() -> None:
    text = (
        "import os, time\n\n\nclass Ids:\n    def __init__(self):\n"
        "        self.salt = f'{time.time()}-{os.urandom(8)}'\n\n\nids = Ids()\n"
    )
    assert codes(text) == ["SSH102"]


def test_recursion_and_long_sums_end() -> None:
    text = (
        "import uuid\n\n\ndef f(n):\n    return f(n - 1)\n\n\nX = f(5)\nY = "
        + " + ".join(["1"] * 900)
        + "\nZ = uuid.uuid4()\n"
    )
    assert codes(text) == ["SSH101"]


def test_the_page_lists_every_rule_as_it_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "lint.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (SSH\d+) \| (\S+) \| (error|warning|note) \| (.*) \|$", page, re.MULTILINE) == [
        (rule.code, rule.name, rule.severity.value, rule.summary) for rule in RULES
    ]
    assert all(rule.anchor == "docs/lint.md#rules" for rule in RULES)
    assert "\n## Rules\n" in page
