"""Thirty labelled pairs of findings on the twelve real changes: what is the same in other words is not said twice.

The labels are a person's; `pairs.json` says why. In eight of them the second review is of a head in which lines above
the place were added, so that all of its numbers are higher by `shift`.
"""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from forge.placing import Diff, located
from stack.diff import FileDiff, Line, diff_between
from stack.work.remarks import Said
from stack.work.review import Finding

PULLS = Path(__file__).parents[2] / "../shared/pulls"
PAIRS = json.loads((Path(__file__).parent / "pairs.json").read_text())
MOST_SUPPRESSED = 1  # of what is different


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The diff of a real change, by its name."""
    folder = tmp_path_factory.mktemp("pulls")

    @cache
    def change(name: str) -> tuple[FileDiff, ...]:
        place = str(folder / name)
        bundle = str(PULLS / name / "repo.bundle")
        subprocess.run(["git", "clone", "--quiet", "--bare", bundle, place], check=True, capture_output=True)
        base = ["git", "-C", place, "merge-base", "main", "change"]
        merge_base = subprocess.run(base, check=True, capture_output=True, text=True).stdout.strip()
        return tuple(diff_between(folder / name, merge_base, "change"))

    return change


def finding(made: dict[str, Any]) -> Finding:
    kept = {key: value for key, value in made.items() if key != "line_text"}
    return Finding.model_validate({**kept, "confidence": 0.8, "suggestion": None})


def shifted(files: tuple[FileDiff, ...], by: int) -> list[FileDiff]:
    """The same change on a head with so many more lines above it."""
    moved = [
        FileDiff(path=f.path, old_path=f.old_path, text=f.text, hunks=[_moved(h, by) for h in f.hunks]) for f in files
    ]
    return moved if by else list(files)


def _moved(hunk: Any, by: int) -> Any:
    lines = [Line(x.tag, x.old, x.new + by if x.new is not None else None, x.text) for x in hunk.lines]
    return type(hunk)(hunk.header, hunk.first, hunk.last, lines)


def fate(pair: dict[str, Any], files: tuple[FileDiff, ...]) -> str:
    """What becomes of the second finding where the first stands on the pull request, as we signed it."""
    first = finding(pair["said"])
    place, _ = Diff(files, lambda _: None).place(first)
    shift = pair["shift"] if first.side == "RIGHT" else 0
    said = Said(
        number=1, author="reviewer", ours=True, path=place.path, side=place.side, start_line=place.start + shift,
        line=place.end + shift, text="", kind=place.kind, anchor=place.anchor, thread="T",
    )  # fmt: skip
    (found,) = located([finding(pair["found"])], Diff(shifted(files, pair["shift"]), lambda _: None), [said], [])
    return found.fate


def test_none_that_is_the_same_is_said_twice_and_hardly_one_that_differs_is_kept_back(changes: Any) -> None:
    fates = {pair["id"]: fate(pair, changes(pair["pull"])) for pair in PAIRS}
    said_twice = [pair["id"] for pair in PAIRS if pair["same"] and fates[pair["id"]] == "new"]
    kept_back = [pair["id"] for pair in PAIRS if not pair["same"] and fates[pair["id"]] == "said"]
    print(f"{len(PAIRS)} pairs: {len(said_twice)} said twice {said_twice}, {len(kept_back)} kept back {kept_back}")
    assert len(PAIRS) == 30
    assert said_twice == []
    assert len(kept_back) <= MOST_SUPPRESSED
