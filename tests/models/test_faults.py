"""What an error status means."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from orchestrator.models.faults import ADVICE, fault, refusal


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        ("1.5", 1.5, 1.5),
        (format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True), 5400, 7201),
        (format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True), 0, 0),
        ("soon", 0, 0),
        ("-5", 0, 0),
        ("nan", 0, 0),
        ("", 0, 0),
        ("9" * 40, 0, 0),
    ],
)
def test_retry_after(header, low, high):
    assert low <= refusal("p/m", 429, "", {"retry-after": header}).wait_s <= high


def test_every_message_names_provider_model_and_what_to_do():
    for outcome, advice in ADVICE.items():
        assert str(fault("openai/m", outcome)) == f"openai/m: {outcome}: {advice}"


def test_the_provider_is_quoted_in_one_short_line():
    found = refusal("p/m", 500, '{"error": {"message": "line\\nline ' + "x" * 5000 + '"}}', {})
    assert "[500 line line xxx" in str(found)
    assert len(str(found)) < 400


@pytest.mark.parametrize(
    "body", ["", "[]", '{"error": null}', '{"error": "text"}', '{"error": {"message": 3}}', "<html>"]
)
def test_any_body_of_an_error_is_read(body):
    assert refusal("p/m", 503, body, {}).outcome == "server-error"
