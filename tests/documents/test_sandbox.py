"""Templates of staff: what they can do, what they are told, and that they get nowhere else."""

import datetime as dt
import threading
import time
from decimal import Decimal
from types import SimpleNamespace

import pytest
from markupsafe import Markup

from dashboard.documents import sandbox
from dashboard.documents.sandbox import Limits, TemplateFault

DATA = {
    "name": "A <b>",
    "count": 3,
    "empty": None,
    "day": dt.date(2026, 1, 2),
    "lines": [{"net": Decimal("1.50"), "said": "x"}, {"net": Decimal(2), "said": "y"}],
    "thing": SimpleNamespace(secret="hidden"),
}

LIMITS = Limits()


def rendered(source: str, **more: object) -> str:
    return sandbox.render(source, DATA | more, html=True)


def fault(source: str, limits: Limits = LIMITS, **more: object) -> TemplateFault:
    with pytest.raises(TemplateFault) as caught:
        sandbox.render(source, DATA | more, limits, html=True, helpers={"twice": lambda text: text * 2})
    return caught.value


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ name }}", "A &lt;b&gt;"),
        ("{{ empty }}", ""),
        ("{{ day }} {{ day.year + 1 }}", "2026-01-02 2027"),
        ("{{ lines|sum(attribute='net') }}", "3.50"),
        ("{{ 0.1 + 0.2 }} {{ 1 / 8 }} {{ 7 // 2 }} {{ 7 % 2 }} {{ -count }}", "0.3 0.125 3 1 -3"),
        ("{{ (count / 7)|round(4) }} {{ 2.5|round }}", "0.4286 3"),
        ("{{ 'ab' ~ count ~ day }}", "ab32026-01-02"),
        ("{{ 'ab' + 'cd' }} {{ 'abcd'[1:3] }} {{ lines[:1]|length }}", "abcd bc 1"),
        (
            "{% for l in lines %}{{ loop.index }}/{{ loop.length }}{{ loop.cycle('a', 'b') }}{% endfor %}",
            "1/2a2/2b",
        ),
        ("{% for l in lines if l.net > 1.6 %}{{ l.said }}{% else %}none{% endfor %}", "y"),
        ("{% macro m(a, b=2) %}<i>{{ a }}{{ b }}</i>{% endmacro %}{{ m(name) }}", "<i>A &lt;b&gt;2</i>"),
        ("{% set x %}<i>{{ name }}</i>{% endset %}{{ x }}", "<i>A &lt;b&gt;</i>"),
        ("{{ lines|map(attribute='said')|join(' + ') }}", "x + y"),
        ("{{ lines|map(attribute='said')|map('upper')|join }}", "XY"),
        ("{{ (lines|selectattr('net', 'gt', 1.6)|first).said }}", "y"),
        ("{{ lines|rejectattr('said', 'eq', 'x')|length }}", "1"),
        ("{{ (lines|sort(reverse=true, attribute='net'))[0].said }}", "y"),
        ("{% for g in lines|groupby('said') %}{{ g.grouper }}{{ g.list|length }}{% endfor %}", "x1y1"),
        ("{% for row in [1,2,3]|batch(2, 0) %}{{ row|join }};{% endfor %}", "12;30;"),
        (
            "{{ [3, 1, 2]|max }}{{ [3, 1, 2]|min }}{{ [1, 2]|reverse|join }}{{ [1, 1]|unique|length }}",
            "31211",
        ),
        ("{{ nothing_there is defined }}", None),
        ("{{ lines[0].more is defined }} {{ lines[0].more|default('-') }}", "False -"),
        ("{{ 'a' if count > 2 and 'x' in ['x'] else 'b' }}", "a"),
        ("{{ 'hello world'|title|replace('World', '<') }}|{{ 'abcdef'|truncate(4) }}", "Hello &lt;|abc…"),
        ("{{ '12.7'|int }} {{ -4|abs }} {{ ' a '|trim }}", "12 4 a"),
        ("{{ count is odd }} {{ count is divisibleby(3) }}", "True True"),
        ("{{ {'b': 1}.b }} {% for k, v in {'b': 1}|items %}{{ k }}{{ v }}{% endfor %}", "1 b1"),
        ("{% macro m() %}({{ caller() }}){% endmacro %}{% call m() %}x{% endcall %}", "(x)"),
        ("{% filter upper %}a{% endfilter %}{# nothing #}{% raw %}{{{% endraw %}", "A{{"),
    ],
)
def test_what_a_template_can_do(source: str, said: str | None) -> None:
    if said is None:
        assert fault(source).line == 1
    else:
        assert rendered(source) == said


