"""A person in a browser session, and the pages as objects: the only place that knows selectors."""

import re
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

#: A bound, not a wait: every expectation returns as soon as it holds.
PATIENCE_MS = 15_000


@dataclass
class Visitor:
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        # Chromium also logs every 4xx answer as an error; tests that provoke one look at it themselves.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def sign_in(self, username: str, password: str) -> None:
        self.page.goto("/account/login/")
        self.page.locator("[name=login]").fill(username)
        self.page.locator("[name=password]").fill(password)
        self.page.keyboard.press("Enter")

    def come_in(self, username: str, password: str) -> None:
        """Sign in, and wait for the page behind."""
        self.sign_in(username, password)
        expect(self.page).not_to_have_url(re.compile("/account/login/"))
        self.page.wait_for_load_state()

    def tab_to(self, target: Locator, *, most: int = 150) -> None:
        """Reach an element as a person without a pointer does: with the tabulator alone."""
        expect(target).to_be_visible()
        for _press in range(most):
            if target.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"not reached with the keyboard: {target}")

    def press(self, target: Locator, key: str = "Enter") -> None:
        self.tab_to(target)
        self.page.keyboard.press(key)

    def type_into(self, target: Locator, words: str) -> None:
        self.tab_to(target)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(words)

    def choose(self, target: Locator, words: str) -> None:
        """Choose in a list by typing the beginning of what stands there."""
        self.tab_to(target)
        self.page.keyboard.type(words)


@dataclass
class Frame:
    page: Page

    def environment(self, key: str) -> Locator:
        return self.page.get_by_role("banner").locator(f"button[name=environment][value={key}]")

    def language(self, code: str) -> Locator:
        return self.page.get_by_role("banner").locator(f"button[name=language][value={code}]:visible")

    @property
    def person(self) -> Locator:
        return self.page.get_by_role("banner").locator("details.menu > summary")

    @property
    def sign_out(self) -> Locator:
        return self.page.get_by_role("banner").locator("form[action='/account/logout/'] button")


@dataclass
class PlanPage:
    page: Page

    def open(self) -> None:
        self.page.goto("/rollouts/plan/")

    def field(self, name: str) -> Locator:
        return self.page.locator(f"main [name={name}]").first

    @property
    def preview(self) -> Locator:
        return self.page.locator("main button[name=preview]")

    @property
    def moments(self) -> Locator:
        return self.page.locator("main .moments li")

    @property
    def confirm(self) -> Locator:
        return self.page.locator("main button[name=confirm]")


@dataclass
class RolloutPage:
    page: Page

    @property
    def live(self) -> Locator:
        return self.page.get_by_role("main")

    def details_of(self, action: str) -> Locator:
        return self.page.locator("main details", has=self.page.locator(f"form[action$='/{action}/']"))

    def act(self, visitor: Visitor, action: str, *, reason: str) -> None:
        """Open an action, say why, and press its button: with the keyboard."""
        form = self.page.locator(f"main form[action$='/{action}/']").first
        visitor.press(self.details_of(action).locator("summary").first)
        visitor.type_into(form.locator("[name=reason]"), reason)
        visitor.press(form.locator("button[type=submit]").last)

    def wait_for(self, words: str) -> None:
        expect(self.live).to_contain_text(re.compile(words, re.IGNORECASE))


@dataclass
class ComplaintPage:
    page: Page

    @property
    def text(self) -> Locator:
        return self.page.locator("main textarea[name=text]")

    def field(self, name: str) -> Locator:
        return self.page.locator(f"main [name={name}]")

    @property
    def meter(self) -> Locator:
        return self.page.get_by_role("progressbar", name="Complaints today")


@dataclass
class Palette:
    page: Page

    @property
    def dialog(self) -> Locator:
        return self.page.locator("#palette")

    @property
    def box(self) -> Locator:
        return self.dialog.get_by_role("combobox")

    @property
    def options(self) -> Locator:
        return self.dialog.get_by_role("option")

    def option(self, name: str) -> Locator:
        return self.dialog.get_by_role("option", name=name)

    @property
    def chosen(self) -> Locator:
        return self.dialog.locator("[role=option][aria-selected=true]")

    @property
    def said(self) -> Locator:
        return self.page.locator("#hits-said")
