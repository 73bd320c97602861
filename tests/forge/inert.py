"""What GitHub would make of a text: rendered by its own Markdown, and searched for all that is not inert."""

import re
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

# HTML is let through, so that it is found; a line's end is one, and footnotes are made, as in GitHub's comments.
OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_HARDBREAKS | Options.CMARK_OPT_FOOTNOTES
EXTENSIONS = ["autolink", "strikethrough", "table", "tagfilter", "tasklist"]
ALLOWED = {"blockquote", "br", "code", "em", "li", "ol", "p", "pre", "strong", "ul"}
# What GitHub acts upon in text outside of code, after its Markdown was rendered.
REFERENCES = re.compile(
    r"@\w|#\d|\bGH-\d|://|www\.|\b[0-9a-f]{7,40}\b|\$|:(?=[+-]*\w)[\w+-]+:|^\s*\[(!\w+|[ x])\]", re.IGNORECASE
)


class Inert(HTMLParser):
    """Collects what is `active`, and the `words` that a reader sees outside of code."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.active: list[str] = []
        self.words = ""
        self._in_code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED or [name for name, _ in attrs if (tag, name) != ("ol", "start")]:
            self.active.append(f"<{tag} {attrs}>")
        self._in_code += tag in ("code", "pre")

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag in ("code", "pre")

    def handle_data(self, data: str) -> None:
        if not self._in_code:
            self.words += data
            self.active += [found[0] for found in REFERENCES.finditer(data)]

    def handle_comment(self, data: str) -> None:
        self.active.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.active.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.active.append(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        self.active.append(f"<![{data}]>")


def html(text: str) -> str:
    """`text` as GitHub's Markdown renders it."""
    rendered: str = cmarkgfm.markdown_to_html_with_extensions(text, options=OPTIONS, extensions=EXTENSIONS)
    return rendered


def active_in(text: str) -> list[str]:
    """Everything in a text that would be more than text, emphasis, a list, a quote or code."""
    return _read(text).active


def words_in(text: str) -> str:
    """What a reader sees outside of code."""
    return _read(text).words


def _read(text: str) -> Inert:
    reader = Inert()
    reader.feed(html(text))
    reader.close()
    return reader