def test_plain_texts_are_not_escaped() -> None:
    assert sandbox.render("{{ name }}", DATA) == "A <b>"


def test_ready_html_of_a_helper_is_kept_and_joined_safely() -> None:
    helpers = {"bold": lambda text: Markup("<b>{}</b>").format(text)}
    made = sandbox.render("{{ bold(name) }}{{ '<' ~ bold('x') }}", DATA, html=True, helpers=helpers)
    assert made == "<b>A &lt;b&gt;</b>&lt;<b>x</b>"


@pytest.mark.parametrize(
    ("source", "line", "word"),
    [
        ("\n{{ nam }}", 2, "nothing called “nam”. Did you mean “name”?"),
        ("\n\n{{ lines[0].nett }}", 3, "no “nett” here. Did you mean “net”?"),
        ("{{ lines[0].quantity }}", 1, "no “quantity” here; there is: net, said."),
        ("{{ lines.net }}", 1, "a loop goes through them"),
        ("{{ lines }}", 1, "can't be printed"),
        ("{{ name|uper }}", 1, "no filter “uper”. Did you mean “upper”?"),
        ("{% if name is strin %}{% endif %}", 1, "no test “strin”"),
        ("a\n{% if name %}\nb", 3, "end"),
        ("a\n{{ name", 2, "end"),
        ("{% for x in lines %}\n{% for y in count %}{% endfor %}{% endfor %}", 2, "A loop needs a list"),
        ("{{ 1 / 0 }}", 1, "Division by zero."),
        ("{{ name + 1 }}", 1, "“A <b>” is not a number"),
        ("{{ name < 1 }}", 1, "can't be done with such a value"),
        ("{{ twice() }}", 1, "can't be done with such a value"),
        ("{{ twice }}", 1, "can't be printed"),
        ("{% include 'x' %}", 1, "{% include %} has nothing to include"),
        ("{% import 'x' as x %}", 1, "{% import %}"),
        ("{% from 'x' import y %}", 1, "import"),
        ("{% extends 'x' %}", 1, "{% extends %}"),
        ("{% block x %}{% endblock %}", 1, "{% block %}"),
        ("{% autoescape false %}{% endautoescape %}", 1, "{% autoescape %}"),
        ("{% do x %}", 1, "unknown tag 'do'"),
    ],
)
def test_a_fault_names_its_line_and_its_reason(source: str, line: int, word: str) -> None:
    found = fault(source)
    assert word in found.reason
    assert found.line == line
    assert str(found) == f"Line {line}: {found.reason}"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ ''['__cla' ~ 'ss__'] }}",
        "{{ ().__class__.__base__.__subclasses__() }}",
        "{{ ''|attr('__class__') }}",
        "{{ [''].__getitem__ }}",
        "{{ [name]|map(attribute='__class__')|first }}",
        "{{ lines|sum(attribute='__len__') }}",
        "{{ lines|groupby('__class__') }}",
        "{{ '{0.__class__}'.format(name) }}",
        "{{ '{0.__class__}'|format(name) }}",
        "{{ '%s' % name }}",
        "{{ twice.__globals__ }}",
        "{{ twice['__globals__'] }}",
        "{{ thing.secret }}",
        "{{ thing['secret'] }}",
        "{{ thing }}",
        "{{ self }}",
        "{{ self.__init__ }}",
        "{{ super() }}",
        "{{ lipsum(5) }}",
        "{{ cycler('a').next() }}",
        "{{ joiner() }}",
        "{{ namespace(a=1) }}",
        "{{ dict(a=1) }}",
        "{{ range(5) }}",
        "{{ config }}",
        "{{ request }}",
        "{{ get_flashed_messages() }}",
        "{{ url_for('x') }}",
        "{{ __builtins__ }}",
        "{{ environment }}",
        "{{ context }}",
        "{{ name.upper() }}",
        "{{ lines.append(1) }}",
        "{{ day.strftime('%s') }}",
        "{{ name() }}",
        "{{ [twice][0].__name__ }}",
        "{% macro m() %}{% endmacro %}{{ m.name }}",
        "{% macro m() %}{% endmacro %}{{ m._func }}",
        "{% macro m() %}{% endmacro %}{{ m['_environment'] }}",
        "{% macro m() %}{{ caller._func }}{% endmacro %}{% call m() %}{% endcall %}",
        "{% macro m() %}{{ varargs.__class__ }}{% endmacro %}{{ m(1) }}",
        "{% macro m() %}{{ kwargs['__class__'] }}{% endmacro %}{{ m(a=1) }}",
        "{% for x in lines %}{{ loop._recurse }}{% endfor %}",
        "{% for x in lines %}{{ loop['_iterator'] }}{% endfor %}",
        "{% for x in lines %}{{ loop.__init__ }}{% endfor %}",
        "{% for x in lines %}{{ loop(lines) }}{% endfor %}",
        "{% for x in lines recursive %}{{ loop(lines) }}{% endfor %}",
        "{% for x in lines %}{{ loop }}{% endfor %}",
        "{% set lines.x = 1 %}",
        "{% set lines[0].net = 1 %}{{ lines }}",
        "{{ name|safe }}",
        "{{ lines|tojson }}",
        "{{ lines|pprint }}",
        "{{ name|xmlattr }}",
        "{% debug %}",
        "{{ name|map('walked through', 1)|list }}",
        "{{ name|nothing.at.all }}",
    ],
)
def test_there_is_no_way_out(source: str) -> None:
    found = fault(source)
    assert found.line == 1
    assert found.reason
    assert "hidden" not in found.reason


