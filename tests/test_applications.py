"""The applications in ``examples/``: what is declared of each fits its sources, and the survey judges by it.

That the clones find what is planted is seen in the session ``survey``.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

import snapstart_hooks
from snapstart_hooks import resources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.applications import planted, survey

PROJECT = Path(__file__).parents[1]
APPLICATIONS = PROJECT / "examples" / "applications"
NAMES = sorted(folder.parent.name for folder in APPLICATIONS.glob("*/mistakes.toml"))
TWINS = [
    f"{name}/{twin}"
    for name in NAMES
    for twin in ("broken", "repaired", "resources")
    if (APPLICATIONS / name / twin).is_dir()
]
WITH_RESOURCES = [twin for twin in TWINS if twin.endswith("/resources")]
MODULES = {"apig-wsgi": "apig_wsgi", "grpcio": "grpc", "opentelemetry-sdk": "opentelemetry"}
BROUGHT_ALONG = {"botocore", "pydantic"}  # by boto3 and FastAPI, which hand out their objects

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """They can be imported."""
    monkeypatch.syspath_prepend(PROJECT)


@pytest.fixture
def pairs() -> dict[str, planted.Pair]:
    from examples.applications.planted import pairs as read

    return {pair.name: pair for pair in read()}


def trees(twin: str) -> dict[str, ast.Module]:
    """The modules of an application."""
    return {file.stem: ast.parse(file.read_bytes(), file) for file in sorted((APPLICATIONS / twin).glob("*.py"))}


def imported(tree: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The modules that are imported, with what is taken from each."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield str(node.module), tuple(alias.name for alias in node.names)


def from_us(twin: str, module: str = "snapstart_hooks") -> set[str]:
    """What an application imports of a module of ours."""
    taken = (names for tree in trees(twin).values() for name, names in imported(tree) if name == module)
    return {name for names in taken for name in names}


def test_every_folder_declares_its_mistakes(pairs: dict[str, planted.Pair]) -> None:
    folders = {folder.name for folder in APPLICATIONS.iterdir() if (folder / "broken").exists()}
    assert set(pairs) == folders
    assert len(folders) >= 8
    for pair in pairs.values():
        assert pair.events, pair.name
        assert (pair.folder / "README.md").read_text(encoding="utf-8").startswith("# ")
        names = [mistake.name for mistake in pair.mistakes]
        assert len(set(names)) == len(names) >= 4


def test_every_kind_of_mistake_is_planted_somewhere(pairs: dict[str, planted.Pair]) -> None:
    from examples.applications.planted import KINDS

    assert {mistake.kind for pair in pairs.values() for mistake in pair.mistakes} == set(KINDS)


def test_all_servers_are_known(pairs: dict[str, planted.Pair]) -> None:
    from examples.applications.servers import SERVERS

    assert {server for pair in pairs.values() for server in pair.servers} == set(SERVERS)


def test_clues_name_findings_that_there_can_be(pairs: dict[str, planted.Pair]) -> None:
    patterns = [clue for pair in pairs.values() for mistake in pair.mistakes for clue in mistake.clues]
    documented = re.findall(r"^\| `([a-z-]+)` \|", (PROJECT / "docs" / "hazards.md").read_text("utf-8"), re.MULTILINE)
    assert {pattern.partition(":")[0] for pattern in patterns} <= {*documented, "failure"}


@pytest.mark.parametrize("twin", TWINS)
def test_an_application_imports_what_the_survey_installs(twin: str) -> None:
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    requirements = [Requirement(each).name for each in declared["dependency-groups"]["survey"]]
    installed = {MODULES.get(name, name) for name in requirements} | BROUGHT_ALONG
    own = trees(twin)
    for tree in own.values():
        for module, names in imported(tree):
            top = module.partition(".")[0]
            if top == "snapstart_hooks":
                assert module in {top, resources.__name__}
                assert set(names) <= {*(snapstart_hooks if module == top else resources).__all__}
            else:
                assert top in {*sys.stdlib_module_names, *installed, *own}


@pytest.mark.parametrize("name", NAMES)
def test_hooks_are_what_repairs_it(pairs: dict[str, planted.Pair], name: str) -> None:
    assert from_us(f"{name}/repaired") & {"after_restore", "before_snapshot"}
    half = any(mistake.kind == "by-value" for mistake in pairs[name].mistakes)
    assert bool(from_us(f"{name}/broken")) == half  # such a mistake takes a hook


@pytest.mark.parametrize("twin", WITH_RESOURCES)
def test_resources_need_no_hook_beside_them(twin: str) -> None:
    assert from_us(twin, resources.__name__)
    assert not from_us(twin)


def test_both_repairs_are_compared(pairs: dict[str, planted.Pair]) -> None:
    from examples.applications import lines

    assert len(WITH_RESOURCES) == sum("resources" in pair.repaired for pair in pairs.values()) >= 7
    assert lines.table() in (APPLICATIONS / "README.md").read_text(encoding="utf-8")
    *_, together = lines.table().splitlines()
    hooks, with_resources = (int(cell.partition(", ")[2]) for cell in together.strip("| ").split(" | ")[2:])
    assert with_resources < hooks / 2


def test_lines_that_do_nothing_do_not_count(tmp_path: Path) -> None:
    from examples.applications.lines import code

    (tmp_path / "app.py").write_text(
        '"""What it is."""\nimport os\n\nclass Empty:\n    """Nothing."""\n\n\n# none\nx = [\n    1,\n]\n'
    )
    assert code(tmp_path) == ["class Empty:", "x = [1]"]


@pytest.mark.parametrize("twin", TWINS)
def test_the_handler_is_there(pairs: dict[str, planted.Pair], twin: str) -> None:
    module, _, function = pairs[twin.partition("/")[0]].handler.rpartition(".")
    bound = {
        name
        for node in trees(twin)[module].body
        for name in (
            [node.name]
            if isinstance(node, ast.FunctionDef)
            else [target.id for target in node.targets if isinstance(target, ast.Name)]
            if isinstance(node, ast.Assign)
            else []
        )
    }
    assert function in bound


def test_the_table_names_them_all(pairs: dict[str, planted.Pair]) -> None:
    rows = (APPLICATIONS / "README.md").read_text(encoding="utf-8").splitlines()
    counted = {
        row.partition("[")[2].partition("]")[0]: int(row.rstrip("| ").rpartition("|")[2])
        for row in rows
        if row.startswith("| [")
    }
    assert counted == {name: len(pair.mistakes) for name, pair in pairs.items()}


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        ("dice = random.Random()", "dice = nothing", "'dice = nothing' stands in 0 lines of "),
        ("dice = random.Random()", "random", "'random' stands in "),
        ('kind = "file"', 'kind = "files"', "there is no kind 'files'; there are connection, "),
        ('kind = "file"\n', "", "temporary folder: it lacks kind"),
        (
            'kind = "file"',
            'missed.cryogenics = "no"\nkind = "file"',
            "there is no backend cryogenics; there are criu, namespace",
        ),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, was: str, becomes: str, message: str) -> None:
    from examples.applications.planted import DeclaredError, Pair

    folder = Path(shutil.copytree(APPLICATIONS / "random_time", tmp_path / "random_time"))
    declared = (folder / "mistakes.toml").read_text(encoding="utf-8")
    assert was in declared
    (folder / "mistakes.toml").write_text(declared.replace(was, becomes), encoding="utf-8")
    with pytest.raises(DeclaredError) as raised:
        Pair.read(folder)
    assert message in str(raised.value)
    assert str(raised.value).startswith("random_time/mistakes.toml: ")


def judged(
    monkeypatch: pytest.MonkeyPatch,
    pair: planted.Pair,
    *,
    broken: list[str],
    repaired: list[str],
    resources: list[str] | tuple[()] = (),
    backend: str = "criu",
) -> survey.Verdict:
    """What the survey makes of these findings."""
    from examples.applications import survey

    told = {"broken": tuple(broken), "repaired": tuple(repaired), "resources": tuple(resources)}
    monkeypatch.setattr(survey, "report", lambda _, twin, __, ___: survey.Report(told[twin], backend))
    return survey.compare(pair, {})


def test_the_survey_wants_all_that_is_planted(monkeypatch: pytest.MonkeyPatch, pairs: dict[str, planted.Pair]) -> None:
    pair = pairs["http_clients"]
    shown = [
        "open-connection:tcp 127.0.0.1:1 (app.prices.adapters)",
        "failure:event 1: ReadError: [Errno 104] Connection reset by peer",
        "open-connection:tcp 127.0.0.1:1 (app.shipping._connector)",
        "repeated-value:response 3 $.price ()",
        "kept-value:app.token.value (app.token.value)",
    ]
    verdict = judged(monkeypatch, pair, broken=shown, repaired=[])
    assert verdict.ok
    assert {*verdict.found, *verdict.known} == {mistake.name for mistake in pair.mistakes}
    assert set(verdict.known) == {mistake.name for mistake in pair.mistakes if mistake.missed}
    for number, name in enumerate(verdict.found):
        verdict = judged(monkeypatch, pair, broken=shown[:number] + shown[number + 1 :], repaired=[])
        assert verdict.missed == (name,)
        assert not verdict.ok


def test_the_survey_wants_nothing_else(monkeypatch: pytest.MonkeyPatch, pairs: dict[str, planted.Pair]) -> None:
    pair = pairs["random_time"]
    shown = [clue.replace("*", "") for mistake in pair.mistakes for clue in mistake.clues if not mistake.missed]
    assert judged(monkeypatch, pair, broken=shown, repaired=[]).ok
    other = "live-thread:thread other ()"
    verdict = judged(monkeypatch, pair, broken=[*shown, other], repaired=[])
    assert (verdict.surprising, verdict.ok) == ((other,), False)
    verdict = judged(monkeypatch, pair, broken=shown, repaired=[other])
    assert (verdict.alarms, verdict.ok) == ((f"repaired: {other}",), False)
    verdict = judged(monkeypatch, pair, broken=shown, repaired=[], resources=[other])
    assert (verdict.alarms, verdict.ok) == ((f"resources: {other}",), False)


def test_what_one_backend_misses_another_has_to_show(
    monkeypatch: pytest.MonkeyPatch, pairs: dict[str, planted.Pair]
) -> None:
    pair = pairs["threads"]
    (late,) = (mistake for mistake in pair.mistakes if mistake.missed)
    shown = [clue.replace("*", "") for mistake in pair.mistakes for clue in mistake.clues if mistake is not late]
    verdict = judged(monkeypatch, pair, broken=shown, repaired=[], backend="namespace")
    assert (verdict.known, verdict.missed, verdict.ok) == ((late.name,), (), True)
    verdict = judged(monkeypatch, pair, broken=shown, repaired=[], backend="criu")
    assert (verdict.known, verdict.missed, verdict.ok) == ((), (late.name,), False)


def test_what_is_missed_no_more_is_told(monkeypatch: pytest.MonkeyPatch, pairs: dict[str, planted.Pair]) -> None:
    pair = pairs["redis_sessions"]
    shown = [clue.replace("*", "") for mistake in pair.mistakes for clue in mistake.clues]
    verdict = judged(monkeypatch, pair, broken=shown, repaired=[])
    assert verdict.stale == tuple(mistake.name for mistake in pair.mistakes if mistake.missed) != ()
    assert verdict.ok
