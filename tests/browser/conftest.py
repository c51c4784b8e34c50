"""A browser and the stage that it looks at; where there is no browser the tests skip and say so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import inspector_stage as stage
import pytest
from inspector_page import WAIT_S, Page

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
