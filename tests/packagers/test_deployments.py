"""What the documentation says of deployments is what the tools for them take."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, TypedDict

import pytest
from documents import blocks
from packagers.matrix import ROOT, TOOLS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.once


class Resource(TypedDict):
    """One of a template's."""

    Type: str
    Properties: dict[str, object]


@pytest.fixture(scope="module")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page, and what they deploy."""
    folder = tmp_path_factory.mktemp("deployments")
    for block in blocks(ROOT / "docs" / "deploying.md"):
        file = folder / (block.title or "")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, encoding="utf-8")
    (folder / "layer" / "python").mkdir(parents=True)
    shutil.copytree(folder / "src", folder / "build")
    return folder


def ask(folder: Path, program: str, *arguments: str, **environ: str) -> str:
    found = TOOLS / program
    if not found.exists():
        pytest.skip(f"{program} is not to be had here")
    path = os.pathsep.join([str(TOOLS), os.environ["PATH"]])
    done = subprocess.run(
        [found, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1", **environ},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def resources(template: Path, kind: str) -> Sequence[Resource]:
    document: dict[str, dict[str, Resource]] = json.loads(template.read_text(encoding="utf-8"))
    return [each for each in document["Resources"].values() if each["Type"] == kind]


@pytest.mark.parametrize("template", ["template.yaml", "layer.yaml"])
def test_templates_of_sam_are_without_a_finding(deployments: Path, template: str) -> None:
    assert ask(deployments, "cfn-lint", template) == ""


def test_what_is_wrong_in_a_template_is_found(deployments: Path, tmp_path: Path) -> None:
    text = (deployments / "template.yaml").read_text(encoding="utf-8").replace("PublishedVersions", "Everything")
    (tmp_path / "template.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError, match="Everything"):
        ask(tmp_path, "cfn-lint", "template.yaml")


def test_the_cdk_makes_a_template_with_snapstart(deployments: Path, tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("the CDK needs Node.js")
    ask(deployments, "python", "cdk/app.py", CDK_OUTDIR=str(tmp_path))
    template = tmp_path / "Shop.template.json"
    (function,) = resources(template, "AWS::Lambda::Function")
    assert function["Properties"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert len(resources(template, "AWS::Lambda::Version")) == len(resources(template, "AWS::Lambda::Alias")) == 1
    ask(tmp_path, "cfn-lint", "--ignore-checks", "W3005", "--template", template.name)  # which the CDK writes itself


def test_terraform_reads_what_is_written_in_its_format(deployments: Path) -> None:
    program = "import hcl2, json; print(json.dumps(hcl2.load(open('main.tf'))))"
    text = ask(deployments, "python", "-c", program).replace('\\"', "")
    assert '"publish": true' in text
    assert '"snap_start": [{"apply_on": "PublishedVersions"' in text
    if terraform := shutil.which("terraform"):
        subprocess.run([terraform, "fmt", "-check", "main.tf"], cwd=deployments, check=True, timeout=60)


def test_serverless_packs_and_publishes_with_snapstart(deployments: Path) -> None:
    modules = TOOLS.parent / "npm" / "node_modules"
    if not (modules / ".bin" / "serverless").exists():
        pytest.skip("serverless is not to be had here")
    (deployments / "node_modules").symlink_to(modules)
    file = deployments / "serverless.yml"
    text = file.read_text(encoding="utf-8").replace("fileName: src/requirements.txt", "fileName: none.txt")
    file.write_text(text.replace("pythonRequirements:", "pythonRequirements:\n    pythonBin: python"), encoding="utf-8")
    quiet = {"SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off", "CI": "1"}
    ask(deployments, "../npm/node_modules/.bin/serverless", "package", **quiet)
    template = deployments / ".serverless" / "cloudformation-template-update-stack.json"
    (function,) = resources(template, "AWS::Lambda::Function")
    assert function["Properties"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert resources(template, "AWS::Lambda::Version")


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.custom", "Dockerfile.small"])
def test_images_start_the_runtime_with_the_handler(deployments: Path, name: str) -> None:
    """No daemon builds them here: that their instructions are right is read by a parser of such files."""
    program = (
        "import sys, json; from dockerfile_parse import DockerfileParser\n"
        "parsed = DockerfileParser(fileobj=open(sys.argv[1], 'rb'))\n"
        "print(json.dumps([[each['instruction'], each['value']] for each in parsed.structure]))\n"
    )
    told: list[list[str]] = json.loads(ask(deployments, "python", "-c", program, name))
    instructions = dict(told)
    assert set(instructions) <= {"FROM", "WORKDIR", "COPY", "RUN", "ENTRYPOINT", "CMD"}
    assert json.loads(instructions["CMD"]) == ["app.handler"]
    for kind, value in told:
        if kind == "COPY":
            assert (deployments / value.split()[0]).is_file()
    if "ENTRYPOINT" in instructions:
        assert json.loads(instructions["ENTRYPOINT"]) == ["python", "-m", "awslambdaric"]
    else:
        assert instructions["FROM"].startswith("public.ecr.aws/lambda/python:")
