"""Streams of every provider, as the events that clients need."""

import pytest

from proxy.translation.stream import StreamTranslator
from tests.proxy.translation.invariants import read
from tests.proxy.translation.judging import judged, judged_streams, translated
from tests.proxy.translation.upstreams import ALL, Upstream


def test_all_recorded_streams_keep_to_the_rules() -> None:
    assert judged_streams(StreamTranslator) == []


@pytest.mark.parametrize("upstream", ALL, ids=lambda upstream: upstream.name)
def test_a_recorded_stream_keeps_to_the_rules(upstream: Upstream) -> None:
    events, translator = translated(StreamTranslator, upstream.events)
    assert judged(upstream, events, translator) == []
    assert len(read(events).blocks) == len(upstream.blocks)
