"""The built site, page by page: `make docs` runs this on what it has built."""

from __future__ import annotations

import functools
import importlib
import os
import re
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from playwright.sync_api import Browser, ConsoleMessage

PROJECT = Path(__file__).parents[2]
SITE = PROJECT / "site"
PAGES = sorted(str(page.relative_to(SITE)) for page in SITE.glob("**/index.html"))
WIDE, NARROW = 1280, 390
REQUIRED = "SNAPSTART_HOOKS_REQUIRE_BROWSER"
ADDRESS = "https://snapstart-hooks.github.io/snapstart-hooks/"
PATIENCE = 120_000  # milliseconds: other tests may have the machine


def public_modules() -> set[str]:
    """The modules that the documentation imports from."""
    pages = [PROJECT / "README.md", *(PROJECT / "docs").glob("**/*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    return set(re.findall(r"^ *(?:from|import) (snapstart_hooks[\w.]*)", text, re.MULTILINE))


@functools.cache
def anchors(page: str) -> set[str]:
    """What can be linked to in a page."""
    return set(re.findall(r'\bid="([^"]+)"', (SITE / page).read_text(encoding="utf-8")))


def test_the_reference_has_every_public_name_and_no_other() -> None:
    there = set().union(*(anchors(page) for page in PAGES if page.startswith("reference/")))
    modules = public_modules()
    assert {"snapstart_hooks", "snapstart_hooks.errors", "snapstart_hooks.testing"} <= modules
    names = {f"{module}.{name}" for module in modules for name in importlib.import_module(module).__all__}
    assert names - there == set()
    of_our_modules = {each for each in there if each.rpartition(".")[0] in modules}
    assert of_our_modules - names - modules == set()


def dead(links: Iterable[str], page: str = "") -> list[str]:
    """The links of a page of the site that lead nowhere in it; those to elsewhere are not followed."""
    nowhere: list[str] = []
    for link in links:
        target, fragment = urldefrag(urljoin(f"{ADDRESS}{page}", link.replace("&amp;", "&")))
        if not target.startswith(ADDRESS):
            continue
        path = urlsplit(target).path.removeprefix(urlsplit(ADDRESS).path)
        path += "index.html" if not path or path.endswith("/") else ""
        there = (SITE / path).is_file() and (not fragment or not path.endswith(".html") or fragment in anchors(path))
        nowhere += [] if there else [f"{page}: {link}"]
    return nowhere


def test_no_link_is_dead() -> None:
    links = re.compile(r'\b(?:href|src)="([^"]+)"')
    found = [dead(set(links.findall((SITE / page).read_text(encoding="utf-8"))), page) for page in PAGES]
    assert len(found) > 30
    assert list(chain(*found)) == []


def test_addresses_on_the_site_that_stand_elsewhere_are_alive() -> None:
    files = [*PROJECT.glob("*.md"), PROJECT / "pyproject.toml", *(PROJECT / "src").glob("**/*.py")]
    named = {file: re.findall(rf"{ADDRESS}[\w/#.-]*[\w/]", file.read_text(encoding="utf-8")) for file in files}
    assert PROJECT / "README.md" in {file for file, links in named.items() if links}
    assert [each for file, links in named.items() for each in dead(links, file.name)] == []
    assert dead([f"{ADDRESS}hooks/#no-such", "no-such/", "hooks/#options"], "p") == [
        f"p: {ADDRESS}hooks/#no-such",
        "p: no-such/",
    ]


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and tells nobody."""

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the site is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium of this machine, which finds no other machine."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None and not os.environ.get(REQUIRED):
        pytest.skip("no Chromium is on the path: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    alone = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage", alone], timeout=PATIENCE
        )
        yield started
        started.close()


# What a reader would have to push aside: whatever is wider than the window, a table that hides a part of its lines,
# and on a wide window a box with code that does.  Long lines of code may be pushed in their own box on a narrow one.
# And tables that have lost their lines.
OVERFLOW = """async () => {
    // The tables are stacked when the window has changed, before the next frame is painted.
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    const wide = document.documentElement.scrollWidth > window.innerWidth ? [document.title] : [];
    const boxes = 'article .md-typeset__scrollwrap' + (window.innerWidth >= 1280 ? ', article pre > code' : '');
    const pushed = [...document.querySelectorAll(boxes)].filter(box => box.scrollWidth > box.clientWidth + 1);
    // The theme draws no lines in a table with a class, even an empty one.
    const bare = document.querySelectorAll('article table[class]:not(.stacked, .highlighttable)');
    return [...wide, ...[...pushed, ...bare].map(box => box.innerText.slice(0, 80))];
}"""


def test_in_a_browser_nothing_fails_and_nothing_overflows(browser: Browser, address: str) -> None:
    wrong: list[str] = []
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)

    def heard(message: ConsoleMessage) -> None:
        ours = urlsplit(message.location["url"]).netloc == urlsplit(address).netloc
        if ours and message.type in {"error", "warning"}:
            wrong.append(f"{page.url}: {message.text}")

    page.on("console", heard)
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    for each in PAGES:
        answer = page.goto(urljoin(address, each.removesuffix("index.html")), wait_until="load")
        assert answer is not None
        assert answer.ok, each
        for width in (WIDE, NARROW):
            page.set_viewport_size({"width": width, "height": 900})
            wrong += [f"{each} at {width}: {text}" for text in page.evaluate(OVERFLOW)]
    page.close()
    assert not wrong, "\n".join(wrong)


def test_the_front_page_has_problem_and_cure_in_one_screen(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": WIDE, "height": 800})
    page.set_default_timeout(PATIENCE)
    page.goto(address, wait_until="load")
    for what in ("h1", ".beside pre", ".beside img.wide-only", ".beside > div .highlight"):
        box = page.locator(what).first.bounding_box()
        assert box is not None, what
        assert box["height"] > 20, what
        assert box["y"] + box["height"] <= 800, what
    page.close()
