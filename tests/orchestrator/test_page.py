"""A draft as a document: what will be posted can be read in it, and nothing in it does anything."""

import re

import pytest

from orchestrator.words.page import page
from stack.work.remarks import Remark
from tests.orchestrator.samples import DRAFT

REMARK = DRAFT.remarks[0]


def shown(body: str = "", *remarks: Remark, title: str = "acme/shop#12") -> str:
    return page(title, DRAFT.model_copy(update={"body": body, "remarks": remarks}))


def remark(**changed: object) -> Remark:
    return REMARK.model_copy(update=changed)


def test_it_says_what_is_posted_where_and_on_which_commit() -> None:
    lines = remark(path="a.py", start_line=3, line=5, side="RIGHT", body="**High**: Wrong")
    old = remark(path="b.py", start_line=None, line=7, side="LEFT", body="`x`")
    text = shown("## Review\n\nTwo problems.", lines, old)
    assert "<title>acme/shop#12</title>" in text
    assert "<h2>Review</h2>\n<p>Two problems.</p>" in text
    assert "<h2>2 on lines of the diff</h2>" in text
    assert "<header>a.py:3 to 5</header><p><strong>High</strong>: Wrong</p>" in text
    assert "<header>b.py:7 (old file)</header><p><code>x</code></p>" in text
    assert f"Draft {'d' * 12} · commit {'b' * 12} · as it will be posted" in text


def test_without_comments_there_is_no_heading_for_them() -> None:
    assert "on lines of the diff" not in shown("No problems found.")


@pytest.mark.parametrize(
    "hostile",
    ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "<svg/onload=alert(1)>",
     "<det<details>ails open ontoggle=alert(1)>", "</article></body><script>", "<style>*{}</style>", "<a href=x>"],
)  # fmt: skip
@pytest.mark.parametrize("where", ["body", "comment", "path", "title"])
def test_what_a_stranger_wrote_is_text(hostile: str, where: str) -> None:
    text = {
        "body": lambda: shown(hostile),
        "comment": lambda: shown("", remark(body=hostile)),
        "path": lambda: shown("", remark(path=hostile)),
        "title": lambda: shown(title=hostile),
    }[where]()
    own = set(re.findall(r"<(/?\w+)", shown("", REMARK)))
    assert set(re.findall(r"<(/?\w+)", text)) <= own | {"p", "/p"}


def test_it_loads_and_runs_nothing() -> None:
    assert "default-src 'none'; style-src 'unsafe-inline'" in shown("![x](https://evil.test/x.png)")
    assert "<script" not in shown("", REMARK)


def test_what_folds_on_github_is_shown_unfolded() -> None:
    text = shown("<details><summary>3 more findings</summary>\n\n- one\n\n</details>\n\n<sub>by us</sub>")
    assert "3 more findings" in text
    assert "<li>one</li>" in text
    assert "details" not in text
