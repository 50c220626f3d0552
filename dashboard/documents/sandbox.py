"""Templates written by staff, as Jinja in which nothing can be reached but what is given.

Used for invoices and for e-mails. What a template gets is plain: dicts, lists, texts, Decimals, dates, and
the helper functions named. It has no loader, no attributes of objects, no methods, no globals.

Time and memory are counted, not measured from outside: every loop, call, filter and joining of texts pays
for its work before doing it, from one budget a rendering, and looks at the clock then. Between two payments
at most one pass through the source can happen, so the limit holds in any thread of a web worker, where
signals do not work; and a rendering costs no process, so that thousands of mails go out as fast as they can.
"""

from __future__ import annotations

import datetime as dt
import decimal
import difflib
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from types import CodeType, MappingProxyType, TracebackType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, nodes, pass_context
from jinja2.runtime import LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dashboard.documents.sandbox_budget import Limits, Refusal, TemplateFault, budget, budgeted
from dashboard.documents.sandbox_filters import FILTERS, HIDDEN, TESTS
from dashboard.documents.sandbox_guard import guarded
from dashboard.documents.sandbox_values import number, sized, text

__all__ = ["Compiled", "Limits", "TemplateFault", "compile", "render"]

Helper = Callable[..., Any]
_NO_HELPERS: Mapping[str, Helper] = MappingProxyType({})
_LOOP = ("index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem")
_LOOP_CALLS = ("cycle", "changed")
_DATE = ("year", "month", "day")


@dataclass(frozen=True)
class Compiled:
    template: Template = field(repr=False)
    environment: _Environment = field(repr=False)


def compile(
    source: str,
    names: Collection[str],
    *,
    html: bool = False,
    helpers: Mapping[str, Helper] = _NO_HELPERS,
    limits: Limits = Limits(),  # noqa: B008
) -> Compiled:
    """The template, ready to be rendered many times. `names` are the variables that it will be given; with
    `html` everything printed is escaped. Raises TemplateFault."""
    if len(source) > limits.source:
        raise TemplateFault(None, f"The template is longer than {limits.source:,} characters.")
    environment = _Environment(frozenset(names), helpers, html=html)
    try:
        with budgeted(limits):
            template = environment.from_string(source)
    except TemplateFault:
        raise
    except TemplateSyntaxError as error:
        raise TemplateFault(error.lineno, _said(error.message or "This can't be read.")) from error
    except SyntaxError as error:
        raise TemplateFault(None, "Loops or brackets are nested too deep.") from error
    except (RecursionError, MemoryError, ValueError, OverflowError) as error:
        raise TemplateFault(None, "The template is too deeply nested, or a number in it too long.") from error
    return Compiled(template, environment)


def render(
    source: str | Compiled,
    variables: Mapping[str, Any],
    limits: Limits = Limits(),  # noqa: B008
    *,
    html: bool = False,
    helpers: Mapping[str, Helper] = _NO_HELPERS,
) -> str:
    """The text. Raises TemplateFault with the line that went wrong."""
    if isinstance(source, str):
        source = compile(source, variables, html=html, helpers=helpers, limits=limits)
    template = source.template
    pieces: list[str] = []
    room = limits.output
    try:
        with budgeted(limits):
            for piece in template.root_render_func(template.new_context(dict(variables))):
                pieces.append(piece)
                room -= len(piece)
                if room < 0:
                    raise Refusal(f"The result is longer than {limits.output:,} characters.")
    except TemplateFault:
        raise
    except Exception as error:
        raise TemplateFault(_line(error.__traceback__), _reason(error)) from error
    return "".join(pieces)


class _Missing(StrictUndefined):
    """Says what there is instead of what was asked for."""

    @property
    def _undefined_message(self) -> str:
        name, owner = self._undefined_name, self._undefined_obj
        if isinstance(owner, dict):
            near = difflib.get_close_matches(str(name), [str(key) for key in owner], 1)
            if near:
                return f"There is no “{name}” here. Did you mean “{near[0]}”?"
            there = ", ".join(str(key) for key in list(owner)[:20])
            return f"There is no “{name}” here; there is: {there or 'nothing'}."
        if isinstance(owner, list | tuple):
            return f"The list has no “{name}”; it has {len(owner)} entries, and a loop goes through them."
        if isinstance(owner, str):
            return f"A text has no “{name}”. Filters change it, such as {{{{ name|upper }}}}."
        return f"There is no “{name}” here."


