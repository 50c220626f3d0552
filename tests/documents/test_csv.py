from decimal import Decimal

import pytest

from dashboard.documents.csv import csv_cell


@pytest.mark.parametrize("text", ["=1+1", "+44 20", "-5", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "－1"])
def test_a_text_that_a_spreadsheet_would_run_gets_a_quote(text):
    assert csv_cell(text) == "'" + text


@pytest.mark.parametrize("value", ["", "plain", "a=b", "'=1", " =1", Decimal("-5.00"), -5, None])
def test_other_texts_and_all_numbers_stay_what_they_are(value):
    assert csv_cell(value) == value