WORD = "a" * 60
BOMBS = {
    "power": "{{ 10 ** 10 ** 10 }}",
    "repeated text": "{{ 'a' * 10000000000 }}",
    "repeated list": "{{ [1] * 10000000000 }}",
    "padding by %": "{{ '%10000000000d' % 1 }}",
    "padding in a test": "{{ '%10000000000d' is odd }}",
    "center": "{{ 'a'|center(10000000000) }}",
    "indent": "{{ 'a'|indent(10000000000) }}",
    "ljust": "{{ 'a'.ljust(10000000000) }}",
    "format": "{{ '{:>10000000000}'.format(1) }}",
    "doubled text": f"{{% set a = '{WORD}' %}}" + "{% set a = a ~ a %}" * 60 + "{{ a|length }}",
    "doubled by plus": f"{{% set a = '{WORD}' %}}" + "{% set a = a + a %}" * 60 + "{{ a|length }}",
    "doubled by set": f"{{% set a = '{WORD}' %}}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 60,
    "doubled list": "{% set a = [1] %}" + "{% set a = a + a %}" * 60,
    "replaced": f"{{% set a = '{WORD * 20}' %}}" + "{% set a = a|replace('a', a) %}" * 9,
    "joined": f"{{% set a = '{WORD * 20}' %}}" + "{% set a = a|list|join(a) %}" * 9,
    "printed list": "{% set a = [1, 1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a }}",
    "compared lists": "{% set a = [1] %}{% set b = [1] %}"
    + "{% set a = [a, a] %}{% set b = [b, b] %}" * 50
    + "{{ a == b }}",
    "hashed lists": "{% set a = (1,) %}" + "{% set a = (a, a) %}" * 60 + "{{ {a: 1} }}",
    "hashed key": "{% set a = (1,) %}" + "{% set a = (a, a) %}" * 60 + "{{ {1: 1}[a] }}",
    "sorted lists": "{% set a = (1,) %}" + "{% set a = (a, a) %}" * 60 + "{{ [a, a]|sort }}",
    "unique lists": "{% set a = (1,) %}" + "{% set a = (a, a) %}" * 60 + "{{ [a, a]|unique }}",
    "batch": "{{ [1]|batch(10000000000, 0) }}",
    "large number": "{{ 9" + " * 999999999999" * 50 + " }}",
    "long number": "{{ " + "9" * 5000 + " }}",
    "far decimal": "{{ 1e999999 }}",
    "rounded far": "{{ 1|round(999999999) }}",
    "loops": "{% for a in many %}{% for b in many %}{% for c in many %}{% endfor %}{% endfor %}{% endfor %}",
    "loops with text": "{% for a in many %}{% for b in many %}" + WORD * 100 + "{% endfor %}{% endfor %}",
    "loops in a set": "{% set x %}{% for a in many %}{% for b in many %}"
    + WORD * 100
    + "{% endfor %}{% endfor %}{% endset %}",
    "many filters": "{% set a %}{% for a in many %}{{ a }}{% endfor %}{% endset %}"
    + "{% set b = a|list %}{% set b = b|sort %}" * 300,
    "slices": "{% set a %}{% for a in many %}"
    + WORD * 9
    + "{% endfor %}{% endset %}"
    + "{% set b = a[1:] %}" * 999,
    "self call": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "two self calls": "{% macro m(n) %}{% if n %}{{ m(n-1) ~ m(n-1) }}{% endif %}{% endmacro %}{{ m(28) }}",
    "calls in a ring": "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}"
    + "{{ a() }}",
    "caller": "{% macro m() %}{% call m() %}x{% endcall %}{% endmacro %}{{ m() }}",
    "wide macro": "{% macro m() %}" + WORD * 900 + "{% endmacro %}{% for a in many %}{{ m() }}{% endfor %}",
    "brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "lists": "{{ " + "[" * 90 + "]" * 90 + " }}",
    "signs": "{{ " + "-" * 5000 + "1 }}",
    "sums": "{{ 1" + " + 1" * 5000 + " }}",
    "nots": "{{ " + "not " * 5000 + "1 }}",
    "filters": "{{ 1" + "|abs" * 5000 + " }}",
    "nested ifs": "{% if 1 %}" * 500 + "{% endif %}" * 500,
    "nested loops": "{% for x in lines %}" * 25 + "{% endfor %}" * 25,
    "long source": "a" * 100_001,
}


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS.keys())
def test_nothing_uses_up_the_machine(source: str) -> None:
    started = time.monotonic()
    assert fault(source, many=list(range(2000))).reason
    assert time.monotonic() - started < 8