class _Environment(ImmutableSandboxedEnvironment):
    """Of one template: it knows which names and helpers that one has."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%"))
    intercepted_unops = frozenset("+-")

    def __init__(self, names: Collection[str], helpers: Mapping[str, Helper], *, html: bool) -> None:
        super().__init__(
            undefined=_Missing,
            autoescape=html,
            trim_blocks=True,
            lstrip_blocks=True,
            # Nothing is worked out beforehand: the optimizer would do it outside the budget.
            optimized=False,
            finalize=_finalize,
            cache_size=0,
        )
        self.names = frozenset(names) | set(helpers)
        self.calls = tuple(helpers.values())
        self.globals = dict(helpers)
        self.filters = dict(FILTERS) | dict(HIDDEN)
        self.tests = dict(TESTS)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return guarded(super()._parse(source, name, filename), self.names)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in (*_LOOP, *_LOOP_CALLS):
            return getattr(obj, attribute)
        if isinstance(obj, dt.date) and attribute in _DATE:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """What a dict or a list holds; never anything of Python's own."""
        if isinstance(obj, Undefined):
            str(obj)
        if isinstance(argument, str | int):
            if isinstance(obj, dict) and argument in obj:
                return obj[argument]
            if isinstance(obj, list | tuple | str) and isinstance(argument, int):
                try:
                    return obj[argument]
                except IndexError:
                    pass
        return self.undefined(obj=obj, name=str(argument) if isinstance(argument, str | int) else "that")

    def call(__self, __context: Any, __called: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Helpers, macros, and the two calls of a loop."""
        self, called = __self, __called
        if isinstance(called, Undefined):
            str(called)
        macro = isinstance(called, Macro)
        of_loop = isinstance(getattr(called, "__self__", None), LoopContext)
        if not (macro or of_loop or any(called is helper for helper in self.calls)):
            raise Refusal("This can't be called.")
        # What Jinja's own program adds for itself.
        for name in ("_loop_vars", "_block_vars"):
            kwargs.pop(name, None)
        budget().spend(1)
        with budget().deeper() if macro else nullcontext():
            result = called(*args, **kwargs)
        if isinstance(result, str):
            budget().spend_text(len(result))
        return result

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
            budget().spend(len(left) + len(right))
            return left + right  # type: ignore[operator]
        first, second = number(left), number(right)
        if operator == "/":
            return sized(Decimal(first) / Decimal(second))
        return sized(self.binop_table[operator](sized(first), sized(second)))

    def call_unop(self, context: Any, operator: str, argument: Any) -> Any:
        return self.unop_table[operator](number(argument))


@pass_context
def _finalize(context: Any, value: Any) -> Any:
    """Every value printed. It takes the context so that Jinja never prints one while compiling."""
    if isinstance(value, Undefined):
        return value
    shown = text(value)
    budget().spend_text(len(shown))
    return shown


def _line(traceback: TracebackType | None) -> int | None:
    """The template's line in which the innermost of its functions stood."""
    line = None
    while traceback is not None:
        of = traceback.tb_frame.f_globals.get("__jinja_template__")
        if of is not None and _generated(traceback.tb_frame.f_code):
            line = of.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return line


def _generated(code: CodeType) -> bool:
    return code.co_filename == "<template>"


def _reason(error: Exception) -> str:
    if isinstance(error, decimal.DivisionByZero | ZeroDivisionError):
        return "Division by zero."
    if isinstance(error, decimal.DecimalException):
        return "This can't be worked out: a number is too large, or is no number."
    if isinstance(error, RecursionError):
        return "Macros or values are nested too deep."
    if isinstance(error, TypeError):
        return f"This can't be done with such a value: {_said(str(error))}"
    return _said(str(error)) or type(error).__name__


def _said(message: str) -> str:
    """One line, as a sentence."""
    said = " ".join(message.split())[:300]
    return said if not said or said[-1] in ".!?" else f"{said}."
