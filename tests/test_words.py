"""Docstrings and messages say what they mean, in whole sentences and in the field's terms."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import inspect
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import snapstart_hooks
from snapstart_hooks import _pages, errors

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.once

PROJECT = Path(__file__).parents[1]
PACKAGE = Path(snapstart_hooks.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

VERBS = frozenset(
    """accept activate add allow answer append apply assert attach await begin bind build cache call cause
    change check choose clear close collect combine compare compute configure connect contain convert copy count
    create declare decorate define describe detach differ disable discard discover dispose do drop empty end
    enter examine exclude execute export extend fail find finish flush forget form freeze get give handle hold
    identify implement import include inform inherit initialise iterate keep let limit list load log lose make
    mark match measure merge name need notify observe offer open order override pass plan prepare prime print
    provide publish put raise read reconnect record refer register release remove replace report represent
    require reseed reset resolve restore return run save seed select send set share ship show simulate skip
    start stay stop store substitute switch take test track undo unregister update use validate verify wait
    watch wrap write yield""".split()  # noqa: SIM905 - shorter than a list
)
"""Verbs with which a docstring may begin.  Add yours: what counts is that there is one."""
FORMS = VERBS | frozenset(("are", "has", "is", "was", "were", "can", "may", "must", "built", "found", "kept", "made"))
NO_SUBJECT = frozenset(
    ("it", "its", "one", "that", "their", "these", "they", "this", "those", "what", "whoever", "whose")
)
"""With these no docstring begins: they refer to something that stands nowhere."""

INSTEAD = {
    r"\b[tT]old\b": "reported, logged, shown, given",
    r"\bone that is none\b": "a subject",
    r"\bwhat (is|are) told\b": "what is reported",
    r"\bthose of several\b": "a subject",
    r"\bwhat keeps (it|them)\b": "the holder",
    r"\bis none (for|of)\b": "is not a ...",
}
"""What nobody says, and what to say instead."""
NAMES = {"told": "message", "matter": "subject", "keeps": "holder"}
"""Names for which the field has a term."""


def modules() -> set[str]:
    """The public modules: those of the reference, and those whose names it lists."""
    pages = (PROJECT / "docs" / "reference").glob("*.md")
    names = {name for page in pages for name in re.findall(r"(?m)^::: ([\w.]+)$", page.read_text(encoding="utf-8"))}
    return {name if importlib.util.find_spec(name) else name.rpartition(".")[0] for name in names}


@dataclass(frozen=True)
class Documented:
    """A public object: its name, its kind, its docstring, its definition."""

    name: str
    kind: str
    doc: str
    file: Path
    tree: ast.AST

    @property
    def sentence(self) -> str:
        """The first sentence."""
        return re.split(r"(?<=\.)\s", " ".join(self.doc.partition("\n\n")[0].split()), maxsplit=1)[0]


@functools.cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def source(value: object) -> Path | None:
    """The file that defines a class or function, if it is one of the package."""
    codes = [getattr(each, "__code__", None) for each in (value, *getattr(value, "__dict__", {}).values())]
    files = [Path(code.co_filename) for code in codes if code is not None]
    if not files and isinstance(value, type):
        found = re.compile(rf"(?m)^class {value.__name__}\b")
        files = [file for file in PACKAGE.rglob("*.py") if found.search(file.read_text(encoding="utf-8"))]
    return next((file for file in files if file.is_relative_to(PACKAGE)), None)


def definition(file: Path, qualname: str) -> ast.AST | None:
    """The definition of a class or function; the last one, behind its overloads."""
    tree: ast.AST = parsed(file)
    for name in qualname.split("."):
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        same = [node for node in ast.walk(tree) if isinstance(node, kinds) and node.name == name]
        if not same:
            return None
        tree = same[-1]
    return tree


@functools.cache
def documented() -> list[Documented]:
    """Each public module, class, function, method and property of ours."""
    found: dict[int, Documented] = {}

    def add(name: str, kind: str, value: object) -> None:
        func: object = inspect.unwrap(value) if callable(value) else value
        file = source(func)
        tree = definition(file, str(getattr(func, "__qualname__", ""))) if file is not None else None
        if file is not None and tree is not None:
            found.setdefault(id(func), Documented(name, kind, getattr(value, "__doc__", None) or "", file, tree))

    for name in sorted(modules()):
        module = importlib.import_module(name)
        file = Path(module.__file__ or "")
        found[id(module)] = Documented(name, "module", module.__doc__ or "", file, parsed(file))
        for public in getattr(module, "__all__", ()):
            value: object = getattr(module, public)
            if inspect.isfunction(value):
                add(f"{name}.{public}", "function", value)
            if not inspect.isclass(value) or source(value) is None:
                continue
            add(f"{name}.{public}", "class", value)
            for member, raw in vars(value).items():
                if not member.startswith("_"):
                    kind, func = ("property", raw.fget) if isinstance(raw, property) else ("function", raw)
                    func = getattr(func, "__func__", func)
                    inherited = any(hasattr(base, member) for base in value.__mro__[1:])
                    if inspect.isfunction(func) and (func.__doc__ or not inherited):
                        add(f"{name}.{public}.{member}", kind, func)
    return [each for each in found.values() if each.file in FILES]


def stems(word: str) -> set[str]:
    """The verbs of which a word can be a form."""
    word = word.lower()
    ends = [word.removesuffix(end) for end in ("s", "es", "d", "ed", "ing") if word.endswith(end)]
    return {word, *ends, *(f"{each}e" for each in ends), *(each[:-1] for each in ends if each[-1:] == each[-2:-1])}


def test_a_public_docstring_begins_with_a_sentence() -> None:
    wrong: list[str] = []
    for each in documented():
        first, *_ = words = re.findall(r"[\w-]+", each.sentence) or [""]
        if not each.sentence.endswith("."):
            wrong.append(f"{each.name}: ends without a period: {each.sentence!r}")
        elif first.lower() in NO_SUBJECT:
            wrong.append(f"{each.name}: begins with {first!r}: {each.sentence!r}")
        elif each.kind == "function" and not stems(first) & VERBS:
            wrong.append(f"{each.name}: begins with no verb: {each.sentence!r}")
        elif not any(stems(word) & FORMS for word in words):
            wrong.append(f"{each.name}: has no verb: {each.sentence!r}")
    assert not wrong, "\n".join(wrong)


def section(doc: str, *names: str) -> str:
    """What stands below one of these headings."""
    return "\n".join(re.findall(rf"(?ms)^ *(?:{'|'.join(names)}):\n(.*?)(?=^\s*$|\Z)", doc + "\n"))


def parameters(tree: ast.AST) -> list[str]:
    """The parameters of a function, or of a class's own constructor."""
    if isinstance(tree, ast.ClassDef):
        made = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
        return parameters(made[-1]) if made else []
    assert isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef))
    args = tree.args
    several = [each for each in (args.vararg, args.kwarg) if each is not None]
    names = [each.arg for each in (*args.posonlyargs, *args.args, *args.kwonlyargs, *several)]
    return [name for name in names if name not in {"self", "cls"} and not name.startswith("_")]


