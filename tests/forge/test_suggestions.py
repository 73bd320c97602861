"""A suggestion is offered for one press only where that press does what a person sees, and leaves the file sound."""

import random
from dataclasses import dataclass

import pytest

from forge.markdown import fenced
from forge.suggestions import Suggestion, judge, lines_of
from tests.forge.inert import active_in

PYTHON = """\
import os


def total(items, rate):
    subtotal = 0
    for item in items:
        subtotal += item.price
    if rate:
        subtotal = subtotal * rate
    return subtotal


NAMES = ["a", "b"]
"""
ABOVE, ZERO, BELOW = "def total(items, rate):\n", "    subtotal = 0.0\n", "    for item in items:\n"
JSON = '{\n  "name": "shop",\n  "port": 8080,\n  "tags": ["a", "b"]\n}\n'
YAML = "on: push\njobs:\n  test:\n    runs-on: ubuntu\n    steps:\n      - run: make\n      - run: test\n"
TOML = '[project]\nname = "shop"\nversion = "1.0"\n'
GO = 'func main() {\n\tif ready {\n\t\tstart()\n\t}\n\tstop("now")\n}\n'
JAVASCRIPT = "function f(a) {\n  if (a) {\n    g(a);\n  }\n  h(a);\n}\n"
RUSSIAN = "# \u0438\u043c\u044f \u0438 \u0441\u043e\u0440\u0442\nname = 1\nscope = 2\n"  # имя и сорт
FRENCH = "# l\u2019\u00e9t\u00e9 \u2014 un co\u00fbt\nprix = 1\n"
JAPANESE = "# \u5408\u8a08\u3092\u8fd4\u3059 Python\nx = 1\n"
HIDDEN = (
    "\u3164\U000e0100\u00ad\u200b\u200c\u200d\u034f\u2028\u2029\u202e\u2066\ufeff\u115f\u2800\u00a0\u0085\0\f"
    "\x1b\ud800\ue000\U000e0041\ufe0f\uffa0"
)
WIDE = "x = 1" + " " * 30 + "# far\ny = 2\n" + "z = '" + "a" * 300 + "'\n"
BROKEN = "def f(:\n    x = 1\n    y = 2\n"


@dataclass(frozen=True)
class Case:
    """A suggestion for some lines of a file."""

    what: str
    path: str
    text: str
    lines: tuple[int, int]
    suggestion: str
    body: str | None = None  # of the press, where it is not the suggestion with a line end

    def judged(self) -> Suggestion:
        start, end = self.lines
        return judge(self.suggestion, path=self.path, lines=lines_of(self.text.encode()), start=start, end=end)

    def applied(self, body: str) -> str:
        """The file after the press, as GitHub makes it."""
        lines = self.text.splitlines(keepends=True)
        return "".join((*lines[: self.lines[0] - 1], body, *lines[self.lines[1] :]))


def named(case: Case) -> str:
    return case.what


