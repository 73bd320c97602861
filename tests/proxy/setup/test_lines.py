"""Lines of values in TOML, against Python's own parser, for whatever hypothesis thinks of."""

import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.gateway_file.lines import Place, lines_of

SCALARS = st.sampled_from([
    "1", "-0.5e3", "1_000.25", "true", "inf", "1979-05-27 07:32:00", "07:32:00.5", '"a # [b] {c}, = \\" d"', "'\\'",
    '"""\n one\n"two" \\""""', "'''\nx = 1\n[y]\n'''", '""', '"é"',
])  # fmt: skip
KEYS = st.sampled_from(["a", "b-1", "1", '"q.r"', "'[s]'", '"\\u0041"', "true"])
SPACES = st.sampled_from(["", " ", "\t"])
GAPS = st.sampled_from(["", " ", "\n", " # ] } =\n", "\n\n  "])


@st.composite
def lists(draw: st.DrawFn, items: st.SearchStrategy[str]) -> str:
    text = "["
    for item in draw(st.lists(items, max_size=3)):
        text += draw(GAPS) + item + draw(GAPS) + ","
    return text + draw(GAPS) + "]"


@st.composite
def inline_tables(draw: st.DrawFn, items: st.SearchStrategy[str]) -> str:
    keys = draw(st.lists(KEYS, max_size=3, unique_by=decoded))
    return "{" + ", ".join(f"{key} = {draw(items)}" for key in keys) + "}"


def decoded(key: str) -> str:
    return next(iter(tomllib.loads(f"{key} = 1")))


VALUES = st.recursive(SCALARS, lambda items: lists(items) | inline_tables(items), max_leaves=6)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """TOML, most of the time: names may come twice."""
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        key = ".".join(draw(st.lists(KEYS, min_size=1, max_size=3)))
        form = draw(st.sampled_from(["{0}[{1}]{0}", "[[{0}{1}]]", "{0}{1}{0}= {2}", "{0}{1} = {2} # c", "# {1}", ""]))
        lines.append(form.format(draw(SPACES), key, draw(VALUES)))
    return "\n".join(lines)


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in a parsed document."""
    if at:
        yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from places(item, (*at, name))


def parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


@given(documents())
def test_every_value_has_a_line_and_nothing_else_has_one(text: str) -> None:
    if (values := parsed(text)) is None:
        return
    assert set(lines_of(text)) == set(places(values))


@given(documents(), st.integers(0, 5))
def test_lines_move_with_what_stands_before(text: str, more: int) -> None:
    if parsed(text) is None:
        return
    assert lines_of("\n" * more + text) == {place: line + more for place, line in lines_of(text).items()}


def test_a_value_is_where_it_is_written() -> None:
    text = 'a = [1,\n 2]\n[t."u.v"]\n\nw.x = """\n"""\ny = { z = [\n3] }\n[[l]]\nm = 1\n[[l]]\n[l.n]\no = 2\n'
    lines = lines_of(text)
    expected: dict[Place, int] = {
        ("a",): 1, ("a", 0): 1, ("a", 1): 2, ("t", "u.v"): 3, ("t", "u.v", "w", "x"): 5, ("t", "u.v", "y"): 7,
        ("t", "u.v", "y", "z", 0): 8, ("l",): 9, ("l", 0, "m"): 10, ("l", 1): 11, ("l", 1, "n", "o"): 13,
    }  # fmt: skip
    assert {place: lines[place] for place in expected} == expected
