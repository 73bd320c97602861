"""A bench that takes a wrong answer for a right one measures nothing: what `bench/gateway` checks, and how it reads."""

import gzip
import json

import pytest

from bench.gateway_bench import answers, bodies
from bench.gateway_bench.checks import Wrong, check_answer, check_arrival
from bench.gateway_bench.client import Address, complete, request, spans
from bench.gateway_bench.mock import chunk, head
from bench.gateway_bench.streams import places

KEY = "invented-provider-key"
STREAM = answers.events("streamed")


def streamed(events: list[bytes]) -> bytes:
    """A streamed answer as it goes over the wire."""
    return head("text/event-stream") + b"".join(map(chunk, events)) + b"0\r\n\r\n"


def test_the_answer_that_was_sent_is_right() -> None:
    check_answer(streamed(STREAM), "streamed", transparent=True)


@pytest.mark.parametrize("lost", range(len(STREAM)))
def test_an_event_that_is_lost_is_noticed(lost: int) -> None:
    rest = STREAM[:lost] + STREAM[lost + 1 :]
    with pytest.raises(Wrong):
        check_answer(streamed(rest), "streamed", transparent=True)
    if b"ping" not in STREAM[lost]:
        with pytest.raises(Wrong):
            check_answer(streamed(rest), "streamed", transparent=False)


@pytest.mark.parametrize("place", range(len(STREAM)))
def test_an_event_that_comes_twice_is_noticed(place: int) -> None:
    with pytest.raises(Wrong):
        check_answer(streamed([*STREAM[:place], STREAM[place], *STREAM[place:]]), "streamed", transparent=True)


def test_events_that_change_places_are_noticed() -> None:
    with pytest.raises(Wrong):
        check_answer(streamed([*STREAM[:5], STREAM[6], STREAM[5], *STREAM[7:]]), "streamed", transparent=False)


def test_other_bytes_of_the_same_meaning_are_wrong_only_for_who_must_be_transparent() -> None:
    tight = [event.replace(b" }\n\n", b"}\n\n") for event in STREAM]
    check_answer(streamed(tight), "streamed", transparent=False)
    with pytest.raises(Wrong, match="not the upstream's"):
        check_answer(streamed(tight), "streamed", transparent=True)


def test_a_ping_may_come_anywhere() -> None:
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    check_answer(streamed([*STREAM[:9], ping, *STREAM[9:]]), "streamed", transparent=False)


def test_an_error_in_the_stream_is_wrong() -> None:
    error = b'event: error\ndata: {"type": "error", "error": {"type": "api_error", "message": "broke off"}}\n\n'
    with pytest.raises(Wrong, match="error"):
        check_answer(streamed([*STREAM[:9], error]), "streamed", transparent=False)


def test_an_answer_that_breaks_off_and_one_of_another_status_are_wrong() -> None:
    with pytest.raises(Wrong, match="breaks off"):
        check_answer(streamed(STREAM)[:-30], "streamed", transparent=False)
    with pytest.raises(Wrong, match="status 529"):
        check_answer(b"HTTP/1.1 529 Overloaded\r\ncontent-length: 0\r\n\r\n", "streamed", transparent=False)


def test_another_usage_is_wrong() -> None:
    other = [event.replace(b'"output_tokens":402', b'"output_tokens":1') for event in STREAM]
    with pytest.raises(Wrong, match="usage"):
        check_answer(streamed(other), "streamed", transparent=False)


def test_a_whole_answer_may_be_compressed() -> None:
    packed = gzip.compress(answers.whole())
    raw = head("application/json", len(packed)).replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + packed
    check_answer(raw, "whole", transparent=False)


# What arrives upstream


def test_what_arrives_must_be_what_was_sent_with_the_key_of_the_provider() -> None:
    sent = request(Address(1), KEY, "streamed", 1000)
    check_arrival(sent, sent, transparent=True, key=KEY)
    with pytest.raises(Wrong, match="key"):
        check_arrival(sent.replace(KEY.encode(), b"the-client-s-own"), sent, transparent=True, key=KEY)
    with pytest.raises(Wrong, match="arrive"):
        check_arrival(sent + b" ", sent, transparent=True, key=KEY)
    with pytest.raises(Wrong, match="messages"):
        check_arrival(sent.replace(b"cart.py", b"card.py"), sent, transparent=False, key=KEY)


@pytest.mark.parametrize("size", [1_000, 50_000, 100_000, 400_000])
def test_a_body_has_its_size_and_claude_code_s_shape(size: int) -> None:
    body = bodies.body(size, model="m")
    read = json.loads(body)
    assert len(body) == size
    assert list(read)[:3] == ["model", "messages", "system"]
    assert list(read)[-1] == "stream"
    assert ("tools" in read) is (size > 1_000)
    assert "stream" not in json.loads(bodies.body(size, model="m", stream=False))


# Framing


def test_an_answer_is_complete_with_its_last_byte_and_not_before() -> None:
    for raw in (streamed(STREAM), head("text/plain", 5) + b"12345"):
        assert complete(raw)
        assert not any(complete(raw[:length]) for length in range(len(raw) - 2))


@pytest.mark.parametrize("raw", [head("a"), head("a") + b"5\r\n123", head("a") + b"z\r\n", head("a", 3) + b"1", b""])
def test_broken_framing_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        spans(raw)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_an_event_is_there_when_the_last_byte_of_its_empty_line_is_however_it_was_cut(size: int) -> None:
    body = b"".join(STREAM[:4])
    raw = head("a") + b"".join(chunk(body[at : at + size]) for at in range(0, len(body), size)) + b"0\r\n\r\n"
    ends = [place for place in range(len(body)) if body.startswith(b"\n\n", place)]
    found = places(spans(raw), ends)
    assert len(found) == 4
    for number, place in enumerate(found, 1):
        so_far = b"".join(raw[start : min(end, place + 1)] for start, end in spans(raw) if start <= place)
        assert so_far == b"".join(STREAM[:number])
