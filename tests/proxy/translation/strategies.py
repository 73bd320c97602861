"""JSON that looks like what is expected, and is not."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st


def odd_json(names: Sequence[str], words: Sequence[str], leaves: int = 25) -> st.SearchStrategy[Any]:
    """Any JSON, with objects of these names and with these words more often than chance has it."""
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    return st.recursive(
        scalars | st.text(max_size=5) | st.sampled_from(words),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(names), inner, max_size=5),
        max_leaves=leaves,
    )
