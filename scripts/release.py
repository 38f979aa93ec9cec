"""Compares what is about to be released: the tag, the version, the changelog and what was built.

``python scripts/release.py v1.2.3`` says what disagrees, and ends with 1 if anything does.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def disagreements(tag: str, root: Path = ROOT) -> list[str]:
    """What stands against a release of `root` as `tag`.

    Args:
        tag: The tag of the release, such as ``v1.2.3``.
        root: The project.
    """
    version: str = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    wrong: list[str] = []
    if tag != f"v{version}":
        wrong.append(
            f"the tag is {tag}, and the version in pyproject.toml {version}: tag v{version}, or raise the version"
        )
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        wrong.append(
            f"CHANGELOG.md has no heading '## [{version}] - <date>': give what is under Unreleased this heading"
        )
    built = {path.name for path in (root / "dist").glob("*") if path.is_file()}
    expected = {f"snapstart_hooks-{version}.tar.gz", f"snapstart_hooks-{version}-py3-none-any.whl"}
    if built != expected:
        wrong.append(f"dist/ has {sorted(built)} instead of {sorted(expected)}: python -m build")
    return wrong


def main() -> int:
    """Say what disagrees."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the name and the tag
        sys.exit("Give the tag: python scripts/release.py v1.2.3")
    wrong = disagreements(sys.argv[1])
    print("\n".join(wrong) or f"{sys.argv[1]} may be released.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
