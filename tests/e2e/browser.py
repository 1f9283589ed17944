"""A real browser, for tests of the page: Debian's chromium, driven by selenium."""

import os
import shutil

from lockd import LIMIT, wait_until

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.keys import Keys
except ImportError:
    webdriver = None

# Runs in each document before its own scripts.
WITNESS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI);
});
window.mistakes = [];
addEventListener("error", (event) => window.mistakes.push(String(event.message)));
addEventListener("unhandledrejection", (event) => window.mistakes.push(String(event.reason)));
"""


def missing():
    """Returns what the tests need and is not installed; "" if nothing is missing."""
    tools = [tool for tool in ("chromium", "chromedriver") if shutil.which(tool) is None]
    return ", ".join(tools + ([] if webdriver else ["python3-selenium"]))


class Browser:
    """A browser with one window."""

    def __init__(self):
        options = Options()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--window-size=1280,800", "--disable-gpu",
                         "--disable-dev-shm-usage", "--disable-extensions", "--no-first-run",
                         "--disable-background-networking", "--lang=en",
                         *(["--no-sandbox"] if os.geteuid() == 0 else [])):
            options.add_argument(argument)
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")),
                                       options=options)
        self.driver.set_page_load_timeout(LIMIT)
        self.driver.set_script_timeout(LIMIT)
        self.command("Page.addScriptToEvaluateOnNewDocument", source=WITNESS)

    def command(self, name, **parameters):
        """A command of the browser's DevTools."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def close(self):
        self.driver.quit()

    def open(self, url):
        """Opens an address as in a new window: what a former document had in memory is gone."""
        self.driver.get("about:blank")
        self.driver.get(url)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, selector):
        """Returns the texts of all elements that a person can see."""
        return self.js("""return [...document.querySelectorAll(arguments[0])]
            .filter((one) => one.getClientRects().length !== 0)
            .map((one) => one.textContent.trim());""", selector)

    def text(self, selector):
        """Returns the text of the first such element; "" if there is none."""
        return next(iter(self.all(selector)), "")

    def wait(self, selector, text="", gone=False):
        """Waits until an element with the text can be seen, or until there is none."""
        def found():
            return any(text in one for one in self.all(selector)) != gone
        try:
            wait_until(found, "")
        except AssertionError:
            raise AssertionError(f"no '{text}' at {selector}:\n{self.text('body')}") from None

    def element(self, selector, text=""):
        """Waits for an element with the text."""
        self.wait(selector, text)
        return self.js("""return [...document.querySelectorAll(arguments[0])].find((one) =>
            one.getClientRects().length !== 0 && one.textContent.includes(arguments[1]));""",
                       selector, text)

    def click(self, selector, text=""):
        self.element(selector, text).click()

    def write(self, selector, text):
        element = self.element(selector)
        element.clear()
        element.send_keys(text)

    def press(self, *names):
        """Presses keys, by the names of selenium, where the focus is."""
        self.driver.switch_to.active_element.send_keys(
            *(getattr(Keys, name, name) for name in names))

    def focus(self):
        """Returns what has the focus, as a short text."""
        return self.js("""const one = document.activeElement;
            return one.id || one.getAttribute("aria-label") || one.textContent.trim();""")

    def elements(self):
        """Returns how many elements the document has."""
        return self.js("return document.querySelectorAll('*').length;")
