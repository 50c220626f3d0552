"""static/js/money.js in a real browser against rules/money.py and rules/tax.py: same lines, same figures."""

import functools
import http.server
import json
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from dashboard.rules.money import (
    currencies,
    currency_format,
    exponent,
    format_money,
    format_price,
    parse_decimal,
    plain,
    round_to,
)
from dashboard.rules.tax import Line, compute

pytestmark = pytest.mark.browser

STATIC = Path(__file__).parents[2] / "dashboard" / "static"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]

Ask = Callable[[str, list[Any]], list[Any]]
Row = dict[str, str]


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    handler = functools.partial(QuietHandler, directory=str(STATIC))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/js/money.js"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def ask(address: str) -> Iterator[Ask]:
    """ask(js, inputs): the outcome of the function `js(money, input)` for each input.

    In a thread of its own: Playwright allows one loop a thread, and other tests may have theirs in this one.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        playwright = thread.submit(sync_playwright().start).result()

        def start() -> tuple[Browser, Page]:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page()
            page.goto(address)
            return browser, page

        browser, page = thread.submit(start).result()
        script = """async ([address, inputs]) => {
            const money = await import(address);
            const each = (input) => {
                try { return CODE; } catch (error) {
                    if (error instanceof money.NumberError) return {refused: error.message};
                    throw error;
                }
            };
            return JSON.stringify(JSON.parse(inputs).map(each));
        }"""

        def run(code: str, inputs: list[Any]) -> list[Any]:
            whole = script.replace("CODE", f"({code})(money, input)")
            # As JSON text: Playwright's own way of passing thousands of small objects takes seconds.
            text = thread.submit(page.evaluate, whole, [address, json.dumps(inputs)]).result()
            answers: list[Any] = json.loads(text)
            return answers

        yield run
        thread.submit(browser.close).result()
        thread.submit(playwright.stop).result()


def python_totals(rows: list[Row], currency: str, mode: Any, inclusive: bool) -> dict[str, Any]:
    lines = [
        Line(
            parse_decimal(row["quantity"]),
            parse_decimal(row["unit_price"]),
            parse_decimal(row["tax_percent"]),
            row["tax_name"],
        )
        for row in rows
    ]
    totals = compute(lines, currency, mode, inclusive)
    return {
        "lines": [{"net": str(r.net), "tax": str(r.tax), "gross": str(r.gross)} for r in totals.lines],
        "groups": [
            {"name": g.name, "percent": plain(g.percent), "net": str(g.net), "tax": str(g.tax)}
            for g in totals.groups
        ],
        "subtotal": str(totals.subtotal),
        "tax": str(totals.tax),
        "total": str(totals.total),
    }


def some_number(dice: random.Random, places: int, digits: int) -> str:
    whole = dice.randint(0, 10 ** dice.randint(0, digits))
    decimals = "".join(dice.choices("0123456789", k=dice.randint(0, places)))
    return f"{dice.choice(['', '', '', '-'])}{whole}{'.' if decimals else ''}{decimals}"


def some_row(dice: random.Random) -> Row:
    """Mostly what clerks type, now and then the widest values the columns hold."""
    wide = dice.random() < 0.1
    rate = dice.choice(["0", "5.5", "6", "7.7", "19", "20", "20.0000", "23", "999.9999"])
    return {
        "quantity": some_number(dice, 6, 12) if wide else dice.choice(["1", "2", "3", "-1", "0.5", "1,000"]),
        "unit_price": some_number(dice, 6, 14 if wide else 3),
        "tax_percent": rate,
        "tax_name": dice.choice(["", "VAT", "GST", "TVA é", '"__proto__"']),
    }


EDGES: list[list[Row]] = [
    [],
    [{"quantity": "1", "unit_price": "68.33", "tax_percent": "20", "tax_name": "VAT"}] * 2,
    [{"quantity": "-3", "unit_price": "10.00", "tax_percent": "20", "tax_name": "VAT"}],
    [{"quantity": "1", "unit_price": "0.10", "tax_percent": "25", "tax_name": ""}] * 7,
    [{"quantity": "-1", "unit_price": "0.10", "tax_percent": "25", "tax_name": ""}] * 7,
    [
        {"quantity": "1", "unit_price": "0.02", "tax_percent": "25", "tax_name": ""},
        {"quantity": "-1", "unit_price": "0.02", "tax_percent": "25", "tax_name": ""},
    ],
    [{"quantity": "999999999999.999999", "unit_price": "-99999999999999.999999", "tax_percent": "999.9999"}],
    [{"quantity": "0.5", "unit_price": "0.01", "tax_percent": "0.0001", "tax_name": "VAT"}] * 300,
]


def test_totals_equal_the_servers(ask: Ask) -> None:
    dice = random.Random(20261123)
    drawn = [[some_row(dice) for _ in range(dice.randint(1, 9))] for _ in range(400)]
    inputs: list[dict[str, Any]] = [
        {
            "rows": [{"tax_name": "", **row} for row in rows],
            "currency": currency,
            "options": {"exponent": exponent(currency), "mode": mode, "inclusive": inclusive},
        }
        for rows in EDGES + drawn
        for currency in ("USD", "JPY", "BHD")
        for mode in ("per_rate", "per_line")
        for inclusive in (False, True)
    ]
    answers = ask("(money, input) => money.computeTotals(input.rows, input.options)", inputs)
    for given, answer in zip(inputs, answers, strict=True):
        options = given["options"]
        ours = python_totals(given["rows"], given["currency"], options["mode"], options["inclusive"])
        assert answer == ours, given


def outcome(text: str, places: int | None, max_digits: int) -> Any:
    try:
        return str(parse_decimal(text, places=places, max_digits=max_digits))
    except ValueError as refusal:
        return {"refused": str(refusal)}


def test_typed_numbers_are_taken_and_refused_alike(ask: Ask) -> None:
    dice = random.Random(9)
    texts = [
        *(
            "",
            " ",
            "1,234.50",
            " 1 234.50 ",
            "1\u00a0234",
            "1\u202f234.5",
            "\u22125",
            "+5",
            "-0",
            "-0.00",
            ".5",
        ),
        *("5.", ".", "-", "NaN", "Infinity", "1e5", "0x1", "1_000", "$5", "٣", "٣" * 25, "1,5", "0,234"),
        *("1.234,5", "1,234 567", "007", "0" * 40 + "7", "9" * 60, "9" * 61, "😀" * 30, "😀" * 61, "x" * 21),
        *("1\n", "\ufeff1", "\x0b1", "\x1c1", "1\u3000", "1.2300", "1.005", "12345.678901", "__proto__"),
        *("".join(dice.choices("0123456789,. -+e", k=dice.randint(1, 9))) for _ in range(3000)),
        *(some_number(dice, 9, 22) for _ in range(1000)),
    ]
    inputs: list[dict[str, Any]] = [
        {"text": text, "places": places, "maxDigits": digits}
        for text in texts
        for places, digits in [(None, 20), (2, 20), (6, 20), (0, 4), (1, 6)]
    ]
    answers = ask("(money, input) => money.parseDecimal(input.text, input)", inputs)
    for given, answer in zip(inputs, answers, strict=True):
        assert answer == outcome(given["text"], given["places"], given["maxDigits"]), given


def test_money_is_written_alike(ask: Ask) -> None:
    dice = random.Random(5)
    amounts = ["0", "-0.001", "0.005", "-0.005", "999.995", "1000", "-1234567.891", "99999999999999.9999"]
    amounts += [some_number(dice, 6, 14) for _ in range(50)]
    inputs: list[dict[str, Any]] = [
        {"amount": amount, "form": currency_format(currency), "code": code}
        for currency, _ in currencies()
        for amount in amounts
        for code in (False, True)
    ]
    answers = ask(
        "(money, i) => [money.formatMoney(i.amount, i.form, i), money.formatPrice(i.amount, i.form, i)]",
        inputs,
    )
    for given, answer in zip(inputs, answers, strict=True):
        amount, currency = Decimal(given["amount"]), given["form"]["code"]
        ours = [write(amount, currency, code=given["code"]) for write in (format_money, format_price)]
        assert answer == ours, given


def test_rounding_and_plain_text_are_alike(ask: Ask) -> None:
    dice = random.Random(7)
    numbers = ["0.5", "-0.5", "1.5", "2.5", "-2.5", "0.4999999", "-0.0049"]
    numbers += [some_number(dice, 6, 14) for _ in range(2000)]
    inputs: list[dict[str, Any]] = [
        {"text": text, "places": places} for text in numbers for places in (0, 2, 3, 4)
    ]
    answers = ask(
        "(money, i) => [money.roundHalfUp(i.text, i.places), money.plain(i.text, i.places)]", inputs
    )
    for given, answer in zip(inputs, answers, strict=True):
        value = Decimal(given["text"])
        assert answer == [str(round_to(value, given["places"])), plain(value, given["places"])], given
