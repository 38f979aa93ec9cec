"""`[tool.snapstart-hooks.lint]`: what it says, and what is said of mistakes in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from snapstart_hooks.lint import ConfigError, LintConfig, Severity, check_paths, read_config

BAD = "import time\nimport uuid\n\nID = uuid.uuid4()\nNOW = time.time()\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text(BAD)
    (tmp_path / "src" / "legacy.py").write_text(BAD)
    return tmp_path


def configure(project: Path, settings: str) -> LintConfig:
    (project / "pyproject.toml").write_text(f"[tool.snapstart-hooks.lint]\n{settings}\n")
    return read_config([project / "src"], None)


def found(project: Path, config: LintConfig) -> list[str]:
    report = check_paths([project / "src"], config=config)
    return [f"{Path(finding.path).name} {finding.code}" for finding in report.findings]


ALL = ["app.py SSH101", "app.py SSH301", "legacy.py SSH101", "legacy.py SSH301"]


def test_without_settings_everything_is_checked(project: Path) -> None:
    assert read_config([project / "src"], None).select == ("SSH",)
    assert found(project, LintConfig()) == ALL


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", ALL),
        ('select = ["SSH1"]', [one for one in ALL if "SSH1" in one]),
        ('ignore = { SSH1 = "ids are public here" }', [one for one in ALL if "SSH3" in one]),
        ('per-file-ignores = { "src/legacy.py" = { SSH301 = "goes away in May" } }', ALL[:3]),
        ('per-file-ignores = { "legacy.py" = { SSH = "goes away in May" } }', ALL[:2]),
        ('per-file-ignores = { "src/*" = { SSH101 = "x" }, "nowhere/*" = { SSH301 = "x" } }', ALL[1::2]),
        ('exclude = ["legacy.py"]', ALL[:2]),
        ('exclude = ["leg*"]', ALL[:2]),
        ("exclude = []", ALL),
        ('severity = "error"', ALL[::2]),
    ],
)
def test_settings(project: Path, settings: str, expected: list[str]) -> None:
    assert found(project, configure(project, settings)) == expected


def test_what_settings_silence_is_counted(project: Path) -> None:
    report = check_paths([project], config=configure(project, 'ignore = { SSH1 = "x" }\nseverity = "error"'))
    assert (report.suppressed, report.below, report.findings, report.exit_code) == (2, 2, (), 0)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ('selct = ["SSH"]', "unknown setting `selct`. Is `select` meant?"),
        ('select = "SSH"', "a list of strings is needed, not 'SSH'"),
        ('select = ["SSH999"]', "select: no rule begins with 'SSH999'"),
        ('ignore = ["SSH101"]', 'a table of codes and reasons is needed, { SSH301 = "why" }'),
        ('ignore = { SSH101 = "" }', "SSH101 needs a reason"),
        ("ignore = { SSH101 = true }", "SSH101 needs a reason"),
        ('ignore = { E501 = "long" }', "no rule begins with 'E501'"),
        ('per-file-ignores = ["x"]', "a table is needed"),
        ('per-file-ignores = { "a.py" = ["SSH101"] }', 'per-file-ignores "a.py": a table of codes'),
        ('severity = "fatal"', "`severity` is one of error, warning, note, not 'fatal'"),
        ("report-unused = 1", "`report-unused` is true or false, not 1"),
        ("select = [", "is not valid TOML"),
    ],
)
def test_mistakes_are_named_with_their_place(project: Path, settings: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(project, settings)
    assert says in str(caught.value)
    assert str(project / "pyproject.toml") in str(caught.value)


def test_a_section_that_is_no_table_is_an_error(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.snapstart-hooks]\nlint = "on"\n')
    with pytest.raises(ConfigError, match="a table is needed, not 'on'"):
        read_config([project], None)


def test_another_file_can_be_named(project: Path) -> None:
    other = project / "other.toml"
    other.write_text('[tool.snapstart-hooks.lint]\nseverity = "note"\n')
    assert read_config([project], other).severity is Severity.NOTE
    with pytest.raises(ConfigError, match=r"missing\.toml cannot be read"):
        read_config([project], project / "missing.toml")
