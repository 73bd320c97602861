"""What `python -m proxy config` prints."""

from proxy.describe import describe
from proxy.environment import from_settings
from tests.proxy.setup.written import EXAMPLE, KEYS, Written, settings

ANYTHING = "the model asked for at anthropic (https://api.anthropic.com, anthropic, 1 key)"


def test_the_simple_case_fits_on_a_screen() -> None:
    told = describe(from_settings(settings(sonnet_provider_api_key="invented", haiku_price="0.05/0.125")))
    assert told.splitlines() == [
        f"haiku: {ANYTHING} $0.05/$0.125",
        f"sonnet: {ANYTHING} at the price of that model",
        f"opus: {ANYTHING} at the price of that model",
        "other models: refused (404)",
        "limits: none",
    ]


def test_a_file_is_told_with_what_each_target_costs(file: Written) -> None:
    (file.folder / "zai.key").write_text("invented-zai-key")
    told = describe(file.load(EXAMPLE.read_text()))
    lines = told.splitlines()
    assert lines[0] == "haiku: glm-4.5-air at zai (https://api.z.ai/api/anthropic, anthropic, 1 key) $0.20/$1.10"
    assert lines[2] == "  else glm-4.7 at zai (https://api.z.ai/api/anthropic, anthropic, 1 key) $0.60/$2.20 downgrade"
    assert "local: qwen3-coder at workstation (http://192.168.1.20:8000/v1, openai, no key) $0/$0" in lines
    assert lines[-2:] == [
        "other models: sonnet",
        "limits: $5 a run, $20 a person in a day, $200 a person in a month, $50 all in a day, $500 all in a month",
    ]
    assert not [key for key in (*KEYS.values(), "invented") if key in told]
