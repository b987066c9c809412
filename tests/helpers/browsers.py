"""Use the page to label in as a person does: real clicks and keys in Debian's Chromium."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
# Without WebGL, and as root, as in a container.
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-webgl", "--disable-dev-shm-usage")
SIZE = {"width": 1100, "height": 760}


@dataclass
class LabelPage:
    """An open page."""

    page: Page
    problems: list[str]

    @property
    def state(self) -> dict[str, str]:
        """The state of the page, in the data of its body."""
        state: dict[str, str] = json.loads(self.page.evaluate("JSON.stringify({...document.body.dataset})"))
        return state

    def wait(self, wanted: Callable[[dict[str, str]], bool], seconds: float = 60) -> dict[str, str]:
        """Wait until the page is in a state."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.state
            if wanted(state):
                return state
            time.sleep(0.05)
        raise TimeoutError(f"{self.state}, {self.text('#message')}, {self.text('#state')}")

    def settled(self) -> dict[str, str]:
        """Wait until the server has acknowledged everything."""
        return self.wait(lambda state: state.get("ready") == "yes" and state.get("queue") == "0")

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Where a place of the scene is on the screen."""
        found = self.page.evaluate(
            "([x, y]) => { const p = page.chart.map.getPixelFromCoordinate([x, y]);"
            " const box = page.chart.map.getViewport().getBoundingClientRect(); return [p[0] + box.x, p[1] + box.y]; }",
            [x, y],
        )
        return found[0], found[1]

    def click(self, x: float, y: float, button: Any = "left") -> None:
        """Click on a place of the scene."""
        self.page.mouse.click(*self.pixel(x, y), button=button)

    def label(self, code: int, x: float, y: float) -> None:
        """Set a class, and click on a place."""
        self.press("Escape", str(code))
        self.click(x, y)

    def whole(self) -> None:
        """Show the whole scene."""
        self.press("0")
        self.page.evaluate(
            "() => new Promise((done) => { page.chart.map.once('rendercomplete', done); page.chart.map.render(); })"
        )

    def map(self) -> list[int]:
        """The classes that the page shows."""
        values: list[int] = self.page.evaluate("() => [...page.overlay.plane('labels')]")
        return values


class Chromium:
    """A browser."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def context(self) -> BrowserContext:
        """A person's browser, with its own storage."""
        return self._browser.new_context(viewport=SIZE)  # type: ignore[arg-type]

    def open(self, url: str, context: BrowserContext | None = None) -> LabelPage:
        """Open a page, and wait until it is ready."""
        page = (context or self.context()).new_page()
        opened = LabelPage(page, [])
        page.on("pageerror", lambda error: opened.problems.append(str(error)))
        page.on("console", lambda told: opened.problems.append(told.text) if _is_problem(told.text) else None)
        page.goto(url)
        opened.wait(lambda state: state.get("ready") == "yes", 120)
        return opened


def _is_problem(text: str) -> bool:
    """Whether the browser reports a violated policy, or an error; not that a server was killed."""
    return "Content Security Policy" in text or "Error:" in text


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Start Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(_ARGUMENTS))
        try:
            yield Chromium(browser)
        finally:
            browser.close()
