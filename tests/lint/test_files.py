"""Which files are checked, in which order, and what happens to those that cannot be."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from snapstart_hooks.lint import ConfigError, LintConfig, Severity, check_paths, check_text

BAD = b"import uuid\nX = uuid.uuid4()\n"


def write(root: Path, *names: str, data: bytes = BAD) -> None:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def names(root: Path, config: LintConfig | None = None) -> list[str]:
    report = check_paths([root], config=config)
    return [Path(finding.path).relative_to(root).as_posix() for finding in report.findings]


def test_order_does_not_depend_on_the_file_system(tmp_path: Path) -> None:
    write(tmp_path, "b.py", "a/z.py", "a.py", "a/b/c.py", "B.py")
    assert names(tmp_path) == ["B.py", "a.py", "a/b/c.py", "a/z.py", "b.py"]
    twice = check_paths([tmp_path / "b.py", tmp_path, tmp_path / "a.py"])
    assert len(twice.findings) == twice.files == 5


def test_tests_and_foreign_folders_are_left_out_and_counted(tmp_path: Path) -> None:
    left_out = (
        "tests/test_x.py",
        "conftest.py",
        "setup.py",
        "pkg/tests/helper.py",
        "docs/conf.py",
        "pkg/thing_test.py",
    )
    foreign = (".venv/x.py", "node_modules/x.py", "build/lib/x.py", "__pycache__/x.py")
    write(tmp_path, "pkg/app.py", *left_out, *foreign)
    report = check_paths([tmp_path])
    assert (len(report.findings), report.files, report.excluded) == (1, 1, len(left_out))
    assert len(names(tmp_path, LintConfig(exclude=()))) == 1 + len(left_out)


def test_a_package_may_be_called_build(tmp_path: Path) -> None:
    write(tmp_path, "build/__init__.py", "build/x.py")
    assert names(tmp_path) == ["build/__init__.py", "build/x.py"]


def test_a_file_that_is_named_is_checked_whatever_it_is_called(tmp_path: Path) -> None:
    write(tmp_path, "tests/conftest.py", "handler")
    assert check_paths([tmp_path / "tests" / "conftest.py", tmp_path / "handler"]).files == 2


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.py does not exist"):
        check_paths([tmp_path / "nowhere.py"])


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (b"x = (1\n", 1, "syntax error: '(' was never closed"),
        (b"def f():\nreturn 1\n", 2, "syntax error: expected an indented block"),
        (b"# -*- coding: nonsense -*-\nx = 1\n", 0, "cannot be decoded: unknown encoding"),
        (b'x = "\xff"\n', 0, "cannot be decoded"),
        (b"# coding: ascii\nx = '\xc3\xa4'\n", 0, "cannot be decoded"),
        (b"print 'x'\n", 1, "syntax error"),
        (b"x = " + b"(" * 5000 + b")" * 5000, 1, "too many nested parentheses"),
    ],
)
def test_what_cannot_be_parsed_is_reported_and_the_rest_is_checked(
    tmp_path: Path, data: bytes, line: int, says: str
) -> None:
    write(tmp_path, "a.py", data=data)
    write(tmp_path, "b.py")
    report = check_paths([tmp_path])
    (problem,) = report.problems
    assert problem.path.endswith("a.py")
    assert says in problem.message
    assert problem.line == line
    assert (report.files, len(report.findings), report.exit_code) == (1, 1, 2)
    with pytest.raises(SyntaxError):
        check_text(data)


def test_null_bytes_are_reported(tmp_path: Path) -> None:
    write(tmp_path, "a.py", data=b"x = 1\x00\n")
    (problem,) = check_paths([tmp_path]).problems
    assert "null bytes" in problem.message


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    (problem,) = check_paths([tmp_path]).problems
    assert problem.message == "cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ('import uuid\nä = "ä"; X = uuid.uuid4()\n', "utf-8"),
        ('import uuid\nä = "ä"; X = uuid.uuid4()\n', "utf-8-sig"),
        ('# coding: latin-1\nimport uuid\nä = "ä"; X = uuid.uuid4()\n', "latin-1"),
        ('import uuid\r\na = "a"; X = uuid.uuid4()\r\n', "utf-8"),
        ('import uuid\ra = "a"; X = uuid.uuid4()\r', "utf-8"),
        ('import uuid\n"\x0c\x85";    X = uuid.uuid4()\n', "utf-8"),
    ],
)
def test_columns_count_characters_in_every_encoding(text: str, encoding: str) -> None:
    (finding,) = check_text(text.encode(encoding))
    assert (finding.column, finding.end_column) == (14, 14 + len("uuid.uuid4()"))
    assert finding.source.endswith("X = uuid.uuid4()")


def test_hooks_of_one_file_cure_what_another_makes(tmp_path: Path) -> None:
    made = b"import random, uuid\nID = uuid.uuid4()\nrng = random.Random()\nOTHER = uuid.uuid4()\n"
    write(tmp_path, "shop/state.py", "shop/other.py", data=made)
    write(
        tmp_path,
        "shop/hooks.py",
        data=b"from snapstart_hooks import after_restore\nfrom shop import state\n\n\n@after_restore\ndef renew():\n"
        b"    state.ID = 1\n    state.rng.seed()\n    state.OTHER.hex()\n",
    )
    report = check_paths([tmp_path])
    assert [f"{Path(one.path).stem} {one.line} {one.code}" for one in report.findings] == [
        "other 2 SSH101",
        "other 3 SSH201",
        "other 4 SSH101",
        "state 4 SSH101",
    ]


def test_progress_counts_every_file(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "b.py", "c.py")
    seen: list[tuple[int, int]] = []
    check_paths([tmp_path], progress=lambda done, files: seen.append((done, files)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.once
def test_survives_the_standard_library_twice_with_the_same_result() -> None:
    library = Path(sysconfig.get_path("stdlib"))
    files = [
        path for folder in (".", "logging", "email", "multiprocessing") for path in (library / folder).glob("*.py")
    ]
    config = LintConfig(severity=Severity.NOTE)
    first, second = check_paths(files, config=config), check_paths(list(reversed(files)), config=config)
    assert first.problems == ()
    assert first.files == len(files) > 150
    assert first.findings == second.findings
    places = {f"{Path(one.path).relative_to(library).as_posix()} {one.code}" for one in first.findings}
    assert places >= {"random.py SSH201", "logging/__init__.py SSH301", "multiprocessing/process.py SSH102"}
    assert len(places) < 10
