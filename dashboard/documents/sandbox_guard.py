"""A template's tree before it becomes a program: what has no place in it is refused, with its line, and what
could use up the machine is put behind a filter that counts."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from types import NoneType
from typing import cast

from jinja2 import nodes

from dashboard.documents.sandbox_budget import CHARACTERS, TemplateFault
from dashboard.documents.sandbox_filters import FILTERS, TESTS

# Nodes inside one another. A tenth of what Python itself can follow.
DEEPEST = 60
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Macro, nodes.CallBlock),
    *(nodes.FilterBlock, nodes.With, nodes.Assign, nodes.AssignBlock, nodes.Name, nodes.Const),
    *(
        nodes.Tuple,
        nodes.List,
        nodes.Dict,
        nodes.Pair,
        nodes.Keyword,
        nodes.CondExpr,
        nodes.Filter,
        nodes.Test,
    ),
    *(nodes.Call, nodes.Getitem, nodes.Getattr, nodes.Slice, nodes.Concat, nodes.Compare),
    *(nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Add, nodes.Sub, nodes.Mod, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Operand, nodes.Neg, nodes.Pos),
)
_WORDS: dict[type[nodes.Node], str] = {
    nodes.Include: "A template stands alone: {% include %} has nothing to include here.",
    nodes.Import: "A template stands alone: {% import %} has nothing to import here.",
    nodes.FromImport: "A template stands alone: {% from … import %} has nothing to import here.",
    nodes.Extends: "A template stands alone: {% extends %} has nothing to extend here.",
    nodes.Block: "A template stands alone: {% block %} has no use here; write its content.",
    nodes.Pow: "Powers (**) can't be used here.",
    nodes.NSRef: "A name with a point can't be given a value.",
    nodes.Scope: "{% autoescape %} can't be used: everything printed is escaped.",
}
_NO_NAMES = ("self", "super")


def guarded(tree: nodes.Template, names: Collection[str]) -> nodes.Template:
    """The same tree, made safe. Raises TemplateFault."""
    _look_through(tree)
    _check_names(tree, names)
    _rewrite(tree)
    return tree


def _look_through(tree: nodes.Template) -> None:
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > DEEPEST:
            raise TemplateFault(node.lineno, f"Brackets or blocks are nested more than {DEEPEST} deep.")
        _check(node)
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]


def _check(node: nodes.Node) -> None:
    if not isinstance(node, _ALLOWED):
        reason = next((said for kind, said in _WORDS.items() if isinstance(node, kind)), "")
        line = node.lineno or next((child.lineno for child in node.iter_child_nodes()), None)
        raise TemplateFault(line, reason or f"“{type(node).__name__}” can't be used here.")
    if isinstance(node, nodes.For) and node.recursive:
        raise TemplateFault(node.lineno, "A loop can't be recursive here.")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise TemplateFault(node.lineno, f"There is no filter “{node.name}”.{_instead(node.name, FILTERS)}")
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise TemplateFault(node.lineno, f"There is no test “{node.name}”.{_instead(node.name, TESTS)}")
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise TemplateFault(node.lineno, f"There is no “{node.attr}”: names here don't begin with “_”.")


def _check_names(tree: nodes.Template, names: Collection[str]) -> None:
    """Every name is given from outside or set somewhere in the template."""
    made = {node.name for node in tree.find_all(nodes.Macro)} | {
        node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param")
    }
    given = set(names) | made | {"loop", "caller", "varargs", "kwargs"}
    for node in tree.find_all(nodes.Name):
        if node.name not in given or node.name in _NO_NAMES:
            here = _instead(node.name, sorted(given))
            raise TemplateFault(node.lineno, f"There is nothing called “{node.name}”.{here}")


def _instead(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f" Did you mean “{near[0]}”?" if near else ""


def _rewrite(node: nodes.Node) -> None:
    """From the leaves up, each child in its place."""
    for field, value in list(node.iter_fields()):
        if isinstance(value, nodes.Node):
            _rewrite(value)
            setattr(node, field, _replaced(value))
        elif isinstance(value, list):
            for child in value:
                if isinstance(child, nodes.Node):
                    _rewrite(child)
            value[:] = [_replaced(child) if isinstance(child, nodes.Node) else child for child in value]
    if isinstance(node, nodes.For):
        node.iter = _behind("walked through", node.iter, nodes.Const(_weight(node)))
    elif isinstance(node, nodes.Compare):
        _rewrite_comparison(node)
    elif isinstance(node, nodes.Pair):
        node.key = _behind("one value", node.key)


def _replaced(node: nodes.Node) -> nodes.Node:
    if isinstance(node, nodes.Concat):
        return _behind("joined pieces", nodes.List(node.nodes, lineno=node.lineno))
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
        part = node.arg
        ends = [end or nodes.Const(None) for end in (part.start, part.stop, part.step)]
        return _behind("cut out", node.node, *ends)
    if isinstance(node, nodes.Const) and not isinstance(node.value, str | int | NoneType):
        return _behind("exact number", nodes.Const(str(node.value), lineno=node.lineno))
    return node


def _rewrite_comparison(node: nodes.Compare) -> None:
    node.expr = _behind("one value", node.expr)
    for operand in node.ops:
        if operand.op not in ("in", "notin"):
            operand.expr = _behind("one value", operand.expr)


def _behind(name: str, node: nodes.Node, *more: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(cast(nodes.Expr, node), name, list(more), [], None, None, lineno=node.lineno)


def _weight(loop: nodes.For) -> int:
    """What one round costs: by the texts and the steps in its body."""
    parts = list(_within(loop.body))
    texts = sum(len(part.data) for part in parts if isinstance(part, nodes.TemplateData))
    return 1 + texts // CHARACTERS + len(parts) // CHARACTERS


def _within(body: list[nodes.Node]) -> Iterator[nodes.Node]:
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.iter_child_nodes()
