"""What the import rules of pyproject.toml cannot say: names that must not be used below the views."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BELOW_THE_VIEWS = ("rules", "models", "queries", "documents", "operations", "services")
OF_A_REQUEST = {"request", "session", "flash", "abort", "redirect", "url_for", "g", "has_request_context"}
FILES = [
    *(path for layer in BELOW_THE_VIEWS for path in sorted((ROOT / "dashboard" / layer).rglob("*.py"))),
    *sorted((ROOT / "jobs").rglob("*.py")),
]


def names_of_a_request(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("flask", "flask_login"):
            found += [f"line {node.lineno}: {each.name}" for each in node.names if each.name in OF_A_REQUEST]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "flask":
            found += [f"line {node.lineno}: flask.{node.attr}"] if node.attr in OF_A_REQUEST else []
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_below_the_views_knows_of_a_request(path):
    assert names_of_a_request(ast.parse(path.read_text())) == []
