"""A browser and the stage that it looks at; where there is no browser the tests skip and say so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import stage

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-sync",
    "--no-first-run",
    "--lang=en",
    "--window-size=1280,900",
)
WAIT_S = 15


@dataclass(slots=True)
class Page:
    """The inspector in a browser."""

    driver: Any
    url: str
    key: str
    told: stage.Told
    memory: Any

    def open(self, address: str = "") -> None:
        """Go to an address of the page and wait until it is there."""
        self.driver.get(f"{self.url}/{address}")
        self.wait("return document.querySelector('main') !== null")

    def enter(self) -> None:
        """Begin a session."""
        self.driver.get("about:blank")
        self.open(f"#key={self.key}")
        self.wait("return document.querySelector('.frame') !== null")

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str) -> Any:
        """Wait until a script returns something true, and return it."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, WAIT_S, poll_frequency=0.05).until(lambda driver: driver.execute_script(script))

    def text(self, selector: str = "main") -> str:
        """Return the text of an element."""
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def shows(self, words: str, selector: str = "main") -> None:
        """Wait until an element shows some words."""
        quoted = words.replace("\\", "\\\\").replace("'", "\\'")
        self.wait(f"const e = document.querySelector('{selector}'); return e && e.innerText.includes('{quoted}')")

    def click(self, label: str, within: str = "body") -> None:
        """Click the first button that is called so."""
        find = "return [...document.querySelector(arguments[0]).querySelectorAll('button')].find(b => b.innerText.trim() === arguments[1])"
        self.run(f"({{f: function() {{ {find} }}}}).f.apply(null, arguments).click()", within, label)

    def press(self, keys: str) -> None:
        """Press keys wherever the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(keys).perform()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no browser here; install chromium and chromium-driver")
    if find_spec("selenium") is None:
        pytest.skip("selenium is not installed")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driven = webdriver.Chrome(options=options, service=Service(driver))
    yield driven
    driven.quit()


@pytest.fixture(scope="session")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    root: Path = tmp_path_factory.mktemp("stage")
    with stage.open_memory(root) as memory:
        told = stage.fill(memory)
        with stage.serving(memory) as (url, key):
            browser.set_page_load_timeout(WAIT_S)
            shown = Page(driver=browser, url=url, key=key, told=told, memory=memory)
            shown.enter()
            yield shown