PRESSED = [
    Case("a line", "a.py", PYTHON, (5, 5), "    subtotal = 0.0"),
    Case("with its end", "a.py", PYTHON, (5, 5), "    subtotal = 0.0\n"),
    Case("several lines", "a.py", PYTHON, (8, 9), "    if rate is None:\n        rate = 1\n    subtotal *= rate"),
    Case("at the top level", "a.py", PYTHON, (13, 13), 'NAMES = ("a", "b")'),
    Case("a deletion", "a.py", PYTHON, (1, 1), "", ""),
    Case("a deletion that is said by a line end", "a.py", PYTHON, (1, 1), "\n", ""),
    Case("a deletion that is said by blanks", "a.py", PYTHON, (1, 1), "    \n\n", ""),
    Case("a deletion of a blank line", "a.py", PYTHON, (2, 2), "", ""),
    Case("a deletion of two lines", "a.py", PYTHON, (8, 9), "", ""),
    Case("fewer lines", "a.py", PYTHON, (8, 9), "    subtotal *= rate or 1"),
    Case("a blank line within", "a.py", PYTHON, (5, 5), "    subtotal = 0\n\n    # all of them"),
    Case("a blank line at the end", "a.py", PYTHON, (9, 9), "        subtotal *= rate\n\n"),
    Case("code for a blank line", "a.py", PYTHON, (2, 2), "import sys"),
    Case("blanks at the end go", "a.txt", "a  \nb\n", (1, 1), "a"),
    Case("the line above, trimmed", "a.py", PYTHON, (5, 5), ABOVE + ZERO, ZERO),
    Case("the line below, trimmed", "a.py", PYTHON, (5, 5), ZERO + BELOW, ZERO),
    Case("both, trimmed", "a.py", PYTHON, (5, 5), ABOVE + ZERO + BELOW, ZERO),
    Case("two lines above, trimmed", "a.py", PYTHON, (5, 5), "\n" + ABOVE + ZERO, ZERO),
    Case("a first line that stays", "a.py", "a()\na()\nb()\n", (2, 3), "a()\nc()"),
    Case("a bracket of its own", "a.js", JAVASCRIPT, (3, 3), "    if (a > 1) {\n      g(a);\n    }"),
    Case("JSON", "a.json", JSON, (3, 3), '  "port": 8081,'),
    Case("YAML", "a.yml", YAML, (6, 6), "      - run: make all"),
    Case("TOML", "a.toml", TOML, (3, 3), 'version = "1.1"'),
    Case("tabs in a file with tabs", "a.go", GO, (3, 3), "\t\tstart(1)"),
    Case("tabs one level deeper", "a.go", GO, (3, 3), "\t\tif x {\n\t\t\tstart()\n\t\t}"),
    Case("a file that does not parse", "a.py", BROKEN, (2, 2), "    x = 3"),
    Case("a language that nobody parses here", "a.rb", "puts 1\n", (1, 1), "puts (1"),
    Case("a script that the file uses", "a.py", RUSSIAN, (1, 1), "# \u0438\u043c\u044f, \u0446\u0435\u043d\u0430"),
    Case("accents that the file uses", "a.py", FRENCH, (1, 1), "# l\u2019\u00e9tage"),
    Case("Japanese in its scripts", "a.py", JAPANESE, (1, 1), "# Python\u306e\u5408\u8a08\u3092\u8fd4\u3059"),
    Case("a symbol", "a.py", PYTHON, (13, 13), 'NAMES = ["\u2713", "\u2192", "\u20ac"]'),
    Case("as long as the line was", "a.py", WIDE, (3, 3), "z = '" + "b" * 300 + "'"),
    Case("blanks as there were", "a.py", WIDE, (1, 1), "x = 2" + " " * 30 + "# far"),
    Case("200 columns", "a.txt", "a\n", (1, 1), "b" * 200),
    Case("16 blanks", "a.txt", "a\n", (1, 1), "b" + " " * 16 + "c"),
    Case("a fence in Markdown", "a.md", "```\na\n```\n", (1, 3), "```\nb\n```"),
    Case("items of a list", "a.md", "+ a\n", (1, 1), "+ b\n+ c"),
    Case("lines that end as in Windows", "a.txt", "a\r\nb\r\n", (1, 1), "c\r\nd\r\n", "c\nd\n"),
    Case("without a last line end", "a.txt", "a\nb", (2, 2), "c"),
    Case("backticks", "a.md", "a\n", (1, 1), "````x"),
    Case("a mark that a strangers' text makes", "a.py", "x = 1\n", (1, 1), "x = 2  # <!-- @bob -->"),
    Case("an ellipsis of Python", "a.py", "def f():\n    pass\n", (2, 2), "    ..."),
]  # fmt: skip

