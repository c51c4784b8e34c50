"""The inspector in a browser, as tests drive it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import inspector_stage

WAIT_S = 45


@dataclass(slots=True)
class Page:
    """The inspector in a browser."""

    driver: Any
    url: str
    key: str
    told: inspector_stage.Told
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
