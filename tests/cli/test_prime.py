"""``prime``, and ``run --cost``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cli.samples import command, mapping, write
from testing.clone_helpers import namespace_only

from snapstart_hooks.cli import _errors

if TYPE_CHECKING:
    from pathlib import Path

FUNCTION = """\
    import snapstart_hooks

    def lambda_handler(event, context):
        import late_module
        return event
"""


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a function that imports something late."""
    namespace_only()
    folder = tmp_path / "function"
    write(folder, FUNCTION)
    write(folder, "import late_inner\n", "late_module.py")
    write(folder, "", "late_inner.py")
    monkeypatch.delenv("SNAPSTART_HOOKS_DISABLE", raising=False)
    return folder


def test_what_the_first_answer_imports_is_found_written_and_then_in_the_snapshot(
    function: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = function / "primed.txt"
    done = command(capsys, "prime", "app.lambda_handler", "--path", function, "--clones", 1, "--write", file, "--json")
    assert done.code == _errors.OK, done.err
    assert done.document["modules"] == ["late_inner", "late_module"]
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines == done.document["modules"]
    primed = mapping(done.document["with"])
    assert mapping(primed["before_the_snapshot"])["modules"] == []
    assert mapping(mapping(done.document["without"])["before_the_snapshot"])["modules"] == lines

    # As the project may say it; and what people see.
    write(function, '[tool.snapstart-hooks]\nprime = "primed.txt"\n', "pyproject.toml")
    picture = function / "cost.svg"
    done = command(capsys, "run", "app.lambda_handler", "--path", function, "--clones", 2, "--plot", picture)
    assert done.code == _errors.OK, done.err
    assert "<svg" in picture.read_text(encoding="utf-8")
    assert "the first answer did nothing that the second did not" in done.out
    assert "MB" in done.out.partition("first answer")[2]

    # A list that is there already is not in the way of finding it anew.
    done = command(capsys, "prime", "app.lambda_handler", "--path", function, "--clones", 1)
    assert done.out.splitlines()[:3] == ["late_inner", "late_module", "2 modules that only the first answer imports"]


def test_a_function_that_is_not_connected_is_told_so(function: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(function, FUNCTION.replace("import snapstart_hooks", ""))
    done = command(capsys, "prime", "app.lambda_handler", "--path", function, "--clones", 1, "--write", function / "p")
    assert done.code == _errors.OK
    assert "imports snapstart_hooks" in done.out


ONCE = """\
    import snapstart_hooks
    answered = []

    def lambda_handler(event, context):
        assert not answered, "no second answer"
        answered.append(event)
"""


@pytest.mark.parametrize(
    ("source", "given", "expected"),
    [
        (ONCE, ["run", "--cost"], (1, "no second answer")),
        (ONCE, ["prime"], (1, "no second answer")),
        ("import no_such_module", ["prime"], (3, "no_such_module")),
        (
            "from snapstart_hooks import *\nlambda_handler = before_snapshot(lambda: 1 / 0)",
            ["prime"],
            (64, "division"),
        ),
        (
            "from snapstart_hooks import *\nlambda_handler = after_restore(lambda: 1 / 0)",
            ["prime"],
            (65, "division"),
        ),
    ],
)
def test_the_exit_code_says_which_step_fails(
    source: str, given: list[str], expected: tuple[int, str], function: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(function, source)
    done = command(capsys, *given, "app.lambda_handler", "--path", function, "--clones", 1)
    assert (done.code, expected[1] in done.err) == (expected[0], True), done.err


def test_what_goes_wrong_is_told(function: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = command(capsys, "prime", "app.lambda_handler", "--path", function, "--clones", 0)
    assert (done.code, "--clones 0" in done.err) == (_errors.USAGE, True)
    done = command(capsys, "run", "app.lambda_handler", "--path", function, "--cost")
    assert (done.code, "--cost needs --clones N" in done.err) == (_errors.USAGE, True)
    write(function, FUNCTION)
    missing = function / "no" / "primed.txt"
    done = command(capsys, "prime", "app.lambda_handler", "--path", function, "--clones", 1, "--write", missing)
    assert (done.code, str(missing) in done.err) == (_errors.USAGE, True)
