"""Each mistake in gateway.toml is told with its line, with what would be right, and without any key."""

from pathlib import Path

import pytest

from proxy.gateway_file import SetUpError, load
from tests.proxy.setup.written import ANTHROPIC, SMALL, Written

LITERAL = "invented-literal-key"
# the text, the line, and what must be said; TIERS stands behind each
PROVIDERS = [
    ('[providers.zai]\nkeys = "env:NOT_THERE"', 2, "the environment variable NOT_THERE is not set"),
    ('[providers.zai]\nkeys = [\n"env:ZAI_API_KEY",\n"env:EMPTY",\n]', 4, "the environment variable EMPTY is not set"),
    ('[providers.zai]\nkeys = ["env:zai-key"]', 2, "name of a variable in capitals"),
    ('[providers.zai]\nkeys = ["env:BROKEN"]', 2, "env:BROKEN: no header can carry"),
    ('[providers.zai]\nkeys = ["file:missing"]', 2, "file:missing cannot be read (No such file"),
    ('[providers.zai]\nkeys = ["file:."]', 2, "file:. cannot be read (Is a directory)"),
    ('[providers.zai]\nkeys = ["file:empty"]', 2, "file:empty is empty"),
    ('[providers.zai]\nkeys = ["file:binary"]', 2, "file:binary cannot be read (it is not a text)"),
    ('[providers.zai]\nkeys = ["file:two-lines"]', 2, "file:two-lines: no header can carry"),
    ('[providers.zai]\nkeys = ["file:huge"]', 2, "file:huge cannot be read (it is larger than"),
    (f'[providers.zai]\nkeys = "{LITERAL}"', 2, 'stands here in clear, where it is copied and shown; write "env:NAME"'),
    (f'[providers.zai]\n\nkeys = [\n"env:ZAI_API_KEY",\n"{LITERAL}"]', 5, "keys[1]: the key stands here in clear"),
    ("[providers.zai]\nkeys = 7", 2, 'is a number; it must be a list such as ["env:NAME"]'),
    ("[providers.zai]\nkeys = [7]", 2, 'keys[0] is a number; it must be "env:NAME"'),
    ('[providers.zai]\nkeys = ["env:ZAI_API_KEY", "env:ZAI_API_KEY"]', 2, "keys[1] stands there twice"),
    ("\n[providers.zai]", 2, 'providers.zai has no keys; it must have some, such as keys = ["env:ZAI_API_KEY"]'),
    ("[providers.zai]\nkeys = []", 2, "providers.zai has no keys"),
    ('[providers.vllm]\nkey = "env:ZAI_API_KEY"', 2, "providers.vllm.key is not known; did you mean keys?"),
    ('[providers.zai]\nkeys = "env:ZAI_API_KEY"\nretries = 3', 3, "retries is not known; known are preset, base_url"),
    ("[providers]\nzai = 3", 2, "providers.zai is a number; it must be a table"),
    ('providers = "zai"', 1, "providers is a text; it must be a table"),
    ('[providers."z ai"]\npreset = "ollama"', 1, "the name of a provider is made of letters"),
    ('[providers.mine]\nbase_url = "https://models.example"', 1, "is no known provider; give it a preset"),
    ('[providers.mine]\npreset = "olama"', 2, "did you mean ollama?"),
    ("[providers.mine]\npreset = 1", 2, "preset is a number; it must be one of anthropic, zai"),
    ('[providers.mine]\nwire = "openal"\nbase_url = "https://models.example"', 2, "did you mean openai?"),
    ('[providers.mine]\nwire = "openai"', 1, "providers.mine has no base_url"),
    ('[providers.custom]\nkeys = "env:ZAI_API_KEY"', 1, "providers.custom has no base_url"),
    ('[providers.zai]\nkeys = "env:ZAI_API_KEY"\nwire = "openai"', 3, 'write preset = "custom-openai"'),
    ('[providers.ollama]\nauth = "basic"', 2, "auth is 'basic'; known are x-api-key, bearer, both, none"),
    ('[providers.ollama]\nauth = "none"\nkeys = "env:ZAI_API_KEY"', 2, "auth is none, and yet there are keys"),
    ('[providers.ollama]\nmax_tokens_field = "tokens"', 2, "max_tokens"),
    ('[providers.ollama]\nreads_images = "yes"', 2, "is a text; it must be true or false"),
    ('[providers.ollama]\nprice = "cheap"', 2, "is 'cheap'; it must be \"3/15\""),
    ("[providers.ollama]\nheaders = 1", 2, "headers is a number; it must be a table"),
    ('[providers.ollama]\nheaders = { "x y" = "1" }', 2, "is no name of a header"),
    ('[providers.ollama]\nheaders = { x-team = "a\\r\\nhost: b" }', 2, "no header can carry this"),
    ("[providers.ollama]\nheaders = { x-team = 3 }", 2, "x-team is a number; it must be a text"),
    ('[providers.ollama]\nheaders = { Authorization = "env:ZAI_API_KEY" }', 2, "authorization is set by the proxy"),
    (
        f'[providers.ollama]\n\n[providers.ollama.headers]\nx-api-token = "{LITERAL}"',
        4,
        "the secret stands here in clear",
    ),
    ('[providers.ollama]\nheaders = { x-api-token = "env:NOT_THERE" }', 2, "NOT_THERE is not set"),
    ('[providers.anthropic]\nkeys = "env:LOOKS_REAL"\nbase_url = "http://127.0.0.1:1"', 2, "looks real, but http://"),
    ("[providers.ollama]\n[providers.ollama]", 2, "Cannot declare ('providers', 'ollama') twice"),
]
ADDRESSES = [
    ("models.example", "is no address of a web server"),
    ("ftp://models.example", "is no address of a web server"),
    ("https://", "is no address of a web server"),
    ("https://models.example/a b", "is no address of a web server"),
    ("https://modèles.example", "is no address of a web server"),
    ("https://models.example:port", "is no address (Port could not be cast"),
    ("https://[::1", "is no address (Invalid IPv6 URL)"),
    ("https://me:secret@models.example", "has a password in it"),
    ("https://models.example?a=b", "has a ? or a # in it"),
    ("https://models.example/#x", "has a ? or a # in it"),
    ("http://models.example", "would send keys and code in clear to models.example; write https://"),
    ("http://8.8.8.8", "would send keys and code in clear to 8.8.8.8"),
    ("https://models.example/v1/messages", "ends with /v1/messages, which is added by itself"),
    ("https://models.example/v1/", "ends with /v1, which is added by itself on the anthropic wire; leave /v1 out"),
]
TIERS = [
    ("", 1, "tiers has no sonnet; it must have one"),
    ('[tiers]\nhaiku = "ollama"', 1, "tiers has no sonnet"),
    ("[tiers]\nsonnet = []", 2, "tiers.sonnet goes nowhere; it must name a provider"),
    ("[tiers]\nsonnet = 3", 2, 'tiers.sonnet is a number; it must be "zai"'),
    ('[tiers]\nsonnet = [\n"ollama",\ntrue]', 4, "tiers.sonnet[1] is true or false; it must be"),
    ('[tiers]\nsonnet = ""', 2, "there is no [providers.]"),
    ('[tiers]\nsonnet = "olama"', 2, "there is no [providers.olama]; did you mean ollama?"),
    ('[tiers]\nsonnet = "zai/glm-4.7"', 2, "'zai' is not set up; add [providers.zai] with its keys"),
    ('[tiers]\nsonnet = "ollama/a b"', 2, "the name of a model has no spaces"),
    ('[tiers]\nsonnet = { model = "m" }', 2, "tiers.sonnet has no provider"),
    ('[tiers]\nsonnet = [{ provider = "ollama", modle = "m" }]', 2, "did you mean model?"),
    ('[tiers]\nsonnet = [{ provider = "ollama", model = 4.7 }]', 2, "sonnet[0].model is a number; it must be a text"),
    ('[tiers]\nsonnet = [{ provider = "ollama", price = -1 }]', 2, "sonnet[0].price is a number; it must be"),
    ('[tiers]\nsonnet = ["ollama",\n{ provider = "ollama", model = "m", downgrade = 1 }]', 3, "downgrade is a number"),
    ('[tiers]\nsonnet = [{ provider = "ollama", downgrade = true }]', 2, "is the first, and so no downgrade"),
    ('[tiers]\nsonnet = [\n"ollama/m",\n{ provider = "ollama", model = "m" },\n]', 4, "sonnet[1] stands there twice"),
    ('[tiers]\nsonet = "ollama"\nsonnet = "ollama"', 2, "tiers.sonet is not known; did you mean sonnet?"),
    ('tiers = "ollama"', 1, "tiers is a text; it must be a table"),
    ('tier = 1\n[tiers]\nsonnet = "ollama"', 1, "tier is not known; did you mean tiers?"),
    ('[tiers]\nsonnet = "ollama"\nsonnet = "vllm"', 3, "Cannot overwrite a value"),
]
REST = [
    ("[models]\nlocal = []", 2, "models.local goes nowhere"),
    ('[models]\n"local[1m]" = "ollama"', 2, '[1m] is taken off what is asked for'),
    ('[models]\n"" = "ollama"', 2, "the name of a model has no spaces"),
    ('[models.local]\ntargets = ["ollama"]', 2, "targets is not known"),
    ('[prices]\nx = "1,5/2"', 2, "prices.x is '1,5/2'; it must be"),
    ("[prices]\nx = 3", 2, "prices.x is a number; it must be"),
    ("[prices]\nx = { input = 3 }", 2, "prices.x has no output"),
    ("[prices]\nx = { input = 3, output = -1 }", 2, "output is -1; it must be a number of dollars from 0"),
    ("[prices]\nx = { input = nan, output = inf }", 2, "input is NaN"),
    ("[prices]\nx = { input = 1e999999999999999999999, output = 1 }", 2, "input is NaN"),
    ("[prices]\nx = { input = 1_000_001, output = 1 }", 2, "input is 1000001"),
    ("[prices]\nx = { input = 0.0000001, output = 1 }", 2, "of at most 6 decimals"),
    ("[prices]\nx = { input = 1e-300, output = 1 }", 2, "of at most 6 decimals"),
    ("[prices]\nx = { input = true, output = 1 }", 2, "input is true or false"),
    ('[prices]\nx = { input = "3", output = 1 }', 2, "input is a text"),
    ("[prices]\nx = { input = 1, output = 1, cached = 1 }", 2, "cached is not known; did you mean cache_read?"),
    ("[prices.x]\ninput = 1\noutput = 1\ncache_read = -0.5", 4, "cache_read is -0.5"),
    ('[prices]\n"a*" = "1/2"\n"ab*" = "3/4"', 3, 'prices."ab*" is never reached; it must stand before prices."a*"'),
    ('[prices]\n"a\\nb" = 1', 2, 'prices."a?b" is a number'),
    ("[limits]\nday = 0", 2, "limits.day is 0; it must be dollars, more than 0: leave the line out for no limit"),
    ("[limits]\nmonth = -3.5", 2, "limits.month is -3.5"),
    ("[limits]\nrun = nan", 2, "limits.run is NaN"),
    ('[limits]\nrun = "5"', 2, "limits.run is a text"),
    ("[limits]\nrun = false", 2, "limits.run is true or false"),
    ("[limits]\nrun = 2026-01-01", 2, "limits.run is a date or a time"),
    ("[limits]\nweek = 5", 2, "limits.week is not known"),
    ("[limits]\nperson-day = 5", 2, "did you mean person_day?"),
    ('default = "sonet"', 1, "default is 'sonet'; did you mean sonnet?"),
    ("default = 1", 1, "default is a number; it must be one of haiku, sonnet, opus"),
]  # fmt: skip
NOT_TOML = [
    ("", 1, "the file is empty"),
    ("# nothing\n\n", 1, "the file is empty"),
    ("\n[tiers\n", 2, "this is no TOML: Expected ']'"),
    ("[tiers]\nsonnet = \n", 2, "this is no TOML: Invalid value"),
    ("[tiers]\nsonnet = ollama\n", 2, "this is no TOML: Invalid value"),
    ('[tiers]\nsonnet = ["ollama"', 2, "this is no TOML: Unclosed array"),
    ('[tiers]\n"a\n', 2, "this is no TOML"),
    ("[tiers]\nx = " + "[" * 5000, 1, "too many brackets"),
    ("x = " + "1" * 5000, 1, "this is no TOML"),
    (b"[tiers]\n\n# caf\xe9\n", 3, "a character here is not UTF-8"),
    ("[tiers]\r\n\r\nsonnet = \r\n", 3, "this is no TOML: Invalid value"),
]


