"""What models and strangers write is inert when it is posted, judged by GitHub's own Markdown."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import regex

from forge.characters import MOST_BLANKS
from forge.markdown import MOST_GROWTH, MOST_READ, code, fenced, line, prose, quoted
from tests.forge.inert import active_in, html, words_in

CORPORA = Path(__file__).parents[3] / "shared/corpora"
WRITERS = (prose, quoted, line, code, fenced)
# Nobody sees these, or they are blanks that are no spaces.
UNSEEN = regex.compile(r"(?V1)[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800--[ \n]]")

PARTS = (
    "@bob", "@acme/all", "#12", "acme/shop#1", "GH-9", "https://e.example/a?b=1", "www.e.example", "a@b.example",
    "deadbeef1", "`", "``", "```", "~~~", "```suggestion\n", "*", "**", "***", "_", "__", "<", "<img src=x>", "<!--",
    "-->", "<a href='x'>", "</details>", "[", "]", "](", "(http://x)", "![", "[^1]", "[^1]: x", "[x]: http://y 'z'",
    "&#64;", "&lt;", "&#10;", "&#x60;", "&lt;script>", "\\", "\n", "\n\n", "  \n", "    ", "\t", "> ", "- ", "* ", "+ ",
    "1. ", "2) ", "# ", "## ", "===\n", "---\n", "***\n", "|", "|--|\n", ":-:\n", "a", "word", "x_y", "$", "$$",
    ":tada:", "[ ] ", "[x] ", "[!NOTE]\n", "(", ")", "'", '"', "!", ".", "-", "=", "~", "~~", "\u200b", "\u202e",
    "\u00a0", "\u3000", "\u2028", "\r", "\0", "\ud800", "\u00e9", "\u0301\u0301\u0301\u0301", "\u6f22",
    "<https://q.example>", "<a@b.example>", "mailto:a@b.example", "/approve", "xmpp:a@b.example", "http:", "//", "w",
    "ww.", "&", "amp;", "#", "@", " ", " ",
)  # fmt: skip


def hostile(seed: int) -> str:
    dice = random.Random(seed)  # noqa: S311
    return "".join(dice.choice(PARTS) for _ in range(dice.randint(1, dice.choice((4, 12, 40, 150)))))


def injections() -> list[str]:
    texts = (CORPORA / "injections.jsonl").read_text().splitlines()
    return [json.loads(text)["text"] for text in texts]


@pytest.mark.parametrize("hundred", range(8))
def test_nothing_that_anybody_writes_is_active(hundred: int) -> None:
    for seed in range(100 * hundred, 100 * hundred + 100):
        text = hostile(seed)
        for write in WRITERS:
            written = write(text)
            assert not active_in(written), (seed, write.__name__)
            assert not UNSEEN.search(written.replace("\t", "") if write in (prose, quoted, fenced) else written), seed


@pytest.mark.parametrize("write", WRITERS)
def test_the_texts_of_injections_are_inert(write: Callable[[str], str]) -> None:
    assert not {text: found for text in injections() if (found := active_in(write(text)))}


@pytest.mark.parametrize(
    "text",
    [
        # 36
        "ping @acme/all", "@octocat", "a@b.example", "<!-- hidden -->", "<img src=http://x/?q>", "![i](http://x/?q)",
        "&#64;octocat", "&commat;octocat", "</details>", "<details><summary>x</summary>", "<script>x</script>",
        # 37
        "[report](https://evil.example)", "[report](https://evil.example 'Approved by the team')",
        "[report][1]\n\n[1]: https://evil.example 'title'", "[//]: # (hidden)", "[hidden]: <text that nobody sees>",
        "<https://evil.example>", "https://evil.example", "www.evil.example", "ftp://evil.example/x",
        "see acme/shop#12", "fixes #12", "closes GH-12", "acme/shop@0123456789abcdef0123456789abcdef01234567",
        "0123456789abcdef", "a1b2c3d",
        "https://github.com/acme/shop/issues/1", "No\ufe0f problems\ufe0f", "# Review by claude-stack",
        "Review by claude-stack\n===", "a[^1]\n\n[^1]: b", "> [!CAUTION]\n> c", "- [ ] tick", "| a |\n|---|\n| b |",
        "a\n:-:\nb", "~~gone~~", "$\\color{white}x$", "$$\nx\n$$", "$`x`$", "```math\nx\n```", ":tada:",
        # 38 to 42
        "a\u3164\U000e0100\u00ad\u200c\u200d\u034f\u2028b", "```suggestion\nx = 1\n```", "~~~ suggestion\nx\n~~~",
        "> ```suggestion\n> x\n> ```", "- ```suggestion\n  x\n  ```", "../../etc/passwd`` <img>", "```\nopen",
    ],
)  # fmt: skip
@pytest.mark.parametrize("write", WRITERS)
def test_each_way_to_be_active_is_closed(write: Callable[[str], str], text: str) -> None:
    assert not active_in(write(text))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Plain words, (with) signs: it's 5% - \"done\"; a + b = c/d.", None),
        ("Two\nlines", None),
        ("*em* and **strong**, `code` and ``a ` b``", None),
        ("snake_case and a > b -> c", None),
        ("- one\n- two\n  - three", None),
        ("1. one\n2. two", None),
        ("> a quote\n> of two lines", None),
        ("```\na\n\n\tb\n```", None),
        ("- one\n\n  more\n\n  ```\n  x\n  ```", None),
        ("# Title\n\ntext", "**Title**\n\ntext"),
        ("A **strong** title\n===", "**A strong title**"),
        ("## **x**", "**x**"),
        ("a\n\n---\n\nb", "a\n\nb"),
        ("* one\n+ two", "- one\n\n- two"),
        ("3) three", "3. three"),
        ("    indented", "```\nindented\n```"),
        ("```python\nx\n```", "```\nx\n```"),
        ("```python\nx", "```\nx\n```"),
        ("~~~~\n```\nx", "````\n```\nx\n````"),
        ("  ```\nx", "```\nx\n```"),
        ("```suggestion\nx\n```", "```\nx\n```"),
        ("__init__ and _em_", "\\_\\_init\\_\\_ and *em*"),
        ("[the report](http://x.example/a_b \"title\")", "the report (`http://x.example/a_b`)"),
        ("<http://x.example>, http://x.example.", "`http://x.example`, `http://x.example`."),
        ("![logo](http://x.example/p.gif)", "logo (`http://x.example/p.gif`)"),
        ("![](http://x.example/p.gif)", "`http://x.example/p.gif`"),
        ("[x](javascript:alert(1))", "x (`javascript:alert(1)`)"),
        ("[ref]: http://x.example 'y'", "\\[ref\\]: `http://x.example` 'y'"),
        ("thanks @bob (and @acme/all)", "thanks `@bob` (and `@acme/all`)"),
        ("see #12, acme/shop#3 and GH-4.", "see `#12`, `acme/shop#3` and `GH-4`."),
        ("since 0123abc", "since `0123abc`"),
        ("costs $5", "costs `$5`"),
        ("a <b> &lt;c&gt; R&D &copy", "a &lt;b> &lt;c> R\\&D \\&copy"),
        ("<!-- x -->", "&lt;!-- x -->"),
        ("a * b ~ c | d", "a \\* b \\~ c \\| d"),
        ("a\n/approve", "a\n\\/approve"),
        ("2024\\. A year", "2024\\. A year"),
        ("\\- no item", "\\- no item"),
        ("- [x] done\n- [ ] not\n- [   ] not", "- `[x]` done\n- `[ ]` not\n- `[   ]` not"),
        ("zero\u200bwidth, no\u00a0break, two\u2028lines", "zerowidth, no break, two\nlines"),
        ("x\u0301\u0302\u0303\u0304\u0305", "x\u0301\u0302\u0303"),
        ("a" + " " * 400 + "b", "a b"),
        ("a" + "\n" * 40 + "b", "a\n\nb"),
        ("**  ** and ****", "\\*\\* \\*\\* and \\*\\*\\*\\*"),
        ("", ""),
        (" \n\u200b\n ", ""),
    ],
)  # fmt: skip
def test_prose_is_shown_as_it_was_meant(text: str, written: str | None) -> None:
    assert prose(text) == (text if written is None else written)


def test_what_is_written_is_read_the_same() -> None:
    """Each sign of prose is seen as it was written, not as the escape that keeps it inert."""
    text = r"""A (b) [c] {d} \\e *f _g_h ~i~ |j| <k> `l &m; # n 1. o -p +q =r :s /t 'u' "v" w! x? y; z%"""
    assert words_in(prose(text)).strip() == text.replace(r"\\", "\\")


@pytest.mark.parametrize("text", ["# Review by claude-stack\n\n**No problems found.**", "a\n\n```\nb\n\nc\n```\n\nd"])
def test_a_quote_holds_all_of_a_text(text: str) -> None:
    written = html(quoted(text)).strip()
    assert written.startswith("<blockquote>")
    assert written.endswith("</blockquote>")
    assert written.count("blockquote") == 2


def test_an_empty_quote_is_none() -> None:
    assert quoted(" ") == ""


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("A title", "A title"),
        ("# a\n- b", "\\# a - b"),
        ("- a", "\\- a"),
        ("1. a", "1\\. a"),
        ("`eval` of **input** by [x](http://y)", "`eval` of **input** by x (`http://y`)"),
        ("one\r\n\u2028 two&#10;three", "one two three"),
        ("a `b", "a \\`b"),
        ("", ""),
    ],
)
def test_a_line_is_one_line(text: str, written: str) -> None:
    assert line(text) == written


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.py", "`a.py`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("a\nb", "`a\ufffdb`"), ("``", "``` `` ```"),
        (" a", "`  a `"), ("", "` `"), (" ", "` `"), ("a\u202eb\u200b", "`a\ufffdb\ufffd`"), ("a  b", "`a  b`"),
        ("a" + " " * (MOST_BLANKS + 1) + "b", "`a b`"),
    ],
)  # fmt: skip
def test_a_name_cannot_leave_its_code_span(text: str, shown: str) -> None:
    assert code(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n````\nb\n", "`````\na\n````\nb\n`````"),
        ("", "```\n```"),
        ("\n", "```\n\n```"),
        ("a\r\nb", "```\na\nb\n```"),
        ("\ta\u202e\n", "```\n\ta\ufffd\n```"),
    ],
)
def test_a_fence_is_longer_than_what_it_holds(text: str, shown: str) -> None:
    assert fenced(text) == shown


def test_what_is_nested_deeper_than_anybody_means_is_shown_as_it_is() -> None:
    for text in (">" * 30 + "a", "- " * 30 + "a"):
        assert prose(text) == fenced(text)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "part",
    [
        "[", "![", "[a](", "*a **b ", "a**b", "*a_ ", "`a``b", "<", "<a ", "> ", "- ", "* a\n", "  - a\n", "1. ", "a\n",
        "\\", "&", "\n", "@ ", ":a", "AAA-", "(@", "\u0301", "[*", "`[", "A", "0", ":+", "_",
    ],
)  # fmt: skip
def test_what_is_long_and_odd_takes_no_time_and_no_room(part: str) -> None:
    for length in (MOST_READ, 100_000):
        text = part * (length // len(part))
        assert len(prose(text)) <= MOST_GROWTH * len(text) + 100
        assert len(line(text)) <= MOST_GROWTH * len(text) + 100
        assert len(quoted(text)) <= 2 * MOST_GROWTH * len(text) + 100
