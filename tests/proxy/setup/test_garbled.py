"""The example with something wrong in it is read, or refused with lines: never anything else."""

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.gateway_file import SetUpError, load
from tests.proxy.setup.written import EXAMPLE, KEYS

TEXT = EXAMPLE.read_text()
LINES = TEXT.splitlines()
TOLD = re.compile(r"gateway\.toml:(\d+): \S.*")
# what a slip of the hand, or another notation, leaves in a file
SLIPS = st.sampled_from(
    ['"', "'", "[", "]", "{", "}", "=", ",", ".", "#", "\n", "\\", "-", "0", "é", "\x00", '"""', " "]
)
VALUES = st.sampled_from([
    "0", "-1", "1e400", "nan", "true", '""', '"x"', "[]", "[[]]", "{}", "[1, 'a', {}]", "2026-01-01", "{ a.b = 1 }",
    '"env:"', '"file:"', '"file:\\u0000"', '"env:PATH"', '"\\n"', "[{ provider = [] }]",
    '{ provider = "zai", price = [] }', '"file:a\\nb"',
])  # fmt: skip
UNHEARD_OF = st.sampled_from(
    ["x", '"a b"', '""', "keys", '"a\\nb"', "tiers.sonnet", 'prices."*"', "providers.zai.keys"]
)
anywhere = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


def check(folder: Path, text: str) -> None:
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    (folder / "zai.key").write_text(KEYS["ZAI_API_KEY"])
    if mistakes := mistakes_in(path):
        lines = [TOLD.fullmatch(line) for line in mistakes.splitlines()]
        assert all(match and 1 <= int(match[1]) <= text.count("\n") + 1 for match in lines), mistakes
        assert not [key for key in KEYS.values() if key in mistakes]


def mistakes_in(path: Path) -> str:
    try:
        load(path, KEYS)
    except SetUpError as error:
        return str(error) or "no word of why"
    return ""


@anywhere
@given(st.integers(0, len(TEXT)), st.integers(0, 3), st.lists(SLIPS, max_size=3).map("".join))
def test_a_few_characters(tmp_path: Path, at: int, gone: int, put: str) -> None:
    check(tmp_path, TEXT[:at] + put + TEXT[at + gone :])


@anywhere
@given(st.sets(st.integers(0, len(LINES) - 1), min_size=1, max_size=4))
def test_lines_that_are_missing(tmp_path: Path, missing: set[int]) -> None:
    check(tmp_path, "\n".join(line for number, line in enumerate(LINES) if number not in missing))


@anywhere
@given(st.sampled_from([n for n, line in enumerate(LINES) if re.match(r"[^#]+ = ", line)]), VALUES)
def test_values_of_another_kind(tmp_path: Path, number: int, value: str) -> None:
    key = LINES[number].partition(" = ")[0]
    check(tmp_path, "\n".join([*LINES[:number], f"{key} = {value}", *LINES[number + 1 :]]))


@anywhere
@given(st.integers(0, len(LINES)), UNHEARD_OF, VALUES)
def test_lines_that_nobody_expects(tmp_path: Path, number: int, key: str, value: str) -> None:
    check(tmp_path, "\n".join([*LINES[:number], f"{key} = {value}", *LINES[number:]]))


@anywhere
@given(st.integers(0, len(TEXT)))
def test_a_file_that_is_cut_off(tmp_path: Path, length: int) -> None:
    check(tmp_path, TEXT[:length])