SHOWN = [
    # 38, 41: what nobody sees
    *(
        Case(f"the character {ord(hidden):X}", "a.py", PYTHON, (5, 5), f"    sub{hidden}total = 0.0")
        for hidden in HIDDEN
    ),
    Case("four marks", "a.py", FRENCH, (2, 2), "prix = 'e\u0301\u0301\u0301\u0301'"),
    Case("a carriage return", "a.txt", "a\n", (1, 1), "b\rc"),
    Case("tabs in a file without", "a.txt", "a b\n", (1, 1), "a\tb"),
    # 40: homoglyphs
    Case("a Cyrillic letter", "a.py", PYTHON, (5, 5), "    subtot\u0430l = 0.0"),
    Case("a Cyrillic letter in a file with Russian", "a.py", RUSSIAN, (2, 2), "n\u0430me = 2"),
    Case("a Cyrillic word that looks like an English one", "a.py", RUSSIAN, (3, 3), "\u0441\u043e\u0440\u0435 = 2"),
    Case("a Greek letter in a word", "a.py", "# \u03b2\nx = 1\n", (2, 2), "alph\u03b1 = 1"),
    Case("Greek in a file without", "a.py", PYTHON, (5, 5), "    subtotal = 0.0  # \u03b2\u03ae\u03c4\u03b1"),
    Case("accents in a file without", "a.py", PYTHON, (5, 5), "    subtotal = 0.0  # caf\u00e9"),
    Case("marks in a file without", "a.py", PYTHON, (5, 5), "    subtotal = 0.0  # cafe\u0301"),
    Case("a click that looks like a sign", "a.js", FRENCH, (2, 2), "if (access\u01c3='user')"),
    Case("a Greek question mark", "a.js", JAVASCRIPT, (5, 5), "  h(b)\u037e"),
    Case("a slash that is none", "a.js", JAVASCRIPT, (5, 5), "  h(a \u2215 2);"),
    Case("full width", "a.js", JAVASCRIPT, (5, 5), "  h(a)\uff1b"),
    Case("a rare script", "a.py", PYTHON, (13, 13), 'NAMES = ["\u16a0"]'),
    # 40: out of sight
    Case("400 columns to the right", "a.js", JAVASCRIPT, (3, 3), "    g(a);" + " " * 400 + "evil();"),
    Case("17 blanks", "a.txt", "a\n", (1, 1), "b" + " " * 17 + "c"),
    Case("tabs to the right", "a.go", GO, (3, 3), "\t\tstart()\t\t\t\t\tevil()"),
    Case("a long line", "a.txt", "a\n", (1, 1), "b" * 201),
    Case("far to the right from its start", "a.js", JAVASCRIPT, (3, 3), "    g(a);\n" + " " * 100 + "evil();"),
    Case("many blank lines", "a.js", JAVASCRIPT, (3, 3), "    g(a);" + "\n" * 30 + "    evil();"),
    # F10: indentation
    Case("without its indentation", "a.js", JAVASCRIPT, (3, 3), "g(b);"),
    Case("with more", "a.js", JAVASCRIPT, (3, 3), "      g(b);"),
    Case("lost in Python", "a.py", PYTHON, (5, 5), "subtotal = 0.0"),
    Case("spaces in a file with tabs", "a.go", GO, (3, 3), "        start(1)"),
    Case("spaces further below", "a.go", GO, (3, 3), "\t\tif x {\n            start()\n\t\t}"),
    # F10: what would stand twice, or where blanks would be left
    Case("a bracket of the line below", "a.js", "a([\n  b\n]);\n", (2, 2), "  c\n]);"),
    Case("lines around alone", "a.py", PYTHON, (5, 5), "def total(items, rate):"),
    Case("a blank line for a line", "a.js", JAVASCRIPT, (3, 5), "    g(a);\n  }\n\n"),
    Case("a blank line between", "a.txt", "a\nb\nc\n", (1, 3), "a\n\nc"),
    # what no longer parses
    Case("Python", "a.py", PYTHON, (4, 4), "def total(items, rate:"),
    Case("Python without a body", "a.pyi", PYTHON, (8, 9), "    if rate:"),
    Case("JSON without a comma", "a.json", JSON, (3, 3), '  "port": 8081'),
    Case("JSON with a last comma", "a.JSON", JSON, (4, 4), '  "tags": ["a"],'),
    Case("YAML", "a.yaml", YAML, (6, 6), "      - run: make: all"),
    Case("TOML", "a.toml", TOML, (3, 3), "version = 1.x"),
    Case("TOML with a key twice", "a.toml", TOML, (3, 3), 'name = "y"'),
    Case("too large to tell", "a.json", "[\n" + "1,\n" * 600_000 + "1\n]\n", (2, 2), "2,"),
    # what models put around code
    Case("a fence", "a.js", JAVASCRIPT, (3, 3), "```js\n    g(b);\n```"),
    Case("a diff", "a.js", "f(a);\n", (1, 1), "-f(a);\n+f(b);"),
    Case("numbers of lines", "a.js", "f(a);\n", (1, 1), "1\u2192f(b);"),
    Case("code left out", "a.js", JAVASCRIPT, (2, 3), "  if (b) {\n    // ... as before"),
    # places
    Case("line 0", "a.txt", "a\n", (0, 1), "b"),
    Case("beyond the end", "a.txt", "a\n", (1, 2), "b"),
    Case("the wrong way round", "a.txt", "a\nb\n", (2, 1), "c"),
    Case("lines that end in two ways", "a.txt", "a\r\nb\nc\n", (1, 1), "d"),
]  # fmt: skip