def test_what_jinja_works_out_beforehand_is_counted_too() -> None:
    for source in ("{{ ('a'|list)|join('b') }}", "{% if 'a'|upper == 'A' %}x{% endif %}"):
        assert sandbox.compile(source, [])
    with pytest.raises(TemplateFault):
        sandbox.compile("{{ 'a'|center(10000000000) }}", [])


def test_the_time_limit_works_in_a_thread() -> None:
    found: list[TemplateFault] = []
    source = "{% for a in many %}{% for b in many %}{% set c = a ~ b %}{% endfor %}{% endfor %}"
    limits = Limits(work=10**12, seconds=1)

    def work() -> None:
        found.append(fault(source, limits, many=list(range(100_000))))

    thread = threading.Thread(target=work)
    started = time.monotonic()
    thread.start()
    thread.join(10)
    assert time.monotonic() - started < 3
    assert "longer than 1 seconds" in found[0].reason


def test_the_output_is_limited() -> None:
    found = fault("{% for a in many %}" + WORD + "{% endfor %}", Limits(output=1000), many=[0] * 100)
    assert found.reason == "The result is longer than 1,000 characters."


def test_two_renderings_at_once_keep_to_their_own_budgets() -> None:
    template = sandbox.compile("{% for a in many %}{{ a }}{% endfor %}", ["many"])
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.append(sandbox.render(template, {"many": ["x"] * 50_000})))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["x" * 50_000] * 4


def test_the_data_stay_as_they_were() -> None:
    before = repr(DATA)
    rendered(
        "{% set lines = [] %}{% set name = 'b' %}{{ name }}{% for x in [1] %}{% set day = 9 %}{% endfor %}"
    )
    assert repr(DATA) == before
