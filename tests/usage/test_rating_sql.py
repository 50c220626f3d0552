"""What SQL charges is what the rules say, for every mode."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.extensions import db
from dashboard.models.rate import ROUNDINGS
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.operations.usage_ledger import raw_cursor
from dashboard.operations.usage_rating_sql import LONGEST_SECONDS, Rates, billed, charge
from dashboard.rules import rating
from tests.support.calls import add_rates, make_card

MODES = list(ROUNDINGS)
prices = st.one_of(
    st.decimals(0, 3, places=6), st.decimals(0, 99_999, places=6), st.decimals(100_000, 10**9, places=6)
)
terms = st.builds(
    rating.Terms,
    prices,
    prices,
    st.integers(0, 3600),
    st.integers(1, 3600),
    st.sampled_from(MODES),
    st.sampled_from(MODES),
    st.integers(0, 6),
)
seconds = st.one_of(
    st.decimals(0, 300, places=3),
    st.decimals(0, LONGEST_SECONDS, places=3),
    st.integers(0, 7200).map(Decimal),
)


@pytest.mark.usefixtures("app")
@settings(max_examples=60)
@given(terms, st.lists(seconds, min_size=1, max_size=25))
def test_sql_charges_what_the_rules_say(terms, durations):
    card = make_card(
        f"Card {db.session.execute(db.text('SELECT count(*) FROM rate_card')).scalar()}",
        duration_rounding=terms.duration_rounding,
        cost_rounding=terms.cost_rounding,
        cost_places=terms.cost_places,
    )
    values = {
        "rate_per_minute": terms.rate_per_minute,
        "connection_fee": terms.connection_fee,
        "minimum_seconds": terms.minimum_seconds,
        "pulse_seconds": terms.pulse_seconds,
    }
    add_rates(card, {"44": values})
    with unit_of_work(SYSTEM), raw_cursor() as cursor:
        Rates(cursor).want([card.id])
        found = cursor.execute(
            f"SELECT duration, seconds, {charge('r.', 'seconds')} FROM ("
            f" SELECT duration, {billed('r.', '(duration * 1000)::bigint')} AS seconds"
            " FROM unnest(%s::numeric(12,3)[]) AS duration CROSS JOIN usage_rate AS r) AS done"
            " CROSS JOIN usage_rate AS r",
            [durations],
        ).fetchall()
    for duration, counted, sum_ in found:
        assert counted == rating.billed_seconds(duration, terms)
        assert sum_ == rating.charge(duration, terms)