DROPPED = [
    Case("the same line", "a.py", PYTHON, (5, 5), "    subtotal = 0"),
    Case("the same lines", "a.py", PYTHON, (5, 6), "    subtotal = 0\n    for item in items:\n"),
    Case("the same line with the one above", "a.py", PYTHON, (6, 6), "    subtotal = 0\n    for item in items:"),
    Case("the same, ended as in Windows", "a.txt", "a\r\nb\r\n", (1, 1), "a"),
    Case("the same with blanks behind", "a.py", PYTHON, (5, 5), "    subtotal = 0   "),
    Case("a blank line for a blank line", "a.py", PYTHON, (2, 2), "\n"),
    Case("blanks for a blank line", "a.py", PYTHON, (2, 3), "  "),
    Case("a deletion that breaks the file", "a.py", PYTHON, (4, 4), ""),
    Case("a deletion of what is not there", "a.py", PYTHON, (40, 40), ""),
    Case("nothing behind a byte order mark", "a.txt", "\ufeffa\nb\n", (1, 1), "a"),
]


@pytest.mark.parametrize("case", PRESSED, ids=named)
def test_what_is_sound_may_be_taken_over_with_one_press(case: Case) -> None:
    judged = case.judged()
    body = case.suggestion.removesuffix("\n") + "\n" if case.body is None else case.body

    assert (judged.shown, judged.body, judged.reason) == ("press", body, "")
    assert judged.markdown == fenced(body, "suggestion")
    assert case.applied(body) != case.text
    assert active_in(judged.markdown) == ["<code [('class', 'language-suggestion')]>"]


@pytest.mark.parametrize("case", SHOWN, ids=named)
def test_what_is_not_sound_is_shown_as_code(case: Case) -> None:
    judged = case.judged()

    assert judged.shown == "code"
    assert judged.reason
    assert not active_in(judged.markdown)


@pytest.mark.parametrize("case", DROPPED, ids=named)
def test_what_changes_nothing_that_is_seen_is_not_shown(case: Case) -> None:
    judged = case.judged()

    assert (judged.shown, judged.markdown) == ("nothing", "")
    assert judged.reason


def test_there_are_enough_of_each() -> None:
    assert len(PRESSED) >= 35
    assert len(SHOWN) >= 60


def test_a_deletion_is_a_fence_without_a_line() -> None:
    assert Case("", "a.txt", "a\nb\n", (1, 1), "").judged().markdown == "```suggestion\n```"


def test_a_file_that_is_not_known_is_changed_by_nobody() -> None:
    assert judge("x", path="a.py", lines=None, start=1, end=1) == Suggestion("code", "x\n", "the file is not known")
    assert judge("", path="a.py", lines=None, start=1, end=1).markdown == ""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.toml", "a" + ".a" * 400_000 + " = 1"), ("a.py", "a" + ".b" * 400_000), ("a.py", "-" * 400_000 + "1"),
        ("a.json", "[" * 500_000), ("a.yaml", "[" * 1000),
    ],
)  # fmt: skip
def test_a_file_that_no_parser_can_read_stops_nobody(path: str, text: str) -> None:
    assert judge("x = 2", path=path, lines=[text, "x = 1"], start=2, end=2).shown in ("press", "code")


def test_nothing_raises_whatever_is_judged() -> None:
    parts = [*"a\n \t\0\ud800\u00e9\u0430`{}+-#", "\r\n", "...", "    "]
    for seed in range(300):
        dice = random.Random(seed)  # noqa: S311
        suggestion, text = ("".join(dice.choice(parts) for _ in range(dice.randint(0, 30))) for _ in range(2))
        start, end = dice.randint(0, 4), dice.randint(0, 5)
        judged = judge(suggestion, path="a.rb", lines=text.split("\n"), start=start, end=end)
        assert judged.shown in ("press", "code", "nothing")
        if judged.shown == "press":
            assert judged.body.strip() or not judged.body


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\n\n", ["a", ""]),
        (b"a", ["a"]),
        (b"a\r\n", ["a\r"]),
        (b"\xff", None),
        (b"\0", None),
    ],
)
def test_the_lines_of_a_file(content: bytes, lines: list[str] | None) -> None:
    assert lines_of(content) == lines
