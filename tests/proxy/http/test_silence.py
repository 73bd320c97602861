"""Providers that are silent for half a minute: the line is kept alive, and every client has its answer in the end."""

import json

import pytest

from tests.proxy.http.lanes import HELLO, SAID, Upstreams, lane_of
from tests.proxy.http.silence import CLAUDE, COMMENT, LANES, RAW, SDK, Heard, Outcomes
from tests.proxy.http.wires import AnthropicWire
from tests.proxy.running import RunningProxy
from tests.proxy.translation.invariants import check

LONGEST_GAP = 15.0  # seconds; so often something must be heard


@pytest.mark.parametrize("scenario", RAW)
@pytest.mark.parametrize("name", LANES)
def test_something_is_heard_at_least_every_fifteen_seconds(
    name: str, scenario: str, silences: Outcomes, gateway: RunningProxy, providers: Upstreams
) -> None:
    """§2.2 idle: pings of ours, before the first event and between two, and where a provider only clears its throat."""
    found = silences[name, scenario].result()
    assert isinstance(found, Heard)
    lane = lane_of(name, gateway, providers)
    assert lane.violations(found.body) == []
    assert found.longest_gap < LONGEST_GAP
    # in the first lane the provider's own comments may stand where our pings would
    assert b"event: ping" in found.body or COMMENT in found.body
    expected = lane.wire.events(HELLO, model=lane.given)
    if not lane.translated:
        ours = found.body.replace(b'event: ping\ndata: {"type": "ping"}\n\n', b"").replace(COMMENT, b"")
        assert ours == b"".join(expected)


@pytest.mark.parametrize("scenario", SDK)
@pytest.mark.parametrize("name", LANES)
def test_the_official_client_outlives_silence(name: str, scenario: str, silences: Outcomes) -> None:
    assert silences[name, scenario].result() == SAID


@pytest.mark.parametrize("scenario", CLAUDE)
@pytest.mark.parametrize("name", LANES)
def test_claude_code_outlives_silence(name: str, scenario: str, silences: Outcomes) -> None:
    assert silences[name, scenario].result() == SAID


def late(silences: Outcomes, name: str) -> bytes:
    """What was heard behind a ping of ours, which must be there."""
    found = silences[name, "late"].result()
    assert isinstance(found, Heard)
    assert check(found.body, translated=False) == []
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    assert found.body.startswith(ping)
    return found.body.removeprefix(ping)


def test_after_a_ping_of_ours_another_provider_can_still_answer(silences: Outcomes) -> None:
    told = late(silences, "replaced")
    assert told.startswith(b"event: message_start")
    assert told.endswith(b'event: message_stop\ndata: {"type": "message_stop"}   \n\n')


def test_after_a_ping_of_ours_an_error_is_an_event(silences: Outcomes) -> None:
    """It has the provider's own words, which Claude Code acts on."""
    told = late(silences, "refused")
    assert told == b"event: error\ndata: " + AnthropicWire().error("overloaded_error", "no") + b"\n\n"


def test_after_a_ping_of_ours_an_answer_that_is_no_stream_is_an_error(silences: Outcomes) -> None:
    assert late(silences, "senseless").startswith(b'event: error\ndata: {"type":"error"')


def test_calls_that_do_not_end_are_told_so_before_the_gateway_stops(silences: Outcomes) -> None:
    """Each caller is told, each call is settled, and the stop takes no longer than a supervisor waits."""
    found = silences["stopped", ""].result()
    assert check(found.streamed, translated=False) == []
    assert b'event: error\ndata: {"type":"error","error":{"type":"api_error"' in found.streamed
    assert found.whole[0] == 503
    assert json.loads(found.whole[1])["error"]["type"] == "api_error"
    assert found.seconds < 30
    assert [row["outcome"] for row in found.rows] == ["error", "error"]
    assert all(row["micro_dollars"] > 0 for row in found.rows)
