"""Money never meets a binary fraction: the code that counts may not even name one."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "dashboard"
EXACT_PACKAGES = ["rules", "operations", "models", "queries", "documents"]
INEXACT_NAMES = {"float", "Float", "REAL", "Double", "DOUBLE", "DOUBLE_PRECISION", "asdecimal", "complex"}


def inexact(source: str) -> list[str]:
    """Line and text of every float literal, and of every name of a floating type, in the source."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            found.append(f"{node.lineno}: {node.value!r}")
        elif isinstance(node, ast.Name) and node.id in INEXACT_NAMES:
            found.append(f"{node.lineno}: {node.id}")
        elif isinstance(node, ast.Attribute) and node.attr in INEXACT_NAMES:
            found.append(f"{node.lineno}: .{node.attr}")
        elif isinstance(node, ast.alias) and node.name in INEXACT_NAMES:
            found.append(f"{node.lineno}: import {node.name}")
        elif isinstance(node, ast.keyword) and node.arg in INEXACT_NAMES:
            found.append(f"{node.lineno}: {node.arg}=")
    return found


def test_no_float_where_money_is_counted() -> None:
    files = [path for package in EXACT_PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    assert ROOT / "rules" / "money.py" in files
    faults = [
        f"{path.relative_to(ROOT)}:{fault}" for path in files for fault in inexact(path.read_text("utf-8"))
    ]
    assert faults == []


@pytest.mark.parametrize(
    "source",
    [
        "x = 0.5",
        "x = 1e3",
        "x = float(y)",
        "x = map(float, y)",
        "def f(x: float) -> None: ...",
        "from sqlalchemy import Float",
        "x = sa.Float()",
        "x = Numeric(18, 2, asdecimal=False)",
        "x = 1j",
    ],
)
def test_the_guard_sees(source: str) -> None:
    assert inexact(source)


def test_the_guard_lets_decimals_pass() -> None:
    assert inexact('x = Decimal("0.5") * 3 // 2  # 0.5 float') == []
