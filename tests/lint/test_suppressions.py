"""Comments that silence findings."""

from __future__ import annotations

import pytest

from snapstart_hooks.lint import LintConfig, check_text

STRICT = LintConfig(report_unused=True)


def found(text: str, config: LintConfig | None = None) -> list[tuple[int, str]]:
    return [(finding.line, finding.code) for finding in check_text(text, config=config)]


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# noqa: SSH101",
        "#NOQA:SSH101",
        "# noqa: E501, SSH101",
        "# noqa: E501 SSH101",
        "# type: ignore[x]  # noqa: SSH101",
        "# snapstart: ignore[SSH101]",
        "# snapstart: ignore[SSH101] the build's name",
        "# snapstart: ignore[SSH301, SSH101] both",
        "# Snapstart: Ignore[ssh101]",
    ],
)
def test_silences(comment: str) -> None:
    assert found(f"import uuid\nX = uuid.uuid4()  {comment}\n") == []


@pytest.mark.parametrize("comment", ["# noqa: E501", "# noqa: SSH301", "# noqa-ish", "# snapstart: ignore[SSH301] no"])
def test_does_not_silence_other_codes(comment: str) -> None:
    assert found(f"import uuid\nX = uuid.uuid4()  {comment}\n") == [(2, "SSH101")]


@pytest.mark.parametrize("line", [0, 1, 2, 3])
def test_counts_on_the_finding_s_lines_and_at_the_ends_of_its_statement(line: int) -> None:
    lines = ["X = dict(", "    a=1,", "    b=uuid.uuid4(),", ")"]
    lines[line] += "  # noqa: SSH101"
    assert found("\n".join(["import uuid", *lines, ""])) == ([] if line != 1 else [(4, "SSH101")])


def test_of_a_definition_the_header_counts_and_the_body_does_not() -> None:
    text = "import uuid\ndef f(\n    key=uuid.uuid4(),\n):{0}\n    return key{1}\n"
    assert found(text.format("  # noqa: SSH101", "")) == []
    assert found(text.format("", "  # noqa: SSH101")) == [(3, "SSH101")]


def test_counts_in_strings_and_on_other_lines_for_nothing() -> None:
    assert found('import uuid\nX = uuid.uuid4().hex + "# noqa"\n# noqa: SSH101\n') == [(2, "SSH101")]


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("# snapstart: ignore", "names no rule"),
        ("# snapstart: ignore[]", "names no rule"),
        ("# snapstart: ignore[SSH110]", "there is no rule SSH110: is SSH"),
        ("# snapstart: skip[SSH101]", "`snapstart: skip` is unknown"),
    ],
)
def test_one_that_cannot_be_understood_is_reported_and_silences_nothing(comment: str, says: str) -> None:
    findings = check_text(f"import uuid\nX = uuid.uuid4()  {comment}\n")
    assert [finding.code for finding in findings] == ["SSH101", "SSH902"]
    assert says in findings[1].message
    assert findings[1].column == 19


def test_unused_ones_are_reported_on_request() -> None:
    text = "import uuid\nA = 1  # noqa: SSH101\nB = uuid.uuid4()  # snapstart: ignore[SSH101, SSH301] x\n"
    assert found(text) == []
    assert found(text, STRICT) == [(2, "SSH901"), (3, "SSH901")]


def test_other_linters_suppressions_are_none_of_ours() -> None:
    assert found("A = 1  # noqa\nB = 2  # noqa: E501\nC = 3  # noqa: S101\n", STRICT) == []


def test_one_that_a_setting_makes_needless_is_still_used() -> None:
    config = LintConfig(report_unused=True, ignore={"SSH101": "why"})
    assert found("import uuid\nA = uuid.uuid4()  # noqa: SSH101\n", config) == []