@pytest.fixture
def full(tmp_path: Path) -> Written:
    """A folder in which keys are wrong in many ways."""
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "two-lines").write_text(f"{LITERAL}\n{LITERAL}\n")
    (tmp_path / "huge").write_text("x" * 2_000_000)
    environ = {
        "ANTHROPIC_API_KEY": "invented-first-key", "ZAI_API_KEY": "invented-zai-key", "EMPTY": " ",
        "BROKEN": f"{LITERAL}\x00", "LOOKS_REAL": f"sk-ant-{LITERAL}",
    }  # fmt: skip
    return Written(tmp_path, environ)


def assert_told(found: list[str], line: int, said: str) -> None:
    assert [text for text in found if text.startswith(f"gateway.toml:{line}: ") and said in text], found
    assert not [text for text in found if LITERAL in text or "invented" in text]


@pytest.mark.parametrize(("text", "line", "said"), PROVIDERS)
def test_a_mistake_in_a_provider(full: Written, text: str, line: int, said: str) -> None:
    found = full.mistakes(f'{text}\n[tiers]\nsonnet = "vllm"\n')
    assert_told(found, line, said)
    assert len(found) == 1


@pytest.mark.parametrize(("url", "said"), ADDRESSES)
def test_a_mistake_in_an_address(full: Written, url: str, said: str) -> None:
    text = f'[providers.own]\nwire = "anthropic"\nbase_url = "{url}"\n[tiers]\nsonnet = "own"\n'
    found = full.mistakes(text)
    assert_told(found, 3, f"providers.own.base_url {said}")
    assert len(found) == 1
    assert "me:secret" not in found[0]


