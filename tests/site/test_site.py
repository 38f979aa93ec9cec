"""The built site, page by page: `make docs` runs this on what it has built."""

from __future__ import annotations

import functools
import importlib
import os
import re
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page

PROJECT = Path(__file__).parents[2]
SITE = PROJECT / "site"
PAGES = sorted(str(page.relative_to(SITE)) for page in SITE.glob("**/index.html"))
WIDE, NARROW = 1280, 390
REQUIRED = "SNAPSTART_HOOKS_REQUIRE_BROWSER"


def public_modules() -> set[str]:
    """The modules that the documentation imports from."""
    pages = [PROJECT / "README.md", *(PROJECT / "docs").glob("**/*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    return set(re.findall(r"^ *(?:from|import) (snapstart_hooks[\w.]*)", text, re.MULTILINE))


def anchors(page: str) -> set[str]:
    """What can be linked to in a page."""
    return set(re.findall(r'\bid="([^"]+)"', (SITE / page).read_text(encoding="utf-8")))


def test_every_public_name_is_in_the_reference() -> None:
    there = set().union(*(anchors(page) for page in PAGES if page.startswith("reference/")))
    modules = public_modules()
    assert {"snapstart_hooks", "snapstart_hooks.errors", "snapstart_hooks.testing"} <= modules
    names = {f"{module}.{name}" for module in modules for name in importlib.import_module(module).__all__}
    assert names - there == set()


def test_no_link_is_dead() -> None:
    dead: list[str] = []
    known = {page: anchors(page) for page in [*PAGES, "404.html"]}
    for page in PAGES:
        for link in set(re.findall(r'\bhref="([^"]+)"', (SITE / page).read_text(encoding="utf-8"))):
            target, fragment = urldefrag(urljoin(f"http://site/{page}", link.replace("&amp;", "&")))
            if urlsplit(target).netloc != "site":
                continue
            path = urlsplit(target).path.lstrip("/")
            path += "index.html" if not path or path.endswith("/") else ""
            if not (SITE / path).is_file() or (fragment and path in known and fragment not in known[path]):
                dead.append(f"{page}: {link}")
    assert not dead, "\n".join(dead)


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
    """A headless Chromium of this machine."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None and not os.environ.get(REQUIRED):
        pytest.skip("no Chromium is on the path: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


# What a reader would have to push aside: what is wider than the window, and each box with code that
# hides a part of its lines on a wide one.  Tables and code may be pushed within their own boxes on a narrow one.
OVERFLOW = """() => {
    const wide = document.documentElement.scrollWidth > window.innerWidth ? [document.title] : [];
    const all = document.querySelectorAll('article pre > code, article .md-typeset__table');
    const boxes = [...all].filter(box => window.innerWidth >= 1280 && box.clientWidth);
    const pushed = boxes.filter(box => box.scrollWidth > box.clientWidth + 1);
    return [...wide, ...pushed.map(box => box.innerText.slice(0, 80))];
}"""


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_in_a_browser_nothing_fails_and_nothing_overflows(browser: Browser, address: str, width: int) -> None:
    wrong: list[str] = []
    page: Page = browser.new_page(viewport={"width": width, "height": 900})

    def told(message: ConsoleMessage) -> None:
        ours = urlsplit(message.location["url"]).netloc == urlsplit(address).netloc
        if ours and message.type in {"error", "warning"}:
            wrong.append(f"{page.url}: {message.text}")

    page.on("console", told)
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    for each in PAGES:
        answer = page.goto(urljoin(address, each.removesuffix("index.html")), wait_until="load")
        assert answer is not None
        assert answer.ok, each
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            wrong += [f"{each} at {width}, {scheme}: {text}" for text in page.evaluate(OVERFLOW)]
    page.close()
    assert not wrong, "\n".join(wrong)
