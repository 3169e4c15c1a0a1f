"""Screens looked at by axe, in both schemes."""

from __future__ import annotations

from importlib import resources
from typing import Any

from playwright.sync_api import Page

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
# Two schemes differ in their colours alone.
RUN = """async (rules) => (await axe.run(document, { resultTypes: ["violations"], ...rules })).violations
    .map((one) => [one.id, one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 200)} ${node.failureSummary}`)])"""


class Screens:
    """Each screen looked at in both schemes; in the widget's frame, if the page has one."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: dict[str, Any] = {}

    def look(self, name: str) -> None:
        frame = next((one for one in self.page.frames if "/widget" in one.url), self.page.main_frame)
        if not frame.evaluate("() => Boolean(window.axe)"):
            frame.evaluate(AXE)
        colours = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
        for scheme, rules in (("light", {}), ("dark", colours)):
            self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            if said := frame.evaluate(RUN, rules):
                self.complaints[f"{name}, {scheme}"] = said