def whole(each: Documented) -> str:
    """The docstring, with that of a class's constructor."""
    doc = inspect.cleandoc(each.doc)
    if isinstance(each.tree, ast.ClassDef):
        made = [ast.get_docstring(node) for node in each.tree.body if getattr(node, "name", "") == "__init__"]  # type: ignore[arg-type]
        doc = "\n\n".join([doc, *filter(None, made)])
    return doc


NOT_FOR_USERS = re.compile(r"\bmakes? one\b|\bFor this package alone\b")
"""How a docstring says that users do not call the constructor, or the function."""


def test_each_parameter_is_documented() -> None:
    wrong: list[str] = []
    for each in documented():
        if each.kind in {"module", "property"} or NOT_FOR_USERS.search(each.doc):
            continue
        said = section(whole(each), "Args", "Attributes")
        lacking = [name for name in parameters(each.tree) if not re.search(rf"(?m)^\s*\**{name}( \(.*\))?:", said)]
        wrong += [f"{each.name}: Args lacks {name}" for name in lacking]
    assert not wrong, "\n".join(wrong)


def raised(tree: ast.AST) -> Iterator[str]:
    """The public errors that stand behind ``raise`` in a body, without those of functions inside."""
    own = list(ast.iter_child_nodes(tree))
    for node in own:
        if isinstance(node, ast.Raise) and node.exc is not None:
            named = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")
            if name in PUBLIC_ERRORS:
                yield name
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            own += ast.iter_child_nodes(node)


PUBLIC_ERRORS = frozenset(
    [*errors.__all__, "CloneError", "ClonesFailed", "HazardsFound", "TypeError", "ValueError", "LookupError"]
)


def test_each_error_is_documented() -> None:
    wrong: list[str] = []
    for each in documented():
        if each.kind in {"function", "property"}:
            said = section(each.doc, " *Raises")
            wrong += [f"{each.name}: Raises lacks {name}" for name in raised(each.tree) if name not in said]
    assert not wrong, "\n".join(wrong)


def texts() -> Iterator[tuple[str, str]]:
    """Each text of the package, with its place."""
    for file in FILES:
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{file.relative_to(PACKAGE)}:{node.lineno}", node.value


def test_no_text_names_a_file_of_the_repository() -> None:
    """Whoever installed the package has none of them: `_pages.page` gives the address of a page."""
    path = re.compile(r"(?<![\w./])(?:docs|tests|examples|scripts|benchmarks|src)/\w[\w./-]*")
    wrong = [f"{place}: {found[0]}" for place, text in texts() if (found := path.search(text))]
    assert not wrong, "\n".join(wrong)


def test_each_text_says_what_it_means() -> None:
    wrong = [
        f"{place}: {found[0]!r}, say {instead}"
        for place, text in texts()
        for pattern, instead in INSTEAD.items()
        if (found := re.search(pattern, text))
    ]
    for file in FILES:
        for node in ast.walk(parsed(file)):
            name = getattr(node, "arg", None) or getattr(node, "id", None) or getattr(node, "attr", None)
            if name in NAMES and isinstance(node, (ast.arg, ast.Name, ast.Attribute, ast.keyword)):
                wrong.append(f"{file.relative_to(PACKAGE)}:{node.lineno}: {name}, say {NAMES[name]}")
    assert not wrong, "\n".join(wrong)


def anchors(page: Path) -> set[str]:
    """What can be linked to in a page."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"(?m)^#+ (.*)$", re.sub(r"(?ms)^```.*?^```$", "", text))
    slugs = (re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", each).strip().lower()) for each in headings)
    return {"", *slugs, *re.findall(r'id="([^"]+)"', text)}


def test_each_address_leads_to_a_page_and_its_section() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Documentation"] == _pages.SITE
    asked: set[tuple[str, str]] = set()
    for file in FILES:
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "page":
                given = [ast.literal_eval(each) for each in node.args if isinstance(each, ast.Constant)]
                if len(given) == len(node.args):
                    asked.add((given[0], given[1] if len(given) > 1 else ""))
    written = re.compile(re.escape(_pages.SITE) + r"([\w-]+)/(?:#([\w-]+))?")
    asked |= {(page, section) for _, text in texts() for page, section in written.findall(text)}
    assert asked
    for page, section in asked:
        assert section in anchors(PROJECT / "docs" / f"{page}.md"), _pages.page(page, section)
