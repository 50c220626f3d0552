"""A page as a browser reads it: its elements, its words, what stands in its fields."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

VOID = {"input", "img", "br", "hr", "meta", "link", "use", "path"}


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.values: dict[str, str] = {}
        self.by_id: dict[str, str] = {}
        self._open: list[tuple[str, dict[str, str]]] = []
        self._select = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        name = found.get("name", "")
        if tag == "input" and (found.get("type") not in ("checkbox", "radio") or "checked" in found):
            self.values.setdefault(name, found.get("value", ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in found:
            self.values[self._select] = found.get("value", "")
        elif tag == "textarea":
            self.values.setdefault(name, "")
        if tag not in VOID:
            self._open.append((tag, found))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, attrs = self._open[-1] if self._open else ("", {})
        if tag in ("script", "style"):
            self.scripts.append(data)
            return
        if tag == "textarea":
            # A browser drops the line end right after the opening tag.
            name = attrs.get("name", "")
            whole = self.values.get(name, "") + data
            self.values[name] = whole
        self.words.append(data)
        for _, above in self._open:
            if "id" in above:
                self.by_id[above["id"]] = self.by_id.get(above["id"], "") + data

    def value(self, name: str) -> str:
        """What a browser would send back for the field; its lines end in \\n and not before the first."""
        return self.values.get(name, "").replace("\r\n", "\n").removeprefix("\n")

    @property
    def said(self) -> str:
        """Everything that a reader may see: words, values of fields, labels and titles."""
        shown = ("value", "title", "aria-label", "data-confirm", "data-raw", "content", "alt")
        attributes = [found[name] for _, found in self.elements for name in shown if name in found]
        return "\n".join([*self.words, *attributes])

    def faults(self) -> list[str]:
        """What no page of ours has: handlers in attributes, scripts of its own, pictures from nowhere."""
        found = []
        for tag, attrs in self.elements:
            found += [f"<{tag} {name}={attrs[name]}>" for name in attrs if name.startswith("on")]
            found += [
                f"<{tag} {n}={v}>" for n, v in attrs.items() if "javascript:" in v.lower() and n in LINKS
            ]
            if tag == "script" and not attrs.get("src", "").startswith("/") and attrs.get("type") not in DATA:
                found.append(f"<script> without a source: {attrs}")
            if tag == "img" and not attrs.get("src", "").startswith(("/", "data:")):
                found.append(f"<img src={attrs.get('src')}>")
        return found


LINKS = ("href", "src", "action", "formaction", "hx-get", "hx-post")
DATA = ("application/json",)