@pytest.mark.parametrize(("text", "line", "said"), TIERS)
def test_a_mistake_in_a_tier(full: Written, text: str, line: int, said: str) -> None:
    assert_told(full.mistakes(text + "\n[limits]\nday = 1\n"), line, said)


@pytest.mark.parametrize(("text", "line", "said"), REST)
def test_a_mistake_elsewhere(full: Written, text: str, line: int, said: str) -> None:
    assert_told(full.mistakes(f"{text}\n{SMALL}"), line, said)


@pytest.mark.parametrize(("text", "line", "said"), NOT_TOML)
def test_what_is_no_toml_has_its_line_too(full: Written, text: str | bytes, line: int, said: str) -> None:
    found = full.mistakes(text)
    assert_told(found, line, said)
    assert len(found) == 1


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(full: Written) -> None:
    text = f'{ANTHROPIC}price = 1\n[tiers]\nsonnet = "nobody"\nopus = []\n[limits]\nday = 0\n'
    assert [found.split(": ")[0] for found in full.mistakes(text)] == [
        "gateway.toml:3", "gateway.toml:5", "gateway.toml:6", "gateway.toml:8",
    ]  # fmt: skip


def test_a_file_that_is_not_there_is_told(full: Written) -> None:
    full.load(SMALL)
    full.path.unlink()
    full.path.mkdir()
    assert_is_unreadable(full, "Is a directory")
    full.path.rmdir()
    assert_is_unreadable(full, "No such file or directory")


def assert_is_unreadable(file: Written, why: str) -> None:
    with pytest.raises(SetUpError, match=rf"^gateway.toml:1: it cannot be read \({why}\)"):
        load(file.path, {})
