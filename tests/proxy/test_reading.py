"""The small parts on their own: usage from any pieces, the splice, prices, tiers."""

import json
import random
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from proxy.prices import price
from proxy.settings import ProxySettings
from proxy.splice import model_request
from proxy.tiers import tier_of, tiers
from proxy.usage import StreamReader, Usage, of_body
from tests.proxy.upstream import MESSAGE_COST, event, message_events

EXPECTED = Usage(input=100, output=25, cache_read=40, cache_write=8)


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same throws each time


def pieces_of(stream: bytes, seed: int) -> list[bytes]:
    cuts = sorted(dice(seed).choices(range(len(stream)), k=seed))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("seed", [0, 1, 2, 5, 30, 300, 3000])
def test_usage_is_the_same_however_the_stream_is_cut(seed: int, newline: bytes) -> None:
    stream = b"".join(message_events("é\n🙂", 'a "usage" in "message_stop"', "x" * 500)).replace(b"\n", newline)
    reader = StreamReader()
    for piece in pieces_of(stream, seed):
        reader.feed(piece)
    assert reader.finished
    assert reader.reading.usage == EXPECTED
    assert reader.reading.model == "claude-sonnet-5-20260101"


def test_the_last_snapshot_wins_field_by_field() -> None:
    reader = StreamReader()
    reader.feed(event("message_start", message={"usage": {"input_tokens": 900, "output_tokens": 1}}))
    reader.feed(event("message_delta", usage={"input_tokens": 300, "cache_read_input_tokens": 600, "output_tokens": 9}))
    reader.feed(event("message_delta", usage={"input_tokens": None, "output_tokens": 12}))
    assert reader.reading.usage == Usage(input=300, output=12, cache_read=600)


@pytest.mark.parametrize("odd", ["12", -1, 1.5, True, [], None])
def test_a_count_that_is_no_count_is_not_taken(odd: object) -> None:
    assert of_body(json.dumps({"usage": {"input_tokens": odd, "output_tokens": 2}}).encode()).usage == Usage(output=2)
    assert of_body(json.dumps({"usage": {"input_tokens": odd}}).encode()).usage is None


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"{", b'{"usage": 3}', b"\xff"])
def test_a_body_without_usage_reads_as_nothing(body: bytes) -> None:
    assert of_body(body).usage is None


def test_output_that_was_seen_counts_where_the_last_word_is_missing() -> None:
    reader = StreamReader()
    reader.feed(b"".join(message_events("x" * 4000, "y")[:5]))
    usage = reader.reading.usage
    assert usage is not None
    assert 900 <= usage.output <= 1000


def test_a_splice_changes_the_model_and_nothing_else() -> None:
    for seed in range(200):
        wanted = random_object(dice(seed)) | {"model": f'odd "{seed}" \\ é'}
        text = json.dumps(wanted, indent=seed % 3 or None, ensure_ascii=seed % 2 == 0)
        found = model_request(text.encode())
        assert found.model == wanted["model"]
        assert found.asking_for("") == text.encode()
        spliced = found.asking_for("new-model")
        assert json.loads(spliced) == wanted | {"model": "new-model"}
        assert spliced == text.encode()[: found.start] + b'"new-model"' + text.encode()[found.end :]


def random_object(thrown: random.Random, depth: int = 0) -> dict[str, object]:
    values = ["model", '"model": "x"', "}{", "\\", 0, 1.5, None, True, ["model", {"model": "inner"}]]
    names = thrown.sample(["a", "modelx", "Model", "é", 'mo"del', "messages", "", "z"], k=thrown.randrange(8))
    nested = {"model": random_object(thrown, depth + 1)} if depth < 3 else {}
    return {name: thrown.choice([*values, nested]) for name in names}


def test_an_escaped_name_is_still_the_model() -> None:
    assert model_request(b'{"mod\\u0065l": "claude-opus-5"}').model == "claude-opus-5"


def test_prices_are_in_micro_dollars_and_rounded_up() -> None:
    assert price("3/15").cost(EXPECTED) == MESSAGE_COST
    assert price("1/5").cost(Usage(cache_read=1)) == 1
    assert price("0.27/1.10").cost(Usage(input=1000, output=10)) == 281
    assert price("5/25").cost(Usage()) == 0
    assert price("0.5/2").input == Decimal("0.5")


@pytest.mark.parametrize(
    ("model", "tier"),
    [("claude-haiku-4-5", "haiku"), ("claude-opus-5[1m]", "opus"), ("claude-sonnet-5", "sonnet"), ("gpt-x", "sonnet")],
)
def test_a_models_name_tells_its_tier(model: str, tier: str) -> None:
    assert tier_of(model) == tier


def settings(**changes: object) -> ProxySettings:
    given = {"model_token_key": SecretStr("k"), "proxy_read_token": SecretStr("r"), "data_dir": Path("unused")}
    return ProxySettings.model_validate(given | changes)


def test_tiers_without_a_provider_of_their_own_share_sonnets() -> None:
    found = tiers(settings(sonnet_provider="zai", sonnet_provider_api_key="invented", opus_provider_api_key="own"))
    assert found["haiku"].credentials() == {"x-api-key": "invented"}
    assert found["haiku"].base_url == found["opus"].base_url == "https://api.z.ai/api/anthropic"
    assert found["opus"].credentials() == {"x-api-key": "own"}


def test_a_key_is_never_sent_to_an_address_it_was_not_given_for() -> None:
    found = tiers(
        settings(
            sonnet_provider_api_key="invented", haiku_provider="kimi", opus_provider_base_url="https://example.invalid"
        )
    )
    assert found["haiku"].api_key == found["opus"].api_key == ""


def test_each_provider_gets_its_key_where_it_looks_for_it() -> None:
    found = tiers(settings(sonnet_provider="kimi", sonnet_provider_api_key="invented", opus_provider="ollama"))
    assert found["sonnet"].credentials() == {"authorization": "Bearer invented"}
    assert found["opus"].credentials() == {}
    assert "invented" not in repr(found)


def test_a_key_that_looks_real_is_not_sent_without_tls() -> None:
    with pytest.raises(SystemExit, match="SONNET_PROVIDER_API_KEY looks real"):
        tiers(settings(sonnet_provider_api_key="sk-ant-invented", sonnet_provider_base_url="http://127.0.0.1:1"))


def test_a_custom_provider_needs_an_address() -> None:
    with pytest.raises(SystemExit, match="HAIKU_PROVIDER_BASE_URL"):
        tiers(settings(haiku_provider="custom"))
